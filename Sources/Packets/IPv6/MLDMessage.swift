import Addresses

/// A multicast listener discovery message of either version (RFC 2710, 3810).
public struct MLDMessage: Hashable, Sendable {
    public let type: ICMPv6Message.Kind
    /// Queries, version 1 reports and dones: the group they are about, `::` in a general query; nil if cut short.
    public let group: IPv6Address?
    /// The groups of a version 2 report's records, as far as they are there.
    public let recordGroups: [IPv6Address]

    /// Nil for an ICMPv6 message of another type.
    public init?(_ message: ICMPv6Message) {
        type = message.type
        switch type {
        case .multicastQuery, .multicastReport, .multicastDone:
            group = message.bytes.ipv6(at: 8)
            recordGroups = []
        case .multicastReportV2:
            group = nil
            recordGroups = Self.recordGroups(message.bytes)
        default:
            return nil
        }
    }

    /// RFC 3810 5.2: a record is 20 bytes, then its sources and auxiliary data.
    private static func recordGroups(_ bytes: Bytes) -> [IPv6Address] {
        var groups: [IPv6Address] = []
        var offset = 8
        for _ in 0..<(bytes.uint16(at: 6) ?? 0) {
            guard let auxiliary = bytes.uint8(at: offset + 1), let sources = bytes.uint16(at: offset + 2), let group = bytes.ipv6(at: offset + 4)
            else { break }
            groups.append(group)
            offset += 20 + Int(sources) * 16 + Int(auxiliary) * 4
        }
        return groups
    }
}
