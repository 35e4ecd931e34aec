import Addresses
import Packets

/// What a guest may not send: one thing wrong, and all else right, so that an engine stops it for that or not at all.
///
/// No VLAN tags: the kernel takes a tag out of the very memory that the next injected frame is in, which is another one then.
enum Spoof: String, Sendable, CaseIterable {
    case mac = "wrong MAC"
    case ipv4 = "wrong IPv4 source"
    case ipv6 = "wrong IPv6 source"
    case arpReply = "ARP reply, wrong IP"
    case arpRequest = "ARP request, wrong IP"
    case advertisement = "ND, another's address"
    case router = "router advertisement"
    /// Where a match at a fixed offset doesn't see it.
    case routerBehindOptions = "RA behind options"
    case routerInFragment = "RA in a fragment"
    case dhcpAnswer = "DHCP server's answer"

    /// What it is compared with: the honest frame that is nearest to it.
    private var family: Traffic.Family {
        switch self {
        case .mac, .ipv4, .dhcpAnswer: .ipv4
        case .ipv6: .ipv6
        case .arpReply, .arpRequest: .arp
        case .advertisement, .router, .routerBehindOptions, .routerInFragment: .neighbour
        }
    }

    /// From a guest to the uplink.
    ///
    /// - Parameter stranger: whose MAC and addresses it takes.
    func traffic(_ guest: Guest, _ stranger: Guest) -> Traffic {
        let honest = Ends(source: Ends.Party(guest, family), destination: .outside(family))
        return Traffic(
            kind: .spoofed(self), entry: .guest, exit: .uplink, frame: frame(honest, Ends.Party(stranger, family)), honest: honest.frame(family))
    }

    private func frame(_ honest: Ends, _ stranger: Ends.Party) -> [UInt8] {
        var ends = honest
        switch (self, honest.source.address, honest.destination.address, stranger.address) {
        case (.mac, _, _, _): ends.source.mac = stranger.mac
        case (.arpRequest, _, .v4(let to), .v4(let another)):
            let target = ARPPacket.Party(mac: MACAddress(rawValue: 0), ip: to)
            return honest.frame(.arp(.request, sender: .init(mac: honest.source.mac, ip: another), target: target))
        case (.advertisement, .v6(let from), .v6(let to), .v6(let another)):
            let options = [NeighbourDiscoveryOption.targetLinkLayer(honest.source.mac)]
            return honest.frame(.ipv6(from: from, to: to, .neighbourAdvertisement(target: another, options: options)))
        case (.router, .v6(let from), .v6(let to), _), (.routerBehindOptions, .v6(let from), .v6(let to), _),
            (.routerInFragment, .v6(let from), .v6(let to), _):
            return honest.frame(.ipv6(from: from, to: to, extensionHeaders: hidingPlace, .routerAdvertisement()))
        case (.dhcpAnswer, .v4(let from), .v4(let to), .v4(let another)):
            let offer = UpperLayer.dhcpv4(2, clientMAC: stranger.mac, messageType: 2, yourAddress: another, serverAddress: from)
            return honest.frame(.ipv4(from: from, to: to, offer))
        default: ends.source.address = stranger.address
        }
        return ends.frame(family)
    }

    private var hidingPlace: [ExtensionHeader] {
        switch self {
        case .routerBehindOptions: [.destinationOptions()]
        case .routerInFragment: [.fragment()]
        default: []
        }
    }
}
