import Addresses
import Packets
import Policy

// Section 4: from a guest, IPv4.
extension Catalogue {
    static let ipv4 = malformedIPv4 + forgedIPv4 + transitIPv4 + sourceRoutes + tinyFragments + routersMessages + igmp

    private static let a = Stage.www, victim = Stage.mail, gateway = Stage.gateway, outside = Stage.outside, vpn = Stage.vpn

    private static func packet(_ packet: NetworkPacket, to mac: MACAddress = outside.mac) -> Frame {
        .ethernet(from: a.mac, to: mac, packet)
    }

    private static let malformedIPv4: [Attack] = [
        Attack(
            "ipv6-in-ipv4s-place", "F1", .ip4Malformed, from: .www,
            [packet(.ipv4(from: a.ip4, to: outside.ip4, .datagram, version: 6))], .arrives(at: .outside)),
        Attack(
            "ipv4-header-too-short", "F1", .ip4Malformed, from: .www,
            [packet(.ipv4(from: a.ip4, to: outside.ip4, .datagram, headerLength: 16))], .arrives(at: .outside)),
        Attack(
            "ipv4-header-beyond-the-packet", "F1", .ip4Malformed, from: .www,
            [packet(.ipv4(from: a.ip4, to: outside.ip4, .raw(.udp), headerLength: 60))], .arrives(at: .outside), marked: false),
        Attack(
            "ipv4-longer-than-it-is", "F1", .ip4Malformed, from: .www,
            [packet(.ipv4(from: a.ip4, to: outside.ip4, .datagram, totalLength: 1400))], .arrives(at: .outside)),
        Attack(
            "ipv4-total-below-header", "F1", .ip4Malformed, from: .www,
            [packet(.ipv4(from: a.ip4, to: outside.ip4, .datagram, totalLength: 10))], .arrives(at: .outside)),
    ]

    private static func spoof(_ name: String, _ source: IPv4Address, to target: Party = outside, _ upper: UpperLayer = .datagram) -> Attack {
        Attack(name, "F2", .ip4Source, from: .www, [a.ip4(to: target, upper, from: source)], .arrives(at: target.site))
    }

    private static let forgedIPv4: [Attack] = [
        spoof("ipv4-of-another-guest", victim.ip4),
        spoof("ipv4-of-another-guest-to-a-third", Stage.db.ip4, to: victim),
        spoof("ipv4-of-the-victim-itself", victim.ip4, to: victim),
        spoof("ipv4-of-the-gateway", gateway.ip4, to: victim),
        spoof("ipv4-of-the-host", Stage.host.ip4, to: victim),
        spoof("ipv4-to-the-host-from-another", victim.ip4, to: Stage.host),
        spoof("ipv4-of-a-virtual-router", Stage.virtual4),
        spoof("ipv4-of-nobody-here", Stage.internet4),
        spoof("ipv4-from-nowhere", .any),
        spoof("ipv4-from-loopback", IPv4Address(127, 0, 0, 1)),
        spoof("ipv4-from-a-group", IPv4Address(224, 0, 0, 1)),
        spoof("ipv4-from-broadcast", .broadcast),
        spoof("ipv4-within-the-subnet", Stage.nobody4),
        spoof("tcp-reset-for-anothers-connection", victim.ip4, .tcp(from: 22, to: 4000, flags: 0x04)),
        spoof("tcp-flood-from-another", victim.ip4, .tcp(from: 5000, to: 80)),
        spoof("icmp-frag-needed-from-the-gateway", gateway.ip4, to: victim, .icmp(3, code: 4, rest: [0, 0, 2, 0])),
        Attack(
            "ping-everybody-as-the-victim", "F2", .ip4Source, from: .www,
            [.ethernet(from: a.mac, to: .broadcast, .ipv4(from: victim.ip4, to: Stage.broadcast4, .icmp(8)))], .arrives(at: .outside)),
        Attack(
            "ipv4-of-another-in-a-later-fragment", "F2", .ip4Source, from: .www,
            [packet(.ipv4(from: victim.ip4, to: outside.ip4, .raw(.udp, [UInt8](repeating: 0, count: 16)), fragmentOffset: 20))],
            .arrives(at: .outside)),
        Attack(
            "icmp-redirect-in-the-gateways-name", "F2", .ip4Source, from: .www,
            [a.ip4(to: victim, .icmp(5, code: 1, rest: a.ip4.bytes + redirectedPacket), from: gateway.ip4)],
            .redirects(.mail, destination: .v4(Stage.internet4), via: .v4(a.ip4))
        ).after(a.asksFor(victim)),
    ]

    /// What a redirect quotes: an echo reply of the victim's to the Internet, for which it has no socket to be asked.
    private static let redirectedPacket = NetworkPacket.ipv4(from: victim.ip4, to: Stage.internet4, .icmp(0)).bytes

    private static func transit(_ name: String, _ source: IPv4Address) -> Attack {
        Attack(name, "F2", .ip4Source, from: .vpn, [vpn.ip4(to: outside, .datagram, from: source)], .arrives(at: .outside))
    }

    private static let transitIPv4: [Attack] = [
        transit("transit-with-a-guests-address", victim.ip4),
        transit("transit-with-the-gateways-address", gateway.ip4),
        transit("transit-with-the-hosts-address", Stage.host.ip4),
        transit("transit-from-this-network", IPv4Address(0, 1, 2, 3)),
        transit("transit-from-loopback", IPv4Address(127, 1, 2, 3)),
        transit("transit-from-a-group", IPv4Address(239, 1, 2, 3)),
    ]

    private static func options(_ name: String, _ options: [UInt8]) -> Attack {
        Attack(
            name, "F3", .ip4SourceRoute, from: .www, [packet(.ipv4(from: a.ip4, to: outside.ip4, .datagram, options: options))],
            .arrives(at: .outside))
    }

    private static let sourceRoutes: [Attack] = [
        options("loose-source-route", [131, 7, 4] + gateway.ip4.bytes),
        options("strict-source-route", [137, 7, 4] + gateway.ip4.bytes),
        options("source-route-behind-other-options", [1, 1, 148, 4, 0, 0, 131, 7, 4] + gateway.ip4.bytes),
        options("option-of-length-1", [7, 1, 131, 7, 4, 0, 0, 0]),
        options("option-beyond-the-header", [7, 39, 4, 0]),
    ]

    private static let tinyFragments: [Attack] = [
        Attack(
            "tiny-first-fragment", "F6", .ip4TinyFragment, from: .www,
            [packet(.ipv4(from: a.ip4, to: outside.ip4, .raw(.tcp, [0, 80, 0, 80]), moreFragments: true))], .arrives(at: .outside)),
        Attack(
            "fragment-over-the-tcp-flags", "F6", .ip4TinyFragment, from: .www,
            [
                packet(
                    .ipv4(from: a.ip4, to: outside.ip4, .raw(.tcp, [UInt8](repeating: 0x10, count: 12)), fragmentOffset: 1))
            ], .arrives(at: .outside)),
    ]

    private static let routersMessages: [Attack] = [
        Attack(
            "icmp-redirect", "F7", .icmp4Router, from: .www,
            [a.ip4(to: victim, .icmp(5, code: 1, rest: a.ip4.bytes + redirectedPacket))], .arrives(at: .mail)),
        Attack(
            "icmp-router-advertisement", "F7", .icmp4Router, from: .www,
            [
                .ethernet(
                    from: a.mac, to: .broadcast,
                    .ipv4(from: a.ip4, to: .broadcast, .icmp(9, rest: [1, 2, 7, 8] + a.ip4.bytes + [0, 0, 0, 0])))
            ], .arrives(at: .mail)),
        Attack(
            "icmp-address-mask-reply", "F7", .icmp4Router, from: .www,
            [a.ip4(to: victim, .icmp(18, rest: [0, 0, 0, 0, 255, 255, 0, 0]))], .arrives(at: .mail)),
        Attack(
            "icmp-redirect-from-a-transit-guest", "F7", .icmp4Router, from: .vpn,
            [vpn.ip4(to: victim, .icmp(5, code: 1, rest: vpn.ip4.bytes + redirectedPacket))], .arrives(at: .mail)),
    ]

    /// The group that mail listens to, and a datagram to it from outside.
    static let group4 = IPv4Address(239, 1, 2, 3)
    static let joinsGroup4 = Injection(
        .mail,
        .ethernet(
            from: victim.mac, to: group4.multicastMAC, .ipv4(from: victim.ip4, to: group4, .igmp(0x16, group: group4), options: routerAlert)
        ))
    static let toGroup4 = Injection(
        .outside,
        .ethernet(
            from: outside.mac, to: group4.multicastMAC, .ipv4(from: outside.ip4, to: group4, .udp(from: 9, to: 9, payload: [4, 2, 3, 9]))))
    private static let routerAlert: [UInt8] = [148, 4, 0, 0]

    private static func group(_ name: String, _ message: UpperLayer, to group: IPv4Address = IPv4Address(224, 0, 0, 1)) -> Attack {
        Attack(
            name, "F8", .multicastQuery, from: .www,
            [.ethernet(from: a.mac, to: group.multicastMAC, .ipv4(from: a.ip4, to: group, message, options: routerAlert))],
            .arrives(at: .outside))
    }

    private static let igmp: [Attack] = [
        group("igmp-query", .igmp(0x11, group: .any, time: 100)),
        group("igmp-v3-query", .igmp(0x11, group: .any, time: 100, rest: [2, 125, 0, 0])),
        group("igmp-query-for-a-group", .igmp(0x11, group: group4, time: 10), to: group4),
        group("multicast-router-advertisement", .igmp(0x30, group: .any, time: 20), to: IPv4Address(224, 0, 0, 106)),
        group("multicast-router-termination", .igmp(0x32, group: .any), to: IPv4Address(224, 0, 0, 106)),
        Attack(
            "igmp-query-draws-all-groups", "F8", .multicastQuery, from: .www,
            [
                .ethernet(
                    from: a.mac, to: IPv4Address(224, 0, 0, 106).multicastMAC,
                    .ipv4(from: a.ip4, to: IPv4Address(224, 0, 0, 106), .igmp(0x30, group: .any, time: 20), options: routerAlert))
            ], .hears(.www)
        ).after(joinsGroup4).then(toGroup4),
    ]
}
