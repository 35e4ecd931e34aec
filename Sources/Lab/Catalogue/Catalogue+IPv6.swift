import Addresses
import Packets
import Policy

// Section 5: from a guest, IPv6 but for neighbour discovery.
extension Catalogue {
    static let ipv6 = malformedIPv6 + forgedIPv6 + chains + fragments + control

    private static let a = Stage.www, victim = Stage.mail, gateway = Stage.gateway, outside = Stage.outside, vpn = Stage.vpn

    private static func packet(_ packet: NetworkPacket) -> Frame { .ethernet(from: a.mac, to: outside.mac, packet) }

    private static let malformedIPv6: [Attack] = [
        Attack(
            "ipv4-in-ipv6s-place", "S1", .ip6Malformed, from: .www,
            [packet(.ipv6(from: a.ip6, to: outside.ip6, .datagram, version: 4))], .arrives(at: .outside)),
        Attack(
            "ipv6-longer-than-it-is", "S1", .ip6Malformed, from: .www,
            [packet(.ipv6(from: a.ip6, to: outside.ip6, .datagram, payloadLength: 1200))], .arrives(at: .outside)),
        Attack(
            "jumbogram", "S1", .ip6Malformed, from: .www,
            [
                packet(
                    .ipv6(
                        from: a.ip6, to: outside.ip6, extensionHeaders: [.hopByHop(options: [0xc2, 4, 0, 1, 0, 0])], .datagram,
                        payloadLength: 0))
            ], .arrives(at: .outside)),
    ]

    private static func spoof(_ name: String, _ source: IPv6Address, to target: Party = outside, _ upper: UpperLayer = .datagram) -> Attack {
        Attack(name, "S2", .ip6Source, from: .www, [a.ip6(to: target, upper, from: source)], .arrives(at: target.site))
    }

    private static func transit(_ name: String, _ source: IPv6Address) -> Attack {
        Attack(name, "S2", .ip6Source, from: .vpn, [vpn.ip6(to: outside, .datagram, from: source)], .arrives(at: .outside))
    }

    private static let forgedIPv6: [Attack] = [
        spoof("ipv6-of-another-guest", victim.ip6),
        spoof("ipv6-of-another-guest-to-a-third", Stage.db.ip6, to: victim),
        spoof("ipv6-of-the-gateway", gateway.ip6, to: victim),
        spoof("ipv6-of-the-host", Stage.host.ip6, to: victim),
        spoof("ipv6-to-the-host-from-another", victim.ip6, to: Stage.host),
        spoof("ipv6-of-nobody-here", Stage.internet6),
        spoof("ipv6-of-anothers-routed-subnet", IPv6Address(high: Stage.routed6.address.high + 1, low: 5)),
        spoof("ipv6-from-nowhere", .unspecified),
        spoof("ipv6-from-loopback", .loopback),
        spoof("ipv6-from-a-group", .allNodes),
        spoof("ipv6-from-a-mapped-address", IPv6Address(high: 0, low: 0xffff_0000_0000 | UInt64(victim.ip4.rawValue))),
        spoof("link-local-outside-its-64", IPv6Address(high: 0xfe80_0000_0000_0001, low: 5)),
        spoof("icmpv6-packet-too-big-from-the-gateway", gateway.ip6, to: victim, .icmpv6(ICMPv6Message.Kind(rawValue: 2))),
        Attack(
            "mld-report-from-nowhere-to-one", "S2", .ip6Source, from: .www,
            [a.ip6(to: outside, .mldReport(group: group6), from: .unspecified, extensionHeaders: [.routerAlert])], .arrives(at: .outside)),
        Attack(
            "router-solicitation-from-nowhere-with-a-mac", "S2", .ip6Source, from: .www,
            [a.ip6(toGroup: .allRouters, .routerSolicitation(options: [.sourceLinkLayer(a.mac)]), from: .unspecified)],
            .arrives(at: .gateway)
        ).after(gateway.joins(.allRouters)),
        transit("transit-with-a-guests-ipv6", victim.ip6),
        transit("transit-with-the-gateways-ipv6", gateway.ip6),
        transit("transit-within-a-guests-routed-subnet", Stage.inRouted6),
        transit("transit-from-ipv6-loopback", .loopback),
        transit("transit-from-an-ipv6-group", .allNodes),
        transit("transit-from-nowhere", .unspecified),
    ]

    private static func chain(_ name: String, _ headers: [ExtensionHeader], _ upper: UpperLayer = .datagram, nextHeader: IPProtocol? = nil)
        -> Attack
    {
        Attack(
            name, "S3", .ip6HeaderChain, from: .www,
            [packet(.ipv6(from: a.ip6, to: outside.ip6, extensionHeaders: headers, upper, nextHeader: nextHeader))], .arrives(at: .outside))
    }

    private static let chains: [Attack] = [
        chain("hop-by-hop-not-first", [.destinationOptions(), .hopByHop()]),
        chain("routing-header-type-0", [.routing(type: 0, segmentsLeft: 1, data: gateway.ip6.bytes)]),
        chain("routing-header-type-0-behind-options", [.destinationOptions(), .routing(type: 0, data: gateway.ip6.bytes)]),
        chain("two-fragment-headers", [.fragment(), .fragment()]),
        chain("nine-extension-headers", Array(repeating: .destinationOptions(), count: 9)),
        chain("extension-headers-of-513-bytes", [.destinationOptions(options: [UInt8](repeating: 0, count: 513))]),
        chain(
            "extension-header-cut-short", [.destinationOptions(), ExtensionHeader(.destinationOptions, bytes: [17, 9, 0, 0, 0, 0, 0, 0])]),
        chain("extension-header-of-nothing", [], .raw(.destinationOptions)),
    ]

    private static let hidden = UpperLayer.routerAdvertisement(options: [.sourceLinkLayer(a.mac)])

    private static func fragment(_ name: String, _ frames: [NetworkPacket]) -> Attack {
        Attack(
            name, "S4", .ip6Fragment, from: .www,
            frames.map { .ethernet(from: a.mac, to: IPv6Address.allNodes.multicastMAC, $0) }, .arrives(at: .mail))
    }

    private static func piece(_ offset: UInt16, more: Bool, _ next: IPProtocol, _ bytes: [UInt8]) -> NetworkPacket {
        .ipv6(
            from: a.linkLocal, to: .allNodes, extensionHeaders: [.fragment(offset: offset, moreFragments: more)],
            .raw(next, bytes), hopLimit: 255)
    }

    private static let fragments: [Attack] = [
        fragment(
            "router-advertisement-behind-a-split-chain",
            [
                piece(0, more: true, .destinationOptions, [60, 0, 1, 4, 0, 0, 0, 0]),
                piece(1, more: false, .destinationOptions, [58, 0, 1, 4, 0, 0, 0, 0] + hidden.bytes),
            ]),
        fragment("first-fragment-without-ports", [piece(0, more: true, .udp, [0, 9, 0, 9])]),
        fragment("first-fragment-of-nothing", [piece(0, more: true, .icmpv6, [])]),
        fragment("atomic-fragment-without-upper-layer", [piece(0, more: false, .icmpv6, [134, 0, 0, 0])]),
        fragment("first-fragment-with-half-a-header", [piece(0, more: true, .destinationOptions, [58, 3, 1, 4, 0, 0, 0, 0])]),
        fragment("later-fragment-of-a-routing-header", [piece(2, more: false, .routing, [59, 0, 0, 0, 0, 0, 0, 0])]),
    ]

    /// The group that mail listens to, and a datagram to it from outside.
    static let group6 = IPv6Address(high: 0xff05 << 48, low: 0x1234)
    static let joinsGroup6 = victim.joins(group6)
    static let toGroup6 = Injection(.outside, outside.ip6(toGroup: group6, .udp(from: 9, to: 9, payload: [6, 2, 3, 9]), from: outside.ip6))

    private static func type(_ name: String, _ type: UInt8) -> Attack {
        let message = UpperLayer.icmpv6(ICMPv6Message.Kind(rawValue: type), rest: [UInt8](repeating: 0, count: 20), hopLimit: 255)
        return Attack(name, "S10", .icmp6Control, from: .www, [a.ip6(to: outside, message)], .arrives(at: .outside))
    }

    private static let control: [Attack] = [
        type("router-renumbering", 138), type("home-agent-discovery", 144), type("home-agent-reply", 145),
        type("mobile-prefix-solicitation", 146), type("mobile-prefix-advertisement", 147), type("certification-path-solicitation", 148),
        type("certification-path-advertisement", 149), type("mrd-advertisement", 151), type("mrd-solicitation", 152),
        type("mrd-termination", 153),
        Attack(
            "inverse-neighbour-solicitation", "S10", .icmp6Control, from: .www,
            [a.ip6(toGroup: .allNodes, .icmpv6(.inverseSolicitation, rest: [0, 0, 0, 0], hopLimit: 255))], .arrives(at: .mail),
            marked: false),
        Attack(
            "mld-query", "S11", .multicastQuery, from: .www,
            [a.ip6(toGroup: .allNodes, .mldQuery(), extensionHeaders: [.routerAlert])], .arrives(at: .outside)),
        Attack(
            "mld-v2-query", "S11", .multicastQuery, from: .www,
            [a.ip6(toGroup: .allNodes, .mldQuery(version: 2), extensionHeaders: [.routerAlert])], .arrives(at: .outside)),
        Attack(
            "mrd-advertisement-draws-all-groups", "S10", .icmp6Control, from: .www,
            [
                a.ip6(
                    toGroup: IPv6Address(high: 0xff02 << 48, low: 0x6a),
                    .icmpv6(ICMPv6Message.Kind(rawValue: 151), code: 20, hopLimit: 1), extensionHeaders: [.routerAlert])
            ], .hears(.www)
        ).after(joinsGroup6).then(toGroup6),
        Attack("dhcpv6-advertise", "S12", .dhcp6Server, from: .www, [dhcp6(2, 547, 546)], .arrives(at: .mail)),
        Attack("dhcpv6-reconfigure", "S12", .dhcp6Server, from: .www, [dhcp6(10, 9, 546)], .arrives(at: .mail)),
        Attack("dhcpv6-from-the-servers-port", "S12", .dhcp6Server, from: .www, [dhcp6(7, 547, 9)], .arrives(at: .mail)),
        Attack("dhcpv6-as-a-relay", "S12", .dhcp6Server, from: .www, [dhcp6(12, 546, 547)], .arrives(at: .mail)),
        Attack("dhcpv6-as-a-relay-that-answers", "S12", .dhcp6Server, from: .www, [dhcp6(13, 9, 547)], .arrives(at: .mail)),
        Attack(
            "dhcpv6-as-a-relay-in-fragments", "S12", .dhcp6Server, from: .www,
            [a.ip6(to: victim, .udp(from: 546, to: 547), from: a.linkLocal, extensionHeaders: [.fragment(moreFragments: true)])],
            .arrives(at: .mail)),
        Attack(
            "dhcpv6-advertise-behind-options", "S12", .dhcp6Server, from: .www,
            [
                a.ip6(
                    to: victim, .dhcpv6(2, from: 547, to: 546), from: a.linkLocal, extensionHeaders: [.destinationOptions(), .fragment()])
            ], .arrives(at: .mail)),
    ]

    private static func dhcp6(_ type: UInt8, _ source: UInt16, _ destination: UInt16) -> Frame {
        a.ip6(to: victim, .dhcpv6(type, from: source, to: destination), from: a.linkLocal)
    }
}
