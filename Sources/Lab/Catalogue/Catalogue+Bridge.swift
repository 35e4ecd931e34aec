import Addresses
import Packets
import Policy

// Section 1, the stamp; section 6, from the uplink; section 7, to a guest; section 8, limits; section 9, the bridge itself.
extension Catalogue {
    private static let a = Stage.www, victim = Stage.mail, gateway = Stage.gateway, outside = Stage.outside
    private static let host = Stage.host, stranger = Stage.stranger

    /// A port that nobody has noticed yet can teach the bridge nothing and reach nobody who is guarded. What it still can is
    /// to be heard by packet sockets on the host's own interfaces, and to have frames to 01:80:c2:00:00:0x taken up by the
    /// host from the port itself: they never cross the bridge, and so no program of ours but the port's own.
    static let stamp: [Attack] = [
        Attack(
            "stranger-to-a-guest", "1", .unjudged, from: .stranger, [stranger.ip4(to: victim, .datagram)], .arrives(at: .mail),
            countedAt: .to(.mail)
        ).prepared(.joins),
        Attack(
            "stranger-poisons-a-guest", "1", .unjudged, from: .stranger,
            [stranger.arp(.request, saying: gateway.ip4, to: victim.mac, about: victim.ip4)],
            .poisons(.mail, .v4(gateway.ip4), stranger.mac), countedAt: .to(.mail)
        ).prepared(.joins),
        Attack(
            "stranger-to-everybody", "1", .unjudged, from: .stranger, [stranger.arp(.request, saying: stranger.ip4)],
            .arrives(at: .mail), .arrives(at: .outside), countedAt: .to(.outside)
        ).prepared(.joins),
        Attack(
            "stranger-to-the-outside", "1", .unjudged, from: .stranger, [stranger.ip4(to: outside, .datagram)], .arrives(at: .outside),
            countedAt: .to(.outside)
        ).prepared(.joins),
        Attack(
            "stranger-to-the-host", "1", .unjudged, from: .stranger,
            [stranger.ip4(to: host, .udp(from: 9, to: Trial.listeningPort, payload: Array("stranger".utf8)))], .delivers(to: .host),
            countedAt: .to(.host)
        ).prepared(.joins),
        Attack(
            "stranger-poisons-the-host", "1", .unjudged, from: .stranger,
            [stranger.arp(.request, saying: gateway.ip4, to: host.mac, about: host.ip4)],
            .poisons(.host, .v4(gateway.ip4), stranger.mac), countedAt: .to(.host)
        ).prepared(.joins),
        Attack(
            "stranger-to-a-group", "1", .unjudged, from: .stranger,
            [stranger.ip6(toGroup: .allNodes, .routerAdvertisement(options: [.sourceLinkLayer(stranger.mac)]))],
            .installsRoute(.mail, via: stranger.linkLocal), countedAt: .to(.mail)
        ).prepared(.joins),
        Attack(
            "closed-port-to-the-outside", "1", .noBinding, from: .stranger, [stranger.ip4(to: outside, .datagram)], .arrives(at: .outside)
        ).prepared(.closes),
        Attack(
            "closed-port-to-a-guest", "1", .noBinding, from: .stranger, [stranger.arp(.request, saying: stranger.ip4)], .arrives(at: .mail)
        ).prepared(.closes),
        Attack(
            "closed-port-hears-broadcasts", "1", .noBinding, from: .outside,
            [outside.arp(.request, saying: outside.ip4, about: victim.ip4)],
            .arrives(at: .stranger), countedAt: .to(.stranger)
        ).prepared(.closes),
        Attack(
            "closed-port-hears-groups", "1", .noBinding, from: .outside, [outside.ip6(toGroup: .allNodes, .datagram)],
            .arrives(at: .stranger), countedAt: .to(.stranger)
        ).prepared(.closes),
        Attack(
            "closed-port-hears-a-guest", "1", .noBinding, from: .mail, [victim.arp(.request, saying: victim.ip4)],
            .arrives(at: .stranger), countedAt: .to(.stranger)
        ).prepared(.closes),
    ]

    private static func fromOutside(_ name: String, _ rule: String, _ reason: Reason, _ frame: Frame, _ effects: Effect) -> Attack {
        Attack(name, rule, reason, from: .outside, [frame], effects)
    }

    static let uplink: [Attack] = [
        fromOutside(
            "a-guests-mac-from-outside", "U1", .uplinkGuestMAC, outside.ip4(to: victim, .datagram, mac: a.mac), .moves(a.mac, to: .outside)),
        fromOutside(
            "a-guests-mac-in-a-loop", "U1", .uplinkGuestMAC,
            .ethernet(from: a.mac, to: .broadcast, .arp(.request, sender: a.arpParty, target: a.arpParty)), .arrives(at: .mail)),
        fromOutside(
            "a-guests-mac-in-a-tag", "U1", .uplinkGuestMAC,
            .ethernet(
                from: a.mac, to: Stage.vlan.mac, tags: [VLANTag(vid: Stage.vlanID)], .ipv4(from: outside.ip4, to: Stage.vlan.ip4, .datagram)
            ),
            .arrives(at: .vlan)),
        Attack(
            "arp-for-a-guest-from-outside", "U2", .uplinkGuestAddress, from: .outside,
            [outside.arp(.reply, saying: a.ip4, to: victim.mac, about: victim.ip4, targetMAC: victim.mac)],
            .poisons(.mail, .v4(a.ip4), outside.mac)
        ).after(a.asksFor(victim)),
        fromOutside(
            "ipv4-of-a-guest-from-outside", "U2", .uplinkGuestAddress, outside.ip4(to: victim, .datagram, from: a.ip4), .arrives(at: .mail)),
        fromOutside(
            "ipv6-of-a-guest-from-outside", "U2", .uplinkGuestAddress, outside.ip6(to: victim, .datagram, from: a.ip6), .arrives(at: .mail)),
        fromOutside(
            "ipv4-of-a-guest-to-the-host", "U2", .uplinkGuestAddress, outside.ip4(to: host, .datagram, from: a.ip4), .arrives(at: .host)),
        Attack(
            "advertisement-of-a-guest-from-outside", "U2", .uplinkGuestAddress, from: .outside,
            [outside.ip6(to: victim, .neighbourAdvertisement(target: a.ip6, options: [.targetLinkLayer(outside.mac)]))],
            .poisons(.mail, .v6(a.ip6), outside.mac)
        ).after(a.solicits(victim)),
        fromOutside(
            "link-local-of-a-guest-from-outside", "U2", .uplinkGuestAddress, outside.ip6(to: victim, .datagram, from: a.linkLocal),
            .arrives(at: .mail)),
    ]

    private static func toGuest(_ name: String, _ rule: String, _ reason: Reason, _ frame: Frame, at site: Site = .www, marked: Bool = true)
        -> Attack
    {
        Attack(name, rule, reason, from: .outside, [frame], .arrives(at: site), marked: marked, countedAt: .to(site))
    }

    private static func toAll(_ packet: NetworkPacket, tags: [VLANTag] = []) -> Frame {
        .ethernet(from: outside.mac, to: .broadcast, tags: tags, packet)
    }

    private static let toMail4 = NetworkPacket.ipv4(from: outside.ip4, to: victim.ip4, .datagram)
    private static let toMail6 = NetworkPacket.ipv6(from: outside.ip6, to: victim.ip6, .datagram)

    static let delivery: [Attack] = [
        toGuest("reading-behind-a-stale-entry", "G2", .notForGuestMAC, .ethernet(from: outside.mac, to: Stage.nobodyMAC, toMail4))
            .prepared(.forwards(Stage.nobodyMAC, to: .www)),
        toGuest("spanning-tree-message-to-a-guest", "G3", .l2Control, bridgeMessage(from: outside.mac)),
        toGuest(
            "cdp-to-a-guest", "G3", .l2Control,
            .snap(from: outside.mac, to: cisco, oui: 0x0c, .raw(EtherType(rawValue: 0x2000), [2, 180, 0, 0]))),
        toGuest("reading-a-vlan", "G3", .vlanTag, toAll(toMail4, tags: [VLANTag(vid: 7)])),
        toGuest("reading-anothers-vlan", "G3", .vlanTag, toAll(toMail4, tags: [VLANTag(vid: Stage.vlanID + 1)]), at: .vlan),
        toGuest("reading-pppoe-discovery", "G3", .etherType, toAll(.raw(.pppoeDiscovery, [0x11, 0x09, 0, 0, 0, 4, 1, 1, 0, 0]))),
        toGuest(
            "ipv4-cut-short-to-a-guest", "G3", .truncated, .ethernet(from: outside.mac, to: a.mac, .raw(.ipv4, [0x45, 0, 0, 20])),
            marked: false),
        toGuest("reading-anothers-ipv4", "G4", .notForGuestIP4, .ethernet(from: outside.mac, to: a.mac, toMail4)),
        toGuest("reading-anothers-ipv4-by-broadcast", "G4", .notForGuestIP4, toAll(toMail4)),
        toGuest(
            "broadcast-of-another-subnet", "G4", .notForGuestIP4,
            toAll(.ipv4(from: outside.ip4, to: IPv4Address(198, 51, 100, 255), .datagram))),
        toGuest(
            "reading-anothers-dhcp-answer", "G4", .notForGuestIP4,
            .ethernet(
                from: outside.mac, to: a.mac,
                .ipv4(from: outside.ip4, to: Stage.nobody4, .dhcpv4(2, clientMAC: victim.mac, messageType: 2, yourAddress: Stage.nobody4)))),
        toGuest("reading-anothers-ipv6", "G5", .notForGuestIP6, .ethernet(from: outside.mac, to: a.mac, toMail6)),
        toGuest(
            "reading-anothers-ipv6-by-broadcast", "G5", .notForGuestIP6,
            toAll(toMail6)),
        toGuest(
            "arp-of-another-hardware-to-a-guest", "G6", .arpMalformed,
            outside.arp(.reply, saying: outside.ip4, to: a.mac, about: a.ip4, targetMAC: a.mac, hardwareType: 6)),
        toGuest("reading-arp-requests", "G6", .quiet, outside.arp(.request, saying: outside.ip4, about: victim.ip4)),
        toGuest(
            "reading-solicitations", "G6", .quiet,
            outside.ip6(toGroup: .allNodes, .neighbourSolicitation(target: victim.ip6, options: [.sourceLinkLayer(outside.mac)]))),
    ]

    static let bridge: [Attack] = [
        Attack(
            "reading-what-is-flooded", "9", nil, from: .outside, [.ethernet(from: outside.mac, to: Stage.nobodyMAC, toMail4)],
            .arrives(at: .www)),
        Attack(
            "reading-a-guest-whose-peer-is-unknown", "9", nil, from: .mail,
            [.ethernet(from: victim.mac, to: Stage.nobodyMAC, .ipv4(from: victim.ip4, to: outside.ip4, .datagram))], .arrives(at: .www)),
        Attack(
            "pim-hello-draws-all-groups", "9", nil, from: .www,
            [
                .ethernet(
                    from: a.mac, to: IPv4Address(224, 0, 0, 13).multicastMAC,
                    .ipv4(
                        from: a.ip4, to: IPv4Address(224, 0, 0, 13),
                        .raw(IPProtocol(rawValue: 103), [0x20, 0, 0xde, 0xf9, 0, 1, 0, 2, 0, 0x69]), timeToLive: 1))
            ], .hears(.www)
        ).after(joinsGroup4).then(toGroup4),
        Attack(
            "stranger-steals-a-mac", "9", nil, from: .stranger, [stranger.ip4(to: outside, .datagram, mac: victim.mac)],
            .moves(victim.mac, to: .stranger)
        ).prepared(.joins),
        Attack(
            "stranger-steals-the-gateways-mac", "9", nil, from: .stranger, [stranger.ip4(to: victim, .datagram, mac: gateway.mac)],
            .moves(gateway.mac, to: .stranger)
        ).prepared(.joins),
        Attack(
            "stranger-steals-a-mac-by-lldp", "9", nil, from: .stranger,
            [
                .ethernet(
                    from: victim.mac, to: MACAddress(0x01, 0x80, 0xc2, 0, 0, 0x0e), .raw(.lldp, [UInt8](repeating: 0, count: 46)))
            ], .moves(victim.mac, to: .stranger)
        ).prepared(.joins),
    ]

    private static let noisy = Stage.limited

    static let limits: [Attack] = [
        Attack(
            "broadcast-storm", "8", .limitBroadcast, from: .limited,
            (0..<200).map {
                .ethernet(from: noisy.mac, to: .broadcast, .ipv4(from: noisy.ip4, to: .broadcast, .udp(from: 9, to: UInt16(1000 + $0))))
            },
            .floods(at: .outside, more: 3 * Stage.burst)),
        Attack(
            "arp-storm", "8", .limitNeighbor, from: .limited,
            (0..<200).map { _ in noisy.arp(.reply, saying: noisy.ip4, to: gateway.mac, about: gateway.ip4, targetMAC: gateway.mac) },
            .floods(at: .gateway, more: 3 * Stage.burst)),
        Attack(
            "solicitation-storm", "8", .limitNeighbor, from: .limited,
            (0..<200).map { _ in
                noisy.ip6(to: gateway, .neighbourSolicitation(target: gateway.ip6, options: [.sourceLinkLayer(noisy.mac)]))
            }, .floods(at: .gateway, more: 3 * Stage.burst)),
    ]
}
