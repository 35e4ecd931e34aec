import Addresses
import Packets

/// Section 4: IPv4 (RFC 791, BCP 38).
extension Judge {
    /// F1 to F8.
    func ipv4Rules(_ packet: IPv4Packet, destination: MACAddress) -> Reason? {
        guard packet.isWellFormed else { return .ip4Malformed }
        guard maySend(from: packet.source, in: packet) else { return .ip4Source }
        guard hasNoSourceRoute(packet) else { return .ip4SourceRoute }
        if packet.isDHCPClientMessage, !isHonestDHCPClient(packet, destination: destination) { return .dhcp4Client }
        if isFromDHCPServerOrRelay(packet) { return .dhcp4Server }
        if packet.hasMoreFragments, packet.fragmentOffset == 0, packet.payload.count < 8 { return .ip4TinyFragment }
        if packet.fragmentOffset == 1 { return .ip4TinyFragment }
        return typeRules(packet)
    }

    /// F2.
    private func maySend(from source: IPv4Address, in packet: IPv4Packet) -> Bool {
        if entitlement.holds(source) { return true }
        let isDHCP = packet.isDHCPClientMessage
        if source.isAny, isDHCP || packet.proto == 2 && packet.destination.isMulticast { return true }
        return binding.roles.contains(.transit) && !isDHCP && mayForward(from: source)
    }

    /// "Transit never": 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/3, a reserved address, another guest's.
    private func mayForward(from source: IPv4Address) -> Bool {
        let first = source.rawValue >> 24
        if first == 0 || first == 127 || first >= 224 { return false }
        guard let owner = bridge.owner(of: source) else { return true }
        return owner.port == port.index
    }

    /// F3: the options can be walked to their end, and none is a loose (131) or strict (137) source route.
    private func hasNoSourceRoute(_ packet: IPv4Packet) -> Bool {
        var options = packet.bytes.prefix(packet.headerLength).dropFirst(20)
        while let type = options.uint8(at: 0), type != 0 {
            if type == 131 || type == 137 { return false }
            if type == 1 {
                options = options.dropFirst(1)
                continue
            }
            guard let length = options.uint8(at: 1), length >= 2, Int(length) <= options.count else { return false }
            options = options.dropFirst(Int(length))
        }
        return true
    }

    /// F4: BOOTP's fixed part (RFC 951) as an honest client fills it in (RFC 2131 4.1).
    private func isHonestDHCPClient(_ packet: IPv4Packet, destination: MACAddress) -> Bool {
        if packet.isFragment { return false }
        if packet.source.isAny, packet.destination != .broadcast || destination != .broadcast { return false }
        guard let message = BOOTPMessage(udp: packet.payload), let hardware = message.clientMAC else { return false }
        return message.operation == 1 && entitlement.macs.contains(hardware)
            && (message.clientAddress.isAny || entitlement.holds(message.clientAddress)) && message.relayAddress.isAny
    }

    /// F5.
    private func isFromDHCPServerOrRelay(_ packet: IPv4Packet) -> Bool {
        guard packet.proto == 17, packet.fragmentOffset == 0, !binding.roles.contains(.dhcp4Server), packet.payload.count >= 8 else { return false }
        return switch (packet.payload.uint16(at: 0), packet.payload.uint16(at: 2)) {
        case (67, _), (_, 68): true
        case (let source, 67): source != 68
        default: false
        }
    }

    /// F7 and F8.
    private func typeRules(_ packet: IPv4Packet) -> Reason? {
        guard packet.fragmentOffset == 0, let type = packet.payload.uint8(at: 0) else { return nil }
        switch (packet.proto, type) {
        case (1, 5), (1, 9), (1, 18): return binding.roles.contains(.router) ? nil : .icmp4Router
        case (2, 0x11), (2, 0x30), (2, 0x32): return binding.roles.contains(.multicastQuerier) ? nil : .multicastQuery
        default: return nil
        }
    }
}
