import Addresses
import Packets

/// Section 5: neighbour discovery (RFC 4861, RFC 4862) and link-local addresses.
extension Judge {
    /// S7.
    mutating func solicitationRule(_ message: ControlMessage, packet: IPv6Packet, source: MACAddress) -> Reason? {
        guard let target = message.target, !target.isMulticast else { return .ndSolicitation }
        guard packet.source.isUnspecified else {
            return hasHonest(message.options.source, source: source) ? nil : .ndSolicitation
        }
        if let reason = take(target, orFailWith: .ndSolicitation) { return reason }
        guard packet.destination == target.solicitedNodeGroup, message.options.source.count == 0 else { return .ndSolicitation }
        return nil
    }

    /// S8.
    mutating func advertisementRule(_ message: ControlMessage, packet: IPv6Packet, source: MACAddress) -> Reason? {
        guard let target = message.target, let flags = message.bytes.uint8(at: 4) else { return .ndAdvertisement }
        if let reason = take(target, orFailWith: .ndAdvertisement) { return reason }
        let isSolicited = flags & 0x40 != 0
        guard hasHonest(message.options.target, source: source), !(isSolicited && packet.destination.isMulticast) else {
            return .ndAdvertisement
        }
        return nil
    }

    /// S7, S8, S9: at most one link-layer option, of 8 bytes, that holds the Ethernet source.
    func hasHonest(_ option: NDOptions.LinkLayer, source: MACAddress) -> Bool {
        option.count == 0 || option.count == 1 && option.mac == source
    }

    /// Where an address must be in `A6` or `LL`: the reason why it isn't, or nil, and then it counts as the guest's.
    mutating func take(_ address: IPv6Address, orFailWith reason: Reason) -> Reason? {
        switch standing(of: address) {
        case .own: return nil
        case .foreign: return reason
        case .claimed: return .llClaimed
        case .claimable:
            claims.append(address)
            return nil
        }
    }

    enum Standing {
        /// In `A6` or `LL`, or claimed by this frame.
        case own
        /// Not the guest's, and not to be had (cases 1 and 3).
        case foreign
        /// A link-local address that somebody else has (case 2).
        case claimed
        /// A link-local address that the guest may have (case 4).
        case claimable
    }

    /// What an address is to this guest: `A6`, `LL`, and the four cases of link-local addresses.
    func standing(of address: IPv6Address) -> Standing {
        if entitlement.holds(address) || entitlement.linkLocals.contains(address) || port.claims.contains(address)
            || claims.contains(address)
        {
            return .own
        }
        guard address.high == 0xfe80 << 48, binding.linkLocalMode == .claim else { return .foreign }
        if address.low < 0x100 || bridge.owner(of: address) != nil { return .claimed }
        if let neighbour = bridge.uplinkNeighbours[address], !entitlement.macs.contains(neighbour.mac) { return .claimed }
        return port.claims.count + claims.count < PortState.maximumClaims ? .claimable : .foreign
    }
}
