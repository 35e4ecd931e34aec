import Addresses
import Netlink
import Packets
import Policy

// What a network lives on besides its data: addresses, groups, routers, bridges.
extension LegitimateTraffic {
    static let configuration: [LegitimateTraffic] = [
        LegitimateTraffic("duplicate-address-detection") { pass in
            let added = Stage.wwwMore6[0]
            defer { try? pass.network.restore(added, of: .www) }
            try pass.network.startDetection(of: added, at: .www)
            guard try !pass.network.losesAddress(added, at: .www, within: pass.patience) else {
                throw Undelivered("www gave up \(added), which is its own")
            }
        },
        LegitimateTraffic("duplicate-is-detected") { pass in
            // Outside claims an address of www's that www is asked about: www must be heard defending it.
            let wanted = Stage.www.ip6
            try pass.network.sniffer(at: .outside).clear()
            let solicitation = Stage.outside.ip6(
                toGroup: wanted.solicitedNodeGroup, .neighbourSolicitation(target: wanted), from: .unspecified)
            try pass.network.send(Injection(.outside, solicitation))
            try pass.expect(at: .outside, "www's defence of \(wanted)") { frame in
                guard let upper = frame.ipv6?.chain.upperLayer, let message = ICMPv6Message(upper.bytes) else { return false }
                return message.type == .neighbourAdvertisement && message.target == wanted
            }
        },
        LegitimateTraffic("dhcp-client") { try DHCPLease.tryOut($0) },
        LegitimateTraffic("router-advertisement-of-the-gateway") { pass in
            defer { try? pass.network.forgetAdvertisedRoutes(of: .mail) }
            try advertise(Stage.gateway, pass)
        },
    ]

    /// Sends a router advertisement and waits until mail has a route by it.
    private static func advertise(_ router: Party, _ pass: ProofPass) throws {
        let advertisement = router.ip6(toGroup: .allNodes, .routerAdvertisement(options: [.sourceLinkLayer(router.mac)]))
        try pass.pass(advertisement, from: router.site, at: .mail)
        let deadline = ContinuousClock.now + pass.patience
        while try !pass.network.advertisedRouters(of: .mail).contains(.v6(router.linkLocal)) {
            guard ContinuousClock.now < deadline else {
                throw Undelivered("mail took no route from \(router.site.rawValue)'s advertisement")
            }
            Pause.brief()
        }
    }

    static let groups: [LegitimateTraffic] = [
        LegitimateTraffic("group-ipv4-joined-by-a-guest") { try $0.tell(.outside, .mail, at: .v4(IPv4Address(239, 7, 7, 7))) },
        LegitimateTraffic("group-ipv6-joined-by-a-guest") {
            try $0.tell(.outside, .mail, at: .v6(IPv6Address(high: 0xff05 << 48, low: 0x7777)))
        },
        LegitimateTraffic("group-sent-by-a-guest") { pass in
            try pass.tell(.www, .mail, at: .v4(IPv4Address(239, 7, 7, 8)))
            try pass.tell(.www, .host, at: .v6(IPv6Address(high: 0xff05 << 48, low: 0x7778)))
        },
        LegitimateTraffic("hosts-own-group-looped-back") { pass in
            try pass.tell(.host, .host, at: .v4(IPv4Address(239, 7, 7, 9)))
            try pass.tell(.host, .host, at: .v6(IPv6Address(high: 0xff05 << 48, low: 0x7779)))
        },
        LegitimateTraffic("bridges-own-queries") { pass in
            try pass.network.stopQuerier()
            for site in [Site.mail, .outside] { try pass.network.sniffer(at: site).clear() }
            try pass.network.startQuerier()
            for site in [Site.mail, .outside] {
                try pass.expect(at: site, "the bridge's IGMP query") { frame in
                    frame.ipv4.flatMap { IGMPMessage($0.payload) }?.type == IGMPMessage.query
                }
                try pass.expect(at: site, "the bridge's MLD query") { frame in
                    guard let upper = frame.ipv6?.chain.upperLayer else { return false }
                    return ICMPv6Message(upper.bytes)?.type == .multicastQuery
                }
            }
        },
        LegitimateTraffic("broadcast-of-the-subnet") { try $0.tell(.outside, .mail, at: .v4(Stage.broadcast4)) },
        LegitimateTraffic("broadcast-from-a-guest") { try $0.tell(.www, .outside, at: .v4(Stage.broadcast4)) },
    ]

    static let announcements: [LegitimateTraffic] = [
        LegitimateTraffic("arp-announcement") { pass in
            try pass.pass(Stage.www.arp(.request, saying: Stage.www.ip4), from: .www, at: .mail)
            try pass.pass(Stage.www.arp(.reply, saying: Stage.www.ip4, targetMAC: Stage.www.mac), from: .www, at: .outside)
            try pass.pass(Stage.outside.arp(.request, saying: Stage.outside.ip4), from: .outside, at: .mail)
        },
        LegitimateTraffic("arp-probe-for-ones-own") {
            try $0.pass(Stage.www.arp(.request, saying: .any, about: Stage.www.ip4), from: .www, at: .outside)
        },
        LegitimateTraffic("rarp-announcement-after-migration") { pass in
            let own = ARPPacket.Party(mac: Stage.www.mac, ip: .any)
            let announcement = NetworkPacket.arp(.reverseRequest, sender: own, target: own, etherType: .rarp)
            try pass.pass(.ethernet(from: Stage.www.mac, to: .broadcast, minimumLength: 60, announcement), from: .www, at: .outside)
        },
        LegitimateTraffic("unsolicited-advertisement-of-ones-own") {
            let advertisement = UpperLayer.neighbourAdvertisement(
                target: Stage.www.ip6, router: true, solicited: false, options: [.targetLinkLayer(Stage.www.mac)])
            try $0.pass(Stage.www.ip6(toGroup: .allNodes, advertisement), from: .www, at: .mail)
        },
        LegitimateTraffic("frames-padded-to-60-bytes") { pass in
            try pass.pass(
                .ethernet(
                    from: Stage.www.mac, to: Stage.outside.mac, minimumLength: 60,
                    .ipv4(from: Stage.www.ip4, to: Stage.outside.ip4, .datagram)),
                from: .www, at: .outside)
        },
    ]

    static let roles: [LegitimateTraffic] = [
        LegitimateTraffic("virtual-router-moves") { pass in
            for guest in [Stage.first, Stage.second, Stage.first] {
                let announcement = NetworkPacket.arp(
                    .request, sender: ARPPacket.Party(mac: Stage.virtualMAC, ip: Stage.virtual4),
                    target: ARPPacket.Party(mac: .zero, ip: Stage.virtual4))
                try pass.pass(.ethernet(from: Stage.virtualMAC, to: .broadcast, announcement), from: guest.site, at: .gateway)
                let packet = NetworkPacket.ipv4(from: Stage.gateway.ip4, to: Stage.virtual4, .datagram)
                try pass.pass(.ethernet(from: Stage.gateway.mac, to: Stage.virtualMAC, packet), from: .gateway, at: guest.site)
                let answer = NetworkPacket.ipv4(from: Stage.virtual4, to: Stage.gateway.ip4, .datagram)
                try pass.pass(.ethernet(from: Stage.virtualMAC, to: Stage.gateway.mac, answer), from: guest.site, at: .gateway)
            }
        },
        LegitimateTraffic("router-advertisement-by-a-router-guest") { pass in
            defer { try? pass.network.forgetAdvertisedRoutes(of: .mail) }
            try advertise(Stage.router, pass)
        },
        LegitimateTraffic("vlan-of-ones-own") { pass in
            let tag = VLANTag(vid: Stage.vlanID)
            try pass.pass(
                .ethernet(
                    from: Stage.vlan.mac, to: .broadcast, tags: [tag],
                    .arp(.request, sender: Stage.vlan.arpParty, target: Stage.outside.arpParty)), from: .vlan, at: .outside)
            try pass.pass(
                .ethernet(
                    from: Stage.outside.mac, to: Stage.vlan.mac, tags: [tag], .ipv4(from: Stage.outside.ip4, to: Stage.vlan.ip4, .datagram)),
                from: .outside, at: .vlan)
            try pass.ping(.vlan, .v4(Stage.gateway.ip4))
        },
        LegitimateTraffic("transit-of-others-addresses") { pass in
            try pass.pass(Stage.vpn.ip4(to: Stage.outside, .datagram, from: Stage.backend4), from: .vpn, at: .outside)
            try pass.pass(Stage.vpn.ip6(to: Stage.outside, .datagram, from: Stage.backend6), from: .vpn, at: .outside)
            try pass.pass(
                .ethernet(from: Stage.outside.mac, to: Stage.vpn.mac, .ipv4(from: Stage.outside.ip4, to: Stage.backend4, .datagram)),
                from: .outside, at: .vpn)
        },
        LegitimateTraffic("audited-guest-passes-and-is-counted") { pass in
            let place = CountingPlace.from(.audit)
            let before = try pass.guardian?.audited(.ip4Source, at: place) ?? 0
            try pass.pass(Stage.audit.ip4(to: Stage.outside, .datagram, from: Stage.nobody4), from: .audit, at: .outside)
            if let guardian = pass.guardian, try guardian.audited(.ip4Source, at: place) != before + 1 {
                throw Undelivered("audit mode didn't count the spoofed frame once")
            }
        },
    ]

    static let changes: [LegitimateTraffic] = [
        LegitimateTraffic("replugged-port-once-it-is-bound") { pass in
            try pass.network.replug(.db)
            try pass.guardian?.apply()
            try pass.chill(.db, .gateway)
            try pass.ping(.db, .v4(Stage.gateway.ip4))
            try pass.ping(.gateway, .v6(Stage.db.ip6))
        },
        LegitimateTraffic("traffic-while-bindings-change") { pass in
            let result = try Rebinding.run(pass)
            guard result.honestArrived == Rebinding.frames else {
                throw Undelivered(
                    "\(Rebinding.frames - result.honestArrived) of \(Rebinding.frames) frames were lost during \(result.changes) changes")
            }
        },
    ]

    static let spanningTree: [LegitimateTraffic] = [
        LegitimateTraffic("spanning-tree-messages-to-the-uplink") { pass in
            // Last: ports wait some seconds before they forward again.
            try pass.network.sniffer(at: .outside).clear()
            try pass.network.sniffer(at: .www).clear()
            try pass.network.startSpanningTree()
            try pass.expect(at: .outside, "the bridge's spanning tree message") { $0.ethernet?.destination == Catalogue.spanningTree }
            guard pass.guardian != nil else { return }
            try pass.network.sniffer(at: .www).drain()
            if try pass.network.sniffer(at: .www).frames.contains(where: { $0.bytes.starts(with: Catalogue.spanningTree.bytes) }) {
                throw Undelivered("the bridge's spanning tree message arrived at a guest, too")
            }
        }
    ]
}
