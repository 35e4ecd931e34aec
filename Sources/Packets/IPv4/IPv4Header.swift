import Addresses

/// An IPv4 packet's header (RFC 791 3.1), as it is written, right or wrong.
public struct IPv4Header: Hashable, Sendable {
    /// The bytes of the fixed part.
    public static let fixedLength = 20

    /// 4 if this is IPv4 at all.
    public let version: UInt8
    /// IHL × 4, in bytes: 0...60, of which less than 20 is malformed.
    public let headerLength: Int
    /// The type of service byte: DSCP and ECN.
    public let typeOfService: UInt8
    /// As written, in bytes: the header and what follows it.
    public let totalLength: UInt16
    public let identification: UInt16
    public let dontFragment: Bool
    public let moreFragments: Bool
    /// In units of eight bytes, 0...8191.
    public let fragmentOffset: UInt16
    public let timeToLive: UInt8
    public let proto: IPProtocol
    public let checksum: UInt16
    public let source: IPv4Address
    public let destination: IPv4Address
    /// What counts as the total length: that which is written, but for a super-packet of more than 65,535 bytes,
    /// whose field holds 0, all bytes present.
    public let total: Int
    /// From the first byte of the header to the end of the frame.
    private let bytes: Bytes

    /// Nil for fewer than 20 bytes; nothing else is checked here.
    public init?(_ bytes: Bytes, isSegmentationOffload: Bool = false) {
        guard let first = bytes.uint8(at: 0), let typeOfService = bytes.uint8(at: 1), let totalLength = bytes.uint16(at: 2),
            let identification = bytes.uint16(at: 4), let fragment = bytes.uint16(at: 6), let timeToLive = bytes.uint8(at: 8),
            let proto = bytes.uint8(at: 9), let checksum = bytes.uint16(at: 10), let source = bytes.ipv4(at: 12),
            let destination = bytes.ipv4(at: 16)
        else { return nil }
        version = first >> 4
        headerLength = Int(first & 0xf) * 4
        self.typeOfService = typeOfService
        self.totalLength = totalLength
        self.identification = identification
        dontFragment = fragment & 0x4000 != 0
        moreFragments = fragment & 0x2000 != 0
        fragmentOffset = fragment & 0x1fff
        self.timeToLive = timeToLive
        self.proto = IPProtocol(rawValue: proto)
        self.checksum = checksum
        self.source = source
        self.destination = destination
        let isSuperPacket = isSegmentationOffload && totalLength == 0 && bytes.count > 65_535
        total = isSuperPacket ? bytes.count : Int(totalLength)
        self.bytes = bytes
    }

    /// Version 4, at least 20 bytes of header, all of it within the total length, and all of that within the frame.
    public var isWellFormed: Bool {
        version == 4 && headerLength >= Self.fixedLength && headerLength <= total && total <= bytes.count
    }

    public var isFragment: Bool { moreFragments || fragmentOffset != 0 }

    /// Whether the header's checksum is right; false if the header isn't all there.
    public var hasValidChecksum: Bool {
        guard headerLength >= Self.fixedLength, let header = bytes.slice(at: 0, length: headerLength) else { return false }
        var sum = InternetChecksum()
        sum.add(header.array)
        return sum.value == 0
    }

    /// What lies between the header's end and the total length, as far as it is in the frame.
    public var payload: Bytes { bytes.prefix(total).dropFirst(headerLength) }

    /// What lies behind the header up to the end of the frame, padding included.
    public var payloadPresent: Bytes { bytes.dropFirst(headerLength) }

    /// The options, walked to their end or to where they break.
    public var options: OptionWalk<IPv4Option> { IPv4Option.walk(bytes.prefix(headerLength).dropFirst(Self.fixedLength)) }
}
