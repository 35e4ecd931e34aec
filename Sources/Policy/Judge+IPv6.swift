import Addresses
import Packets

/// Section 5: IPv6 (RFC 8200, RFC 6980, RFC 7112, RFC 7113).
extension Judge {
    /// S1 to S12.
    mutating func ipv6Rules(_ packet: IPv6Packet, source: MACAddress) -> Reason? {
        guard packet.isWellFormed else { return .ip6Malformed }
        let chain = ExtensionHeaderWalk(packet)
        let message = ControlMessage(chain)
        if let reason = sourceRule(packet, message: message) { return reason }
        if let fault = chain.fault { return fault }
        if let message { return icmp6Rules(message, packet: packet, source: source) }
        return isFromDHCPServerOrRelay(chain) ? .dhcp6Server : nil
    }

    /// S2.
    private mutating func sourceRule(_ packet: IPv6Packet, message: ControlMessage?) -> Reason? {
        if packet.source.isUnspecified, !entitlement.holds(packet.source) {
            return message?.mayBeFromUnspecified(to: packet.destination) == true ? nil : .ip6Source
        }
        guard let reason = take(packet.source, orFailWith: .ip6Source) else { return nil }
        guard reason == .ip6Source, binding.roles.contains(.transit), message?.isNeighborDiscovery != true else { return reason }
        return mayForward(from: packet.source) ? nil : .ip6Source
    }

    /// "Transit never": `::`, ::1, fe80::/10, ff00::/8, a reserved address, another guest's.
    private func mayForward(from source: IPv6Address) -> Bool {
        if source.isUnspecified || source.isLoopback || source.isLinkLocal || source.isMulticast { return false }
        guard let owner = bridge.owner(of: source) else { return true }
        return owner.port == port.index
    }

    /// S12. What goes to a server's port has a type, and not a relay's: 12 and 13 (RFC 8415 7.3). A first fragment may end
    /// before it.
    private func isFromDHCPServerOrRelay(_ chain: ExtensionHeaderWalk) -> Bool {
        guard let (proto, udp) = chain.upperLayer, proto == 17, udp.count >= 8, !binding.roles.contains(.dhcp6Server) else { return false }
        return switch (udp.uint16(at: 0), udp.uint16(at: 2)) {
        case (547, _), (_, 546): true
        case (_, 547): udp.uint8(at: 8).map { $0 == 12 || $0 == 13 } ?? true
        default: false
        }
    }

    /// S5 to S11.
    private mutating func icmp6Rules(_ message: ControlMessage, packet: IPv6Packet, source: MACAddress) -> Reason? {
        if message.isNeighborDiscovery {
            isNeighborMessage = true
            guard message.isWellFormed(hopLimit: packet.hopLimit) else { return .ndMalformed }
        }
        switch message.type {
        case 133: return hasHonest(message.options.source, source: source) ? nil : .ndRouterSolicitation
        case 134: return binding.roles.contains(.router) ? nil : .raGuard
        case 135: return solicitationRule(message, packet: packet, source: source)
        case 136: return advertisementRule(message, packet: packet, source: source)
        case 137: return binding.roles.contains(.router) ? nil : .ndRedirect
        case 138, 141, 142, 144...149, 151...153: return .icmp6Control
        case 130: return binding.roles.contains(.multicastQuerier) ? nil : .multicastQuery
        default: return nil
        }
    }
}
