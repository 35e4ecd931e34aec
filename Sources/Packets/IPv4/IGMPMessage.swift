import Addresses

/// An IGMP message of any version (RFC 1112, 2236, 3376), of which the type alone must be there.
public struct IGMPMessage: Hashable, Sendable {
    public static let query: UInt8 = 0x11, reportV1: UInt8 = 0x12, reportV2: UInt8 = 0x16, leave: UInt8 = 0x17, reportV3: UInt8 = 0x22
    /// Multicast router discovery (RFC 4286).
    public static let routerAdvertisement: UInt8 = 0x30, routerSolicitation: UInt8 = 0x31, routerTermination: UInt8 = 0x32

    public let type: UInt8
    /// Queries, version 1 and 2 reports and leaves: the group they are about; nil for others or if cut short.
    public let group: IPv4Address?
    /// The groups of a version 3 report's records, as far as they are there.
    public let recordGroups: [IPv4Address]

    /// Nil for no bytes at all.
    public init?(_ bytes: Bytes) {
        guard let type = bytes.uint8(at: 0) else { return nil }
        self.type = type
        switch type {
        case Self.query, Self.reportV1, Self.reportV2, Self.leave: group = bytes.ipv4(at: 4)
        default: group = nil
        }
        recordGroups = type == Self.reportV3 ? Self.recordGroups(bytes) : []
    }

    /// RFC 3376 4.2: a record is 8 bytes, then its sources and auxiliary data.
    private static func recordGroups(_ bytes: Bytes) -> [IPv4Address] {
        var groups: [IPv4Address] = []
        var offset = 8
        for _ in 0..<(bytes.uint16(at: 6) ?? 0) {
            guard let auxiliary = bytes.uint8(at: offset + 1), let sources = bytes.uint16(at: offset + 2), let group = bytes.ipv4(at: offset + 4)
            else { break }
            groups.append(group)
            offset += 8 + Int(sources) * 4 + Int(auxiliary) * 4
        }
        return groups
    }
}
