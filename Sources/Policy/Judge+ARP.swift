import Addresses
import Packets

/// Section 3: ARP (RFC 826, RFC 5227).
extension Judge {
    /// A1 to A5.
    mutating func arpRules(_ arp: Bytes, source: MACAddress) -> Reason? {
        isNeighborMessage = true
        guard arp.isIPv4OverEthernet, let operation = arp.uint16(at: 6), let sender = arp.ipv4(at: 14), let target = arp.ipv4(at: 24)
        else { return .arpMalformed }
        guard operation == 1 || operation == 2 else { return .arpOpcode }
        guard arp.mac(at: 8) == source else { return .arpSenderMAC }
        let isProbe = operation == 1 && sender.isAny
        guard isProbe || entitlement.holds(sender) else { return .arpSenderIP }
        guard !isProbe || entitlement.holds(target) else { return .arpProbeTarget }
        return nil
    }
}
