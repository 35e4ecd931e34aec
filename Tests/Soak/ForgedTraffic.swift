import Addresses
import Packets
import Policy

/// Who takes part in a forgery.
struct Cast {
    var from: Speaker
    /// Whom it is about.
    var victim: Speaker
    var gateway = SoakPolicy.gateway
}

/// What the crowd's guests try, beside the catalogue: each kind with the reason that policy.md gives for it. Where it would
/// arrive is the gateway, the victim, or everybody.
struct ForgedTraffic: Sendable {
    let name: String
    let reason: Reason
    /// nil where one who takes part has no such address.
    let make: @Sendable (Cast) -> Frame?

    private init(_ name: String, _ reason: Reason, _ make: @escaping @Sendable (Cast) -> Frame?) {
        (self.name, self.reason, self.make) = (name, reason, make)
    }

    static let fromGuests: [ForgedTraffic] = ethernet + arp + ip4 + ip6

    private static let datagram = UpperLayer.udp(from: 9, to: 9)

    // MARK: Ethernet

    private static func plain(_ from: Speaker, mac: MACAddress? = nil, to: Speaker, tags: [VLANTag] = []) -> Frame? {
        guard let source = from.ip4, let target = to.ip4 else { return nil }
        return .ethernet(from: mac ?? from.mac, to: to.mac, tags: tags, .ipv4(from: source, to: target, datagram))
    }

    private static func raw(_ cast: Cast, to mac: MACAddress, _ type: EtherType) -> Frame? {
        .ethernet(from: cast.from.mac, to: mac, .raw(type, [UInt8](repeating: 0, count: 46)))
    }

    private static let ethernet: [ForgedTraffic] = [
        ForgedTraffic("another's mac", .macSource) { plain($0.from, mac: $0.victim.mac, to: $0.gateway) },
        ForgedTraffic("the gateway's mac", .macSource) { plain($0.from, mac: $0.gateway.mac, to: $0.victim) },
        ForgedTraffic("to the spanning tree", .l2Control) { raw($0, to: MACAddress(0x01, 0x80, 0xc2, 0, 0, 0), .lldp) },
        ForgedTraffic("a tag", .vlanTag) { plain($0.from, to: $0.gateway, tags: [VLANTag(vid: 4000)]) },
        ForgedTraffic("lldp to the gateway", .etherType) { raw($0, to: $0.gateway.mac, .lldp) },
        ForgedTraffic("pppoe", .etherType) { raw($0, to: .broadcast, .pppoeDiscovery) },
    ]

    // MARK: ARP

    private static func arp(
        _ operation: ARPPacket.Operation, _ from: Speaker, saying sender: IPv4Address?, at mac: MACAddress? = nil, about target: IPv4Address?,
        to destination: MACAddress
    ) -> Frame? {
        guard let sender, let target else { return nil }
        return .ethernet(
            from: from.mac, to: destination,
            .arp(operation, sender: ARPPacket.Party(mac: mac ?? from.mac, ip: sender), target: ARPPacket.Party(mac: .zero, ip: target)))
    }

    private static let arp: [ForgedTraffic] = [
        ForgedTraffic("arp as a guest", .arpSenderIP) {
            arp(.reply, $0.from, saying: $0.victim.ip4, about: $0.gateway.ip4, to: $0.gateway.mac)
        },
        ForgedTraffic("arp as the gateway", .arpSenderIP) {
            arp(.reply, $0.from, saying: $0.gateway.ip4, about: $0.victim.ip4, to: $0.victim.mac)
        },
        ForgedTraffic("arp as the gateway to all", .arpSenderIP) {
            arp(.request, $0.from, saying: $0.gateway.ip4, about: $0.victim.ip4, to: .broadcast)
        },
        ForgedTraffic("arp with another's mac", .arpSenderMAC) {
            arp(.reply, $0.from, saying: $0.from.ip4, at: $0.victim.mac, about: $0.gateway.ip4, to: $0.gateway.mac)
        },
        ForgedTraffic("arp probe", .arpProbeTarget) { arp(.request, $0.from, saying: .any, about: $0.victim.ip4, to: .broadcast) },
    ]

    // MARK: IPv4

    private static func ip4(
        _ from: Speaker, as source: IPv4Address?, to: Speaker, _ upper: UpperLayer = datagram, options: [UInt8] = []
    ) -> Frame? {
        guard let source, let target = to.ip4 else { return nil }
        return .ethernet(from: from.mac, to: to.mac, .ipv4(from: source, to: target, upper, options: options))
    }

    private static let ip4: [ForgedTraffic] = [
        ForgedTraffic("ipv4 as a guest", .ip4Source) { ip4($0.from, as: $0.victim.ip4, to: $0.gateway) },
        ForgedTraffic("ipv4 as the gateway", .ip4Source) { ip4($0.from, as: $0.gateway.ip4, to: $0.victim) },
        ForgedTraffic("ipv4 from elsewhere", .ip4Source) { ip4($0.from, as: IPv4Address(203, 0, 113, 77), to: $0.gateway) },
        ForgedTraffic("source route", .ip4SourceRoute) {
            ip4($0.from, as: $0.from.ip4, to: $0.gateway, options: [131, 7, 4, 192, 0, 2, 9, 0])
        },
        ForgedTraffic("dhcp server", .dhcp4Server) { ip4($0.from, as: $0.from.ip4, to: $0.victim, .udp(from: 67, to: 9)) },
        ForgedTraffic("dhcp for another", .dhcp4Client) {
            let message = UpperLayer.dhcpv4(clientMAC: $0.victim.mac)
            return .ethernet(from: $0.from.mac, to: .broadcast, .ipv4(from: .any, to: .broadcast, message))
        },
    ]

    // MARK: IPv6

    private static func ip6(_ from: Speaker, as source: IPv6Address?, to: Speaker, _ upper: UpperLayer = datagram) -> Frame? {
        guard let source, let target = to.ip6 else { return nil }
        return .ethernet(from: from.mac, to: to.mac, .ipv6(from: source, to: target, upper))
    }

    private static func toAll(_ from: Speaker, _ upper: UpperLayer) -> Frame? {
        .ethernet(from: from.mac, to: IPv6Address.allNodes.multicastMAC, .ipv6(from: from.linkLocal, to: .allNodes, upper))
    }

    private static let ip6: [ForgedTraffic] = [
        ForgedTraffic("ipv6 as a guest", .ip6Source) { ip6($0.from, as: $0.victim.ip6, to: $0.gateway) },
        ForgedTraffic("ipv6 as the gateway", .ip6Source) { ip6($0.from, as: $0.gateway.ip6, to: $0.victim) },
        ForgedTraffic("router advertisement", .raGuard) {
            toAll($0.from, .routerAdvertisement(options: [.sourceLinkLayer($0.from.mac)]))
        },
        ForgedTraffic("advertisement of the gateway", .ndAdvertisement) {
            guard let address = $0.gateway.ip6 else { return nil }
            let message = UpperLayer.neighbourAdvertisement(target: address, options: [.targetLinkLayer($0.from.mac)])
            return ip6($0.from, as: $0.from.ip6, to: $0.victim, message)
        },
        ForgedTraffic("solicitation with another's mac", .ndSolicitation) {
            guard let address = $0.gateway.ip6 else { return nil }
            let message = UpperLayer.neighbourSolicitation(target: address, options: [.sourceLinkLayer($0.victim.mac)])
            return ip6($0.from, as: $0.from.ip6, to: $0.gateway, message)
        },
        ForgedTraffic("another's link-local", .llClaimed) { ip6($0.from, as: $0.victim.linkLocal, to: $0.gateway) },
        ForgedTraffic("dhcpv6 server", .dhcp6Server) { ip6($0.from, as: $0.from.linkLocal, to: $0.victim, .dhcpv6(2, from: 547, to: 546)) },
        ForgedTraffic("mld query", .multicastQuery) { toAll($0.from, .mldQuery()) },
    ]

    // MARK: The uplink

    /// From beyond the uplink, as one of the crowd (`from`) to another guest (`victim`): whatever becomes of that guest's port
    /// meanwhile, its identity is its own.
    static let fromOutside: [ForgedTraffic] = [
        ForgedTraffic("a guest's mac from outside", .uplinkGuestMAC) { plain($0.gateway, mac: $0.from.mac, to: $0.victim) },
        ForgedTraffic("a guest's ipv4 from outside", .uplinkGuestAddress) { ip4($0.gateway, as: $0.from.ip4, to: $0.victim) },
        ForgedTraffic("a guest's ipv6 from outside", .uplinkGuestAddress) { ip6($0.gateway, as: $0.from.ip6, to: $0.victim) },
        ForgedTraffic("arp for a guest from outside", .uplinkGuestAddress) {
            arp(.reply, $0.gateway, saying: $0.from.ip4, about: $0.victim.ip4, to: $0.victim.mac)
        },
    ]
}
