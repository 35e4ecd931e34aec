import Addresses
import Packets
import Policy

// Section 5: from a guest, neighbour discovery (rules S5 to S9) and link-local addresses.
extension Catalogue {
    static let neighbourDiscovery = malformedND + routers + solicitations + advertisements + routerSolicitations

    private static let a = Stage.www, victim = Stage.mail, gateway = Stage.gateway, host = Stage.host
    private static let routerAdvertisement = UpperLayer.routerAdvertisement(options: [.sourceLinkLayer(a.mac)])

    private static func malformed(
        _ name: String, _ message: UpperLayer, _ headers: [ExtensionHeader] = [], hopLimit: UInt8? = 255
    ) -> Attack {
        Attack(
            name, "S5", .ndMalformed, from: .www,
            [a.ip6(toGroup: .allNodes, message, extensionHeaders: headers, hopLimit: hopLimit)], .arrives(at: .mail))
    }

    private static let ownAdvertisement = UpperLayer.neighbourAdvertisement(
        target: a.ip6, solicited: false, options: [.targetLinkLayer(a.mac)])

    private static let malformedND: [Attack] = [
        Attack(
            "router-advertisement-behind-options", "S5", .ndMalformed, from: .www,
            [a.ip6(toGroup: .allNodes, routerAdvertisement, extensionHeaders: [.destinationOptions()])],
            .installsRoute(.mail, via: a.linkLocal)),
        malformed("router-advertisement-in-an-atomic-fragment", routerAdvertisement, [.fragment()]),
        malformed(
            "router-advertisement-behind-three-headers", routerAdvertisement, [.hopByHop(), .destinationOptions(), .destinationOptions()]),
        malformed("neighbour-advertisement-behind-options", ownAdvertisement, [.destinationOptions()]),
        malformed("neighbour-advertisement-from-afar", ownAdvertisement, hopLimit: 254),
        malformed("neighbour-advertisement-with-a-code", .neighbourAdvertisement(target: a.ip6, solicited: false, code: 1)),
        malformed("neighbour-advertisement-cut-short", .icmpv6(.neighbourAdvertisement, rest: [UInt8](repeating: 0, count: 12))),
        malformed(
            "option-of-length-0", .neighbourAdvertisement(target: a.ip6, solicited: false, options: [.raw([2, 0, 0, 0, 0, 0, 0, 0])])),
        malformed(
            "option-beyond-the-end", .neighbourAdvertisement(target: a.ip6, solicited: false, options: [.raw([2, 2, 0, 0, 0, 0, 0, 0])])),
        malformed("half-an-option", .neighbourAdvertisement(target: a.ip6, solicited: false, options: [.raw([2, 1, 0, 0])])),
        malformed(
            "33-options",
            .neighbourAdvertisement(
                target: a.ip6, solicited: false, options: Array(repeating: .option(.nonce, [0, 0, 0, 0, 0, 0]), count: 33))),
    ]

    private static let routers: [Attack] = [
        Attack(
            "router-advertisement", "S6", .raGuard, from: .www, [a.ip6(toGroup: .allNodes, routerAdvertisement)],
            .arrives(at: .outside), .installsRoute(.mail, via: a.linkLocal)),
        Attack(
            "router-advertisement-to-one", "S6", .raGuard, from: .www,
            [.ethernet(from: a.mac, to: victim.mac, .ipv6(from: a.linkLocal, to: victim.linkLocal, routerAdvertisement))],
            .installsRoute(.mail, via: a.linkLocal)),
        Attack(
            "router-advertisement-of-a-prefix", "S6", .raGuard, from: .www,
            [
                a.ip6(
                    toGroup: .allNodes,
                    .routerAdvertisement(lifetime: 0, options: [.prefixInformation(IPv6Prefix(masking: Stage.nowhere6, length: 64)!)]))
            ], .arrives(at: .mail)),
        Attack(
            "router-advertisement-by-a-transit-guest", "S6", .raGuard, from: .vpn,
            [Stage.vpn.ip6(toGroup: .allNodes, .routerAdvertisement(options: [.sourceLinkLayer(Stage.vpn.mac)]))],
            .installsRoute(.mail, via: Stage.vpn.linkLocal)),
        Attack(
            "redirect", "S6", .ndRedirect, from: .www,
            [
                a.ip6(
                    to: victim, .redirect(target: a.linkLocal, destination: Stage.internet6, options: [.targetLinkLayer(a.mac)]),
                    from: a.linkLocal)
            ], .arrives(at: .mail)),
    ]

    private static func solicitation(
        _ name: String, target: IPv6Address, _ options: [NeighbourDiscoveryOption] = [], from source: IPv6Address? = nil,
        to group: IPv6Address = .allNodes, _ effects: Effect = .arrives(at: .mail)
    ) -> Attack {
        Attack(
            name, "S7", .ndSolicitation, from: .www,
            [a.ip6(toGroup: group, .neighbourSolicitation(target: target, options: options), from: source)], effects)
    }

    /// An address that mail is about to have: nobody's yet, and mail's by its binding.
    private static let wanted = victim.ip6

    private static let solicitations: [Attack] = [
        Attack(
            "solicitation-with-anothers-mac", "S7", .ndSolicitation, from: .www,
            [a.ip6(to: gateway, .neighbourSolicitation(target: gateway.ip6, options: [.sourceLinkLayer(victim.mac)]))],
            .poisons(.gateway, .v6(a.ip6), victim.mac)),
        solicitation("solicitation-with-two-macs", target: gateway.ip6, [.sourceLinkLayer(a.mac), .sourceLinkLayer(victim.mac)]),
        solicitation(
            "solicitation-with-a-long-mac", target: gateway.ip6, [.option(.sourceLinkLayer, a.mac.bytes + [0, 0, 0, 0, 0, 0, 0, 0])]),
        solicitation("solicitation-of-a-group", target: .allNodes, [.sourceLinkLayer(a.mac)]),
        solicitation("detection-of-ones-own-in-the-wrong-group", target: a.ip6, from: .unspecified),
        solicitation(
            "detection-with-a-mac", target: a.ip6, [.sourceLinkLayer(a.mac)], from: .unspecified, to: a.ip6.solicitedNodeGroup,
            .arrives(at: .outside)
        ).after(Stage.outside.joins(a.ip6.solicitedNodeGroup)),
        Attack(
            "detection-of-anothers-address", "S7", .ndSolicitation, from: .www,
            [a.ip6(toGroup: wanted.solicitedNodeGroup, .neighbourSolicitation(target: wanted), from: .unspecified)],
            .takesAway(.mail, wanted)
        ).prepared(.detectsDuplicates(.mail, of: wanted)),
    ]

    private static func advertisement(
        _ name: String, _ target: IPv6Address, mac: MACAddress = a.mac, to peer: Party, from source: IPv6Address? = nil, _ effects: Effect
    ) -> Attack {
        Attack(
            name, "S8", .ndAdvertisement, from: .www,
            [a.ip6(to: peer, .neighbourAdvertisement(target: target, options: [.targetLinkLayer(mac)]), from: source)], effects)
    }

    private static let advertisements: [Attack] = [
        advertisement("advertisement-of-a-guests-address", victim.ip6, to: gateway, .poisons(.gateway, .v6(victim.ip6), a.mac))
            .after(victim.solicits(gateway)),
        advertisement("advertisement-of-the-gateway", gateway.ip6, to: victim, .poisons(.mail, .v6(gateway.ip6), a.mac))
            .after(gateway.solicits(victim)),
        advertisement("advertisement-of-the-host", host.ip6, to: victim, .poisons(.mail, .v6(host.ip6), a.mac)).after(
            host.solicits(victim)),
        advertisement("advertisement-to-the-host", victim.ip6, to: host, .poisons(.host, .v6(victim.ip6), a.mac)).after(
            victim.solicits(host)),
        advertisement("advertisement-of-anothers-mac", a.ip6, mac: victim.mac, to: gateway, .poisons(.gateway, .v6(a.ip6), victim.mac))
            .after(a.solicits(gateway)),
        advertisement("advertisement-of-a-free-address", Stage.nobody6, to: gateway, .arrives(at: .gateway)),
        Attack(
            "unsolicited-advertisement-of-the-gateway", "S8", .ndAdvertisement, from: .www,
            [
                a.ip6(
                    toGroup: .allNodes,
                    .neighbourAdvertisement(target: gateway.ip6, router: true, solicited: false, options: [.targetLinkLayer(a.mac)]))
            ], .arrives(at: .db), .poisons(.mail, .v6(gateway.ip6), a.mac)
        ).after(gateway.solicits(victim)),
        Attack(
            "solicited-advertisement-to-a-group", "S8", .ndAdvertisement, from: .www,
            [a.ip6(toGroup: .allNodes, .neighbourAdvertisement(target: a.ip6, options: [.targetLinkLayer(a.mac)]))], .arrives(at: .mail)),
        Attack(
            "advertisement-with-two-macs", "S8", .ndAdvertisement, from: .www,
            [
                a.ip6(
                    to: gateway,
                    .neighbourAdvertisement(target: a.ip6, options: [.targetLinkLayer(a.mac), .targetLinkLayer(victim.mac)]))
            ], .arrives(at: .gateway)),
        Attack(
            "denial-of-an-address", "S8", .ndAdvertisement, from: .www,
            [
                a.ip6(
                    toGroup: .allNodes, .neighbourAdvertisement(target: wanted, solicited: false, options: [.targetLinkLayer(a.mac)]))
            ], .takesAway(.mail, wanted)
        ).prepared(.detectsDuplicates(.mail, of: wanted)),
        Attack(
            "advertisement-by-a-transit-guest", "S8", .ndAdvertisement, from: .vpn,
            [Stage.vpn.ip6(to: victim, .neighbourAdvertisement(target: gateway.ip6, options: [.targetLinkLayer(Stage.vpn.mac)]))],
            .poisons(.mail, .v6(gateway.ip6), Stage.vpn.mac)
        ).after(gateway.solicits(victim)),
    ]

    private static let routerSolicitations: [Attack] = [
        Attack(
            "router-solicitation-with-anothers-mac", "S9", .ndRouterSolicitation, from: .www,
            [a.ip6(toGroup: .allRouters, .routerSolicitation(options: [.sourceLinkLayer(victim.mac)]))],
            .poisons(.gateway, .v6(a.linkLocal), victim.mac)
        ).after(gateway.joins(.allRouters)),
        Attack(
            "router-solicitation-with-two-macs", "S9", .ndRouterSolicitation, from: .www,
            [a.ip6(toGroup: .allRouters, .routerSolicitation(options: [.sourceLinkLayer(a.mac), .sourceLinkLayer(victim.mac)]))],
            .arrives(at: .gateway)
        ).after(gateway.joins(.allRouters)),
    ]

    // Link-local addresses.
    private static let db = Stage.db, greedy = Stage.second
    private static func made(_ number: UInt64) -> IPv6Address { IPv6Address(high: 0xfe80 << 48, low: 0x1234_5678_0000_0000 | number) }

    static let linkLocals: [Attack] = [
        Attack(
            "advertisement-of-a-guests-link-local", "LL", .llClaimed, from: .www,
            [a.ip6(to: gateway, .neighbourAdvertisement(target: victim.linkLocal, options: [.targetLinkLayer(a.mac)]))],
            .poisons(.gateway, .v6(victim.linkLocal), a.mac)
        ).after(victim.solicits(gateway, from: victim.linkLocal)),
        Attack(
            "link-local-of-another-guest", "LL", .llClaimed, from: .www, [a.ip6(to: gateway, .datagram, from: victim.linkLocal)],
            .arrives(at: .gateway)),
        Attack(
            "link-local-given-to-routers-by-hand", "LL", .llClaimed, from: .www,
            [a.ip6(to: victim, .datagram, from: Stage.handGivenRouter)], .arrives(at: .mail)),
        Attack(
            "router-advertisement-from-the-hand-given-address", "LL", .llClaimed, from: .www,
            [a.ip6(toGroup: .allNodes, routerAdvertisement, from: Stage.handGivenRouter)],
            .installsRoute(.mail, via: Stage.handGivenRouter)),
        Attack(
            "link-local-of-the-host", "LL", .llClaimed, from: .www, [a.ip6(to: victim, .datagram, from: host.linkLocal)],
            .arrives(at: .mail)),
        Attack(
            "link-local-of-the-gateway", "LL", .llClaimed, from: .www,
            [a.ip6(toGroup: .allNodes, .routerAdvertisement(lifetime: 0), from: gateway.linkLocal)], .arrives(at: .mail)
        ).after(gateway.solicits(victim, from: gateway.linkLocal)),
        Attack(
            "detection-of-anothers-link-local", "LL", .llClaimed, from: .www,
            [
                a.ip6(
                    toGroup: victim.linkLocal.solicitedNodeGroup, .neighbourSolicitation(target: victim.linkLocal), from: .unspecified)
            ], .arrives(at: .mail)),
        Attack(
            "link-local-that-another-has-claimed", "LL", .llClaimed, from: .www, [a.ip6(to: gateway, .datagram, from: made(0x99))],
            .arrives(at: .gateway)
        ).after(Injection(.router, Stage.router.ip6(to: gateway, .datagram, from: made(0x99)))),
        Attack(
            "link-local-where-claims-are-off", "S2", .ip6Source, from: .db, [db.ip6(to: gateway, .datagram, from: made(1))],
            .arrives(at: .gateway)),
        Attack(
            "fifth-claim", "S2", .ip6Source, from: .second, [greedy.ip6(to: gateway, .datagram, from: made(5))], .arrives(at: .gateway)
        ).after(
            Injection(.second, greedy.ip6(to: gateway, .datagram, from: made(0x21))),
            Injection(.second, greedy.ip6(to: gateway, .datagram, from: made(0x22))),
            Injection(.second, greedy.ip6(to: gateway, .datagram, from: made(0x23))),
            Injection(.second, greedy.ip6(to: gateway, .datagram, from: made(0x24)))),
    ]
}
