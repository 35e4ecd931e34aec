import Addresses

/// What an IP packet to be composed carries. Lengths and checksums come out right unless they are given.
public struct UpperLayer: Hashable, Sendable {
    public var proto: IPProtocol
    public var bytes: [UInt8]
    /// Where the checksum goes that `NetworkPacket` makes, because it needs the addresses (those in the fixed header,
    /// also where a route within the packet names another destination); nil for none.
    public var checksumOffset: Int?
    /// The TTL or hop limit that messages of this kind are sent with.
    public var hopLimit: UInt8

    /// Any bytes at all.
    public init(_ proto: IPProtocol, bytes: [UInt8], checksumOffset: Int? = nil, hopLimit: UInt8 = 64) {
        self.proto = proto
        self.bytes = bytes
        self.checksumOffset = checksumOffset
        self.hopLimit = hopLimit
    }

    /// Any bytes at all, sent as they are.
    public static func raw(_ proto: IPProtocol, _ bytes: [UInt8] = []) -> UpperLayer { UpperLayer(proto, bytes: bytes) }

    /// A UDP datagram (RFC 768).
    public static func udp(
        from source: UInt16, to destination: UInt16, payload: [UInt8] = [], length: UInt16? = nil, checksum: UInt16? = nil
    ) -> UpperLayer {
        let length = length ?? UInt16(truncatingIfNeeded: 8 + payload.count)
        let bytes = bigEndian(source) + bigEndian(destination) + bigEndian(length) + bigEndian(checksum ?? 0) + payload
        return UpperLayer(.udp, bytes: bytes, checksumOffset: checksum == nil ? 6 : nil)
    }

    /// A TCP segment (RFC 9293 3.1), by default one that opens a connection.
    public static func tcp(
        from source: UInt16, to destination: UInt16, sequence: UInt32 = 1, acknowledgement: UInt32 = 0, flags: UInt8 = 0x02,
        window: UInt16 = 64_240, payload: [UInt8] = [], checksum: UInt16? = nil
    ) -> UpperLayer {
        var bytes = bigEndian(source) + bigEndian(destination) + bigEndian(sequence) + bigEndian(acknowledgement)
        bytes += [5 << 4, flags] + bigEndian(window) + bigEndian(checksum ?? 0) + [0, 0] + payload
        return UpperLayer(.tcp, bytes: bytes, checksumOffset: checksum == nil ? 16 : nil)
    }

    /// An ICMP message for IPv4 (RFC 792); `rest` is all that follows the checksum, for an echo identifier, number and data.
    public static func icmp(_ type: UInt8, code: UInt8 = 0, rest: [UInt8] = [0, 0, 0, 0], checksum: UInt16? = nil) -> UpperLayer {
        UpperLayer(.icmp, bytes: summed([type, code, 0, 0] + rest, checksum))
    }

    /// An IGMP message (RFC 2236 2); of version 3 with what follows the group (queries) or, for reports, the records in `rest`.
    public static func igmp(_ type: UInt8, group: IPv4Address, time: UInt8 = 0, rest: [UInt8] = [], checksum: UInt16? = nil) -> UpperLayer {
        UpperLayer(.igmp, bytes: summed([type, time, 0, 0] + group.bytes + rest, checksum), hopLimit: 1)
    }

    /// An IGMP version 3 report (RFC 3376 4.2) that joins each group from any source.
    public static func igmpReportV3(groups: [IPv4Address]) -> UpperLayer {
        let records: [UInt8] = groups.flatMap { [4, 0, 0, 0] + $0.bytes }
        let count = bigEndian(UInt16(truncatingIfNeeded: groups.count))
        return UpperLayer(.igmp, bytes: summed([IGMPMessage.reportV3, 0, 0, 0, 0, 0] + count + records, nil), hopLimit: 1)
    }

    /// The message with the checksum that it has by itself, without a pseudo-header, at offset 2.
    private static func summed(_ bytes: [UInt8], _ checksum: UInt16?) -> [UInt8] {
        var bytes = bytes
        var sum = InternetChecksum()
        sum.add(bytes)
        bytes.write(checksum ?? sum.value, at: 2)
        return bytes
    }

    /// The bytes as they are sent between these addresses.
    func bytes(from source: IPAddress, to destination: IPAddress) -> [UInt8] {
        guard let checksumOffset else { return bytes }
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: source, destination: destination, proto: proto, length: bytes.count)
        sum.add(bytes)
        var result = bytes
        // 0 would mean that UDP has none (RFC 768); the same number is written 0xffff.
        result.write(proto == .udp && sum.value == 0 ? 0xffff : sum.value, at: checksumOffset)
        return result
    }
}
