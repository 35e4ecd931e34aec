import Addresses
import Packets
import Policy

/// What the crowd's guests try, beside the catalogue: each kind as a function of who tries it and whom it is about, with
/// the reason that policy.md gives for it. Where it would arrive is the gateway, the victim, or everybody.
enum ForgedTraffic {
    typealias Kind = (name: String, reason: Reason, make: @Sendable (Speaker, _ victim: Speaker, _ gateway: Speaker) -> Frame?)

    static let fromGuests: [Kind] = ethernet + arp + ip4 + ip6

    private static let datagram = UpperLayer.udp(from: 9, to: 9)

    private static func plain(_ from: Speaker, mac: MACAddress? = nil, to: Speaker, tags: [VLANTag] = []) -> Frame? {
        guard let source = from.ip4, let target = to.ip4 else { return nil }
        return .ethernet(from: mac ?? from.mac, to: to.mac, tags: tags, .ipv4(from: source, to: target, datagram))
    }

    private static let ethernet: [Kind] = [
        ("another's mac", .macSource, { plain($0, mac: $1.mac, to: $2) }),
        ("the gateway's mac", .macSource, { plain($0, mac: $2.mac, to: $1) }),
        (
            "spanning tree", .l2Control,
            { from, _, _ in .ethernet(from: from.mac, to: MACAddress(0x01, 0x80, 0xc2, 0, 0, 0), .raw(.lldp, [UInt8](repeating: 0, count: 46))) }
        ),
        ("a tag", .vlanTag, { plain($0, to: $2, tags: [VLANTag(vid: 4000)]) }),
        ("lldp to the gateway", .etherType, { from, _, gateway in .ethernet(from: from.mac, to: gateway.mac, .raw(.lldp, [2, 7, 4])) }),
        ("pppoe", .etherType, { from, _, _ in .ethernet(from: from.mac, to: .broadcast, .raw(.pppoeDiscovery, [0x11, 9, 0, 0, 0, 0])) }),
    ]

    private static func arp(
        _ operation: ARPPacket.Operation, from: Speaker, saying sender: IPv4Address?, at mac: MACAddress? = nil, about target: IPv4Address?,
        to destination: MACAddress
    ) -> Frame? {
        guard let sender, let target else { return nil }
        return .ethernet(
            from: from.mac, to: destination,
            .arp(operation, sender: ARPPacket.Party(mac: mac ?? from.mac, ip: sender), target: ARPPacket.Party(mac: .zero, ip: target)))
    }

    private static let arp: [Kind] = [
        ("arp as a guest", .arpSenderIP, { arp(.reply, from: $0, saying: $1.ip4, about: $2.ip4, to: $2.mac) }),
        ("arp as the gateway", .arpSenderIP, { arp(.reply, from: $0, saying: $2.ip4, about: $1.ip4, to: $1.mac) }),
        ("arp as the gateway to all", .arpSenderIP, { arp(.request, from: $0, saying: $2.ip4, about: $1.ip4, to: .broadcast) }),
        ("arp with another's mac", .arpSenderMAC, { arp(.reply, from: $0, saying: $0.ip4, at: $1.mac, about: $2.ip4, to: $2.mac) }),
        ("arp probe", .arpProbeTarget, { arp(.request, from: $0, saying: .any, about: $1.ip4, to: .broadcast) }),
    ]

    private static func spoofed4(_ from: Speaker, as source: IPv4Address?, to: Speaker, _ upper: UpperLayer, options: [UInt8] = []) -> Frame? {
        guard let source, let target = to.ip4 else { return nil }
        return .ethernet(from: from.mac, to: to.mac, .ipv4(from: source, to: target, upper, options: options))
    }

    private static let ip4: [Kind] = [
        ("ipv4 as a guest", .ip4Source, { spoofed4($0, as: $1.ip4, to: $2, datagram) }),
        ("ipv4 as the gateway", .ip4Source, { spoofed4($0, as: $2.ip4, to: $1, datagram) }),
        ("ipv4 from elsewhere", .ip4Source, { spoofed4($0, as: IPv4Address(203, 0, 113, 77), to: $2, datagram) }),
        (
            "source route", .ip4SourceRoute,
            { from, _, gateway in spoofed4(from, as: from.ip4, to: gateway, datagram, options: [131, 7, 4, 192, 0, 2, 9, 0]) }
        ),
        ("dhcp server", .dhcp4Server, { spoofed4($0, as: $0.ip4, to: $1, .udp(from: 67, to: 9)) }),
        (
            "dhcp for another", .dhcp4Client,
            { from, victim, _ in .ethernet(from: from.mac, to: .broadcast, .ipv4(from: .any, to: .broadcast, .dhcpv4(clientMAC: victim.mac))) }
        ),
    ]

    private static func spoofed6(_ from: Speaker, as source: IPv6Address?, to: Speaker, _ upper: UpperLayer) -> Frame? {
        guard let source, let target = to.ip6 else { return nil }
        return .ethernet(from: from.mac, to: to.mac, .ipv6(from: source, to: target, upper))
    }

    private static func toAll(_ from: Speaker, as source: IPv6Address? = nil, _ upper: UpperLayer) -> Frame {
        .ethernet(from: from.mac, to: IPv6Address.allNodes.multicastMAC, .ipv6(from: source ?? from.linkLocal, to: .allNodes, upper))
    }

    private static let ip6: [Kind] = [
        ("ipv6 as a guest", .ip6Source, { spoofed6($0, as: $1.ip6, to: $2, datagram) }),
        ("ipv6 as the gateway", .ip6Source, { spoofed6($0, as: $2.ip6, to: $1, datagram) }),
        ("router advertisement", .raGuard, { from, _, _ in toAll(from, .routerAdvertisement(options: [.sourceLinkLayer(from.mac)])) }),
        (
            "advertisement of the gateway", .ndAdvertisement,
            { from, victim, gateway in
                guard let address = gateway.ip6 else { return nil }
                return spoofed6(from, as: from.ip6, to: victim, .neighbourAdvertisement(target: address, options: [.targetLinkLayer(from.mac)]))
            }
        ),
        (
            "solicitation with another's mac", .ndSolicitation,
            { from, victim, gateway in
                guard let address = gateway.ip6 else { return nil }
                return spoofed6(
                    from, as: from.ip6, to: gateway, .neighbourSolicitation(target: address, options: [.sourceLinkLayer(victim.mac)]))
            }
        ),
        ("another's link-local", .llClaimed, { from, victim, gateway in spoofed6(from, as: victim.linkLocal, to: gateway, datagram) }),
        ("dhcpv6 server", .dhcp6Server, { spoofed6($0, as: $0.linkLocal, to: $1, .dhcpv6(2, from: 547, to: 546)) }),
        ("mld query", .multicastQuery, { from, _, _ in toAll(from, .mldQuery()) }),
    ]

    /// From beyond the uplink, as one of the crowd: whatever becomes of that guest's port meanwhile, its identity is its own.
    static let fromOutside: [Kind] = [
        ("a guest's mac from outside", .uplinkGuestMAC, { from, victim, gateway in plain(gateway, mac: from.mac, to: victim) }),
        ("a guest's ipv4 from outside", .uplinkGuestAddress, { from, victim, gateway in spoofed4(gateway, as: from.ip4, to: victim, datagram) }),
        ("a guest's ipv6 from outside", .uplinkGuestAddress, { from, victim, gateway in spoofed6(gateway, as: from.ip6, to: victim, datagram) }),
        (
            "arp for a guest from outside", .uplinkGuestAddress,
            { from, victim, gateway in arp(.reply, from: gateway, saying: from.ip4, about: victim.ip4, to: victim.mac) }
        ),
    ]
}
