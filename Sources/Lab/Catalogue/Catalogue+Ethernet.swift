import Addresses
import Packets
import Policy

// Section 2: from a guest, Ethernet.
extension Catalogue {
    static let ethernet = sourceMACs + controlAddresses + tags + etherTypes + truncations + families

    private static let a = Stage.www, victim = Stage.mail, gateway = Stage.gateway, outside = Stage.outside

    private static let sourceMACs: [Attack] = [
        Attack(
            "mac-of-another-guest", "E1", .macSource, from: .www, [a.ip4(to: gateway, .datagram, mac: victim.mac)],
            .arrives(at: .gateway), .moves(victim.mac, to: .www)),
        Attack(
            "mac-of-the-gateway", "E1", .macSource, from: .www,
            [.ethernet(from: gateway.mac, to: .broadcast, .ipv4(from: a.ip4, to: .broadcast, .datagram))],
            .arrives(at: .mail), .moves(gateway.mac, to: .www)),
        Attack(
            "mac-of-the-host", "E1", .macSource, from: .www, [a.ip4(to: outside, .datagram, mac: Stage.host.mac)], .arrives(at: .outside)),
        Attack(
            "mac-of-a-virtual-router", "E1", .macSource, from: .www, [a.ip4(to: gateway, .datagram, mac: Stage.virtualMAC)],
            .arrives(at: .gateway), .moves(Stage.virtualMAC, to: .www)),
        Attack(
            "mac-flood", "E1", .macSource, from: .www,
            (0..<64).map { a.ip4(to: outside, .datagram, mac: MACAddress(0x06, 0, 0, 0, 0, $0)) },
            .arrives(at: .outside), .moves(MACAddress(0x06, 0, 0, 0, 0, 63), to: .www)),
        Attack(
            "mac-theft-by-lldp", "E1", .macSource, from: .www,
            [.ethernet(from: victim.mac, to: lldp, .raw(.lldp, [UInt8](repeating: 0, count: 46)))], .moves(victim.mac, to: .www)),
        Attack(
            "arp-from-another-mac", "E1", .macSource, from: .www,
            [.ethernet(from: victim.mac, to: .broadcast, .arp(.request, sender: victim.arpParty, target: victim.arpParty))],
            .arrives(at: .gateway), .moves(victim.mac, to: .www)),
    ]

    private static let lldp = MACAddress(0x01, 0x80, 0xc2, 0, 0, 0x0e)
    static let spanningTree = MACAddress(0x01, 0x80, 0xc2, 0, 0, 0)
    static let cisco = MACAddress(0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc)

    /// A configuration message of a bridge that would be root (IEEE 802.1D 9.3.1).
    static func bridgeMessage(from mac: MACAddress) -> Frame {
        let root: [UInt8] = [0, 0] + mac.bytes
        let message: [UInt8] = [0, 0, 0, 0, 0] + root + [0, 0, 0, 0] + root + [0x80, 1, 0, 0, 20, 0, 2, 0, 15, 0]
        return .llc(from: mac, to: spanningTree, destinationSAP: 0x42, sourceSAP: 0x42, payload: message)
    }

    private static let controlAddresses: [Attack] = [
        Attack("spanning-tree-message", "E2", .l2Control, from: .www, [bridgeMessage(from: a.mac)], .arrives(at: .outside)),
        Attack(
            "cdp", "E2", .l2Control, from: .www,
            [.snap(from: a.mac, to: cisco, oui: 0x0c, .raw(EtherType(rawValue: 0x2000), [2, 180, 0, 0]))],
            .arrives(at: .outside)),
        Attack(
            "pvst", "E2", .l2Control, from: .www,
            [
                .snap(
                    from: a.mac, to: MACAddress(0x01, 0, 0x0c, 0xcc, 0xcc, 0xcd), oui: 0x0c,
                    .raw(EtherType(rawValue: 0x010b), [0, 0, 0, 0]))
            ],
            .arrives(at: .outside)),
        Attack(
            "ip-to-a-control-address", "E2", .l2Control, from: .www,
            [.ethernet(from: a.mac, to: spanningTree, .ipv4(from: a.ip4, to: IPv4Address(224, 0, 0, 1), .datagram))],
            .arrives(at: .mail)),
    ]

    private static let honest = NetworkPacket.ipv4(from: a.ip4, to: gateway.ip4, .datagram)

    private static func tagged(_ tags: [VLANTag], from party: Party = a, _ packet: NetworkPacket = honest) -> Frame {
        .ethernet(from: party.mac, to: gateway.mac, tags: tags, packet)
    }

    private static let advertisement = NetworkPacket.ipv6(
        from: a.linkLocal, to: .allNodes, .routerAdvertisement(options: [.sourceLinkLayer(a.mac)]))

    private static let tags: [Attack] = [
        Attack("vlan", "E3", .vlanTag, from: .www, [tagged([VLANTag(vid: 7)])], .arrives(at: .gateway)),
        Attack(
            "arp-poisoning-in-a-priority-tag", "E3", .vlanTag, from: .www,
            [
                tagged(
                    [VLANTag(vid: 0, pcp: 5)], .arp(.reply, sender: ARPPacket.Party(mac: a.mac, ip: victim.ip4), target: gateway.arpParty))
            ],
            .poisons(.gateway, .v4(victim.ip4), a.mac)
        ).after(victim.asksFor(gateway)),
        Attack("vlan-in-vlan", "E3", .vlanTag, from: .www, [tagged([VLANTag(vid: 7), VLANTag(vid: 8)])], .arrives(at: .gateway)),
        Attack(
            "service-vlan", "E3", .vlanTag, from: .www, [tagged([VLANTag(tpid: .serviceVLAN, vid: 7), VLANTag(vid: 8)])],
            .arrives(at: .gateway)),
        Attack("old-service-vlan", "E3", .vlanTag, from: .www, [tagged([VLANTag(tpid: .oldServiceVLAN, vid: 7)])], .arrives(at: .gateway)),
        Attack(
            "router-advertisement-in-a-vlan", "E3", .vlanTag, from: .www,
            [.ethernet(from: a.mac, to: IPv6Address.allNodes.multicastMAC, tags: [VLANTag(vid: 7)], advertisement)], .arrives(at: .mail)),
        Attack(
            "router-advertisement-in-a-priority-tag", "E3", .vlanTag, from: .www,
            [.ethernet(from: a.mac, to: IPv6Address.allNodes.multicastMAC, tags: [VLANTag(vid: 0)], advertisement)],
            .installsRoute(.mail, via: a.linkLocal)),
        Attack(
            "vlan-of-another", "E3", .vlanTag, from: .vlan,
            [tagged([VLANTag(vid: Stage.vlanID + 1)], from: Stage.vlan, .ipv4(from: Stage.vlan.ip4, to: gateway.ip4, .datagram))],
            .arrives(at: .gateway)),
        Attack(
            "vlan-behind-ones-own", "E3", .vlanTag, from: .vlan,
            [
                tagged(
                    [VLANTag(vid: Stage.vlanID), VLANTag(vid: 7)], from: Stage.vlan, .ipv4(from: Stage.vlan.ip4, to: gateway.ip4, .datagram)
                )
            ], .arrives(at: .gateway)),
        Attack(
            "spoofed-source-in-ones-own-vlan", "F2", .ip4Source, from: .vlan,
            [tagged([VLANTag(vid: Stage.vlanID)], from: Stage.vlan, .ipv4(from: victim.ip4, to: gateway.ip4, .datagram))],
            .arrives(at: .gateway)),
    ]

    private static func typed(_ name: String, _ packet: NetworkPacket, to mac: MACAddress = .broadcast) -> Attack {
        Attack(name, "E4", .etherType, from: .www, [.ethernet(from: a.mac, to: mac, minimumLength: 60, packet)], .arrives(at: .outside))
    }

    private static let etherTypes: [Attack] = [
        typed("pppoe-discovery", .raw(.pppoeDiscovery, [0x11, 0x09, 0, 0, 0, 4, 1, 1, 0, 0])),
        typed("pppoe-session", .raw(.pppoeSession, [0x11, 0, 0, 1, 0, 2, 0, 0x21]), to: outside.mac),
        typed("mpls", .raw(.mpls, [0, 0x01, 0x01, 64] + honest.bytes), to: outside.mac),
        typed("lldp-to-everybody", .raw(.lldp, [UInt8](repeating: 0, count: 46))),
        typed("802.1x-to-one", .raw(.eapol, [1, 1, 0, 0]), to: outside.mac),
        typed("loopback-test", .raw(EtherType(rawValue: 0x9000), [0, 0, 1, 0])),
        typed(
            "rarp-answer",
            .arp(.reverseReply, sender: a.arpParty, target: victim.arpParty, etherType: .rarp)),
        typed(
            "rarp-announcement-with-an-address",
            .arp(.reverseRequest, sender: ARPPacket.Party(mac: a.mac, ip: victim.ip4), target: a.arpParty, etherType: .rarp)),
        typed(
            "rarp-announcement-of-another",
            .arp(
                .reverseRequest, sender: ARPPacket.Party(mac: victim.mac, ip: .any), target: ARPPacket.Party(mac: victim.mac, ip: .any),
                etherType: .rarp)),
        Attack("ip-in-snap", "E4", .etherType, from: .www, [.snap(from: a.mac, to: outside.mac, honest)], .arrives(at: .outside)),
        Attack(
            "arp-in-snap", "E4", .etherType, from: .www,
            [
                .snap(
                    from: a.mac, to: .broadcast, .arp(.reply, sender: ARPPacket.Party(mac: a.mac, ip: gateway.ip4), target: victim.arpParty)
                )
            ],
            .arrives(at: .mail)),
        Attack(
            "llc", "E4", .etherType, from: .www,
            [.llc(from: a.mac, to: .broadcast, destinationSAP: 0xe0, sourceSAP: 0xe0, payload: [0xff, 0xff])],
            .arrives(at: .outside)),
    ]

    private static func cut(_ name: String, _ packet: NetworkPacket) -> Attack {
        Attack(name, "E5", .truncated, from: .www, [.ethernet(from: a.mac, to: gateway.mac, packet)], .arrives(at: .gateway), marked: false)
    }

    private static let truncations: [Attack] = [
        cut("ipv4-cut-short", .raw(.ipv4, Array(honest.bytes.prefix(19)))),
        cut("ipv6-cut-short", .raw(.ipv6, Array(advertisement.bytes.prefix(39)))),
        cut("arp-cut-short", .raw(.arp, [0, 1, 8, 0, 6, 4, 0])),
    ]

    private static let six = Stage.v6only, four = Stage.v4only

    private static let families: [Attack] = [
        Attack(
            "arp-without-ipv4", "E6", .noIPv4, from: .v6only, [six.arp(.request, saying: six.ip4, about: gateway.ip4)],
            .arrives(at: .gateway)),
        Attack("ipv4-without-ipv4", "E6", .noIPv4, from: .v6only, [six.ip4(to: gateway, .datagram)], .arrives(at: .gateway)),
        Attack(
            "dhcpv4-client-without-dhcp", "E6", .noIPv4, from: .v6only,
            [.ethernet(from: six.mac, to: .broadcast, .ipv4(from: .any, to: .broadcast, .dhcpv4(clientMAC: six.mac)))],
            .arrives(at: .outside)),
        Attack("ipv6-without-ipv6", "E6", .noIPv6, from: .v4only, [four.ip6(to: gateway, .datagram)], .arrives(at: .gateway)),
        Attack(
            "link-local-without-ipv6", "E6", .noIPv6, from: .v4only, [four.ip6(to: gateway, .datagram, from: four.linkLocal)],
            .arrives(at: .gateway)),
        Attack(
            "router-solicitation-without-ipv6", "E6", .noIPv6, from: .v4only,
            [four.ip6(toGroup: .allRouters, .routerSolicitation())], .arrives(at: .gateway)
        ).after(gateway.joins(.allRouters)),
    ]
}
