import Addresses
import Packets
import Policy

/// Every attack that `Proof` carries out: one file a section of policy.md.
public enum Catalogue {
    public static let attacks: [Attack] =
        ethernet + arp + ipv4 + dhcpv4 + ipv6 + neighbourDiscovery + linkLocals + uplink + delivery + stamp + bridge + limits
}

// Frames as the catalogue writes them down.
extension Party {
    var arpParty: ARPPacket.Party { ARPPacket.Party(mac: mac, ip: ip4) }

    /// An IPv4 packet from this card to another's, in a frame between their MACs.
    func ip4(to peer: Party, _ upper: UpperLayer, from source: IPv4Address? = nil, mac: MACAddress? = nil) -> Frame {
        .ethernet(from: mac ?? self.mac, to: peer.mac, .ipv4(from: source ?? ip4, to: peer.ip4, upper))
    }

    /// An IPv6 packet from this card to another's, in a frame between their MACs.
    func ip6(
        to peer: Party, _ upper: UpperLayer, from source: IPv6Address? = nil, extensionHeaders: [ExtensionHeader] = [],
        hopLimit: UInt8? = nil
    ) -> Frame {
        .ethernet(
            from: mac, to: peer.mac,
            .ipv6(from: source ?? ip6, to: peer.ip6, extensionHeaders: extensionHeaders, upper, hopLimit: hopLimit))
    }

    /// An IPv6 packet from this card to a group.
    func ip6(
        toGroup group: IPv6Address, _ upper: UpperLayer, from source: IPv6Address? = nil, extensionHeaders: [ExtensionHeader] = [],
        hopLimit: UInt8? = nil
    ) -> Frame {
        .ethernet(
            from: mac, to: group.multicastMAC,
            .ipv6(from: source ?? linkLocal, to: group, extensionHeaders: extensionHeaders, upper, hopLimit: hopLimit))
    }

    /// "Who has the peer's address? Tell me", to the peer alone: it takes the asker into its cache.
    func asksFor(_ peer: Party) -> Injection {
        let target = ARPPacket.Party(mac: .zero, ip: peer.ip4)
        return Injection(site, .ethernet(from: mac, to: peer.mac, .arp(.request, sender: arpParty, target: target)))
    }

    /// The same by a neighbour solicitation.
    func solicits(_ peer: Party, from source: IPv6Address? = nil) -> Injection {
        let solicitation = UpperLayer.neighbourSolicitation(target: peer.ip6, options: [.sourceLinkLayer(mac)])
        return Injection(site, ip6(to: peer, solicitation, from: source))
    }

    /// Joins a group, so that the bridge sends it there.
    func joins(_ group: IPv6Address) -> Injection {
        Injection(site, ip6(toGroup: group, .mldReport(group: group), extensionHeaders: [.routerAlert]))
    }

    /// An ARP packet with every field to be chosen, in a frame from this card.
    func arp(
        _ operation: ARPPacket.Operation, saying sender: IPv4Address, at senderMAC: MACAddress? = nil,
        to destination: MACAddress = .broadcast,
        about target: IPv4Address? = nil, targetMAC: MACAddress = .zero, hardwareType: UInt16 = 1
    ) -> Frame {
        .ethernet(
            from: mac, to: destination,
            .arp(
                operation, sender: ARPPacket.Party(mac: senderMAC ?? mac, ip: sender),
                target: ARPPacket.Party(mac: targetMAC, ip: target ?? sender), hardwareType: hardwareType))
    }
}

extension UpperLayer {
    /// A datagram that nobody answers to: to the discard port, and from it.
    static let datagram = udp(from: 9, to: 9)
}
