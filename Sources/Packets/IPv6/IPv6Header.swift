import Addresses

/// An IPv6 packet's fixed header (RFC 8200 3), as it is written, right or wrong.
public struct IPv6Header: Hashable, Sendable {
    /// The bytes of the fixed header.
    public static let fixedLength = 40

    /// 6 if this is IPv6 at all.
    public let version: UInt8
    public let trafficClass: UInt8
    /// 20 bits.
    public let flowLabel: UInt32
    /// As written, in bytes: what follows the fixed header.
    public let payloadLength: UInt16
    public let nextHeader: IPProtocol
    public let hopLimit: UInt8
    public let source: IPv6Address
    public let destination: IPv6Address
    /// An offloaded packet with more than 65,535 bytes behind the fixed header; its payload length field holds 0.
    public let isSuperPacket: Bool
    /// What follows the fixed header up to the end of the frame, padding included.
    public let payloadPresent: Bytes

    /// Nil for fewer than 40 bytes; nothing else is checked here.
    public init?(_ bytes: Bytes, isSegmentationOffload: Bool = false) {
        guard let first = bytes.uint32(at: 0), let payloadLength = bytes.uint16(at: 4), let nextHeader = bytes.uint8(at: 6),
            let hopLimit = bytes.uint8(at: 7), let source = bytes.ipv6(at: 8), let destination = bytes.ipv6(at: 24)
        else { return nil }
        version = UInt8(truncatingIfNeeded: first >> 28)
        trafficClass = UInt8(truncatingIfNeeded: first >> 20)
        flowLabel = first & 0xf_ffff
        self.payloadLength = payloadLength
        self.nextHeader = IPProtocol(rawValue: nextHeader)
        self.hopLimit = hopLimit
        self.source = source
        self.destination = destination
        payloadPresent = bytes.dropFirst(Self.fixedLength)
        isSuperPacket = isSegmentationOffload && payloadLength == 0 && payloadPresent.count > 65_535
    }

    /// Payload length 0 with a hop-by-hop header, whose option holds the length (RFC 2675); a super-packet isn't one.
    public var isJumbogram: Bool { payloadLength == 0 && nextHeader == .hopByHop && !isSuperPacket }

    /// Version 6, the payload all in the frame, and not a jumbogram.
    public var isWellFormed: Bool { version == 6 && Int(payloadLength) <= payloadPresent.count && !isJumbogram }

    /// What follows the fixed header up to the payload length (of a super-packet, the frame's end), as far as it is in the frame.
    public var payload: Bytes { isSuperPacket ? payloadPresent : payloadPresent.prefix(Int(payloadLength)) }

    /// The extension headers, walked to the upper layer or to where they break.
    public var chain: ExtensionHeaderChain { ExtensionHeaderChain(payload, startingWith: nextHeader) }
}
