import Addresses
import Packets

/// Section 7: to a guest.
extension Judge {
    /// G2 to G6.
    func deliveryRules() -> Reason? {
        guard let destination = bytes.mac(at: 0), bytes.count >= 14 else { return .truncated }
        guard destination.isGroup || entitlement.macs.contains(destination) else { return .notForGuestMAC }
        if destination.isLinkControl { return .l2Control }
        guard let (type, payload) = untagged() else { return .vlanTag }
        switch type {
        case .ipv4:
            guard let packet = IPv4Packet(payload, isSegmentationOffload: frame.isSegmentationOffload) else { return .truncated }
            return isForGuest(packet) ? nil : .notForGuestIP4
        case .ipv6:
            guard let packet = IPv6Packet(payload, isSegmentationOffload: frame.isSegmentationOffload) else { return .truncated }
            guard isForGuest(packet) else { return .notForGuestIP6 }
            return binding.quiet && isForeignSolicitation(packet) ? .quiet : nil
        case .arp:
            guard payload.count >= 8 else { return .truncated }
            guard payload.isIPv4OverEthernet else { return .arpMalformed }
            return binding.quiet && isForeignRequest(payload) ? .quiet : nil
        default:
            return binding.etherTypes.contains(type.rawValue) ? nil : .etherType
        }
    }

    /// G4.
    private func isForGuest(_ packet: IPv4Packet) -> Bool {
        let destination = packet.destination
        return binding.roles.contains(.transit) || entitlement.holds(destination) || destination.isMulticast
            || destination == .broadcast || entitlement.broadcasts4.contains(destination) || isDHCPAnswer(packet)
    }

    /// G4: a DHCPv4 server's answer to this guest, which may have no address yet (RFC 2131 4.1).
    private func isDHCPAnswer(_ packet: IPv4Packet) -> Bool {
        guard packet.headerLength >= 20, packet.proto == 17, !packet.isFragment else { return false }
        let udp = packet.present
        guard udp.uint16(at: 0) == 67, udp.uint16(at: 2) == 68, let message = BOOTPMessage(udp: udp), message.operation == 2
        else { return false }
        return message.clientMAC.map(entitlement.macs.contains) ?? false
    }

    /// G5.
    private func isForGuest(_ packet: IPv6Packet) -> Bool {
        binding.roles.contains(.transit) || packet.destination.isMulticast || isOrMayBeOwn(packet.destination)
    }

    /// G6: a neighbour solicitation for somebody else.
    private func isForeignSolicitation(_ packet: IPv6Packet) -> Bool {
        guard packet.nextHeader == 58, packet.present.uint8(at: 0) == 135, let target = packet.present.ipv6(at: 8)
        else { return false }
        return !isOrMayBeOwn(target)
    }

    /// G6: an ARP request for somebody else, which doesn't announce its sender.
    private func isForeignRequest(_ arp: Bytes) -> Bool {
        guard arp.uint16(at: 6) == 1, let sender = arp.ipv4(at: 14), let target = arp.ipv4(at: 24) else { return false }
        return sender != target && !entitlement.holds(target)
    }

    /// In `A6` or `LL`, or could be claimed.
    private func isOrMayBeOwn(_ address: IPv6Address) -> Bool {
        switch standing(of: address) {
        case .own, .claimable: true
        case .foreign, .claimed: false
        }
    }
}
