import Addresses
import Packets

/// The fields of an IPv6 packet that rules ask for, as they are written, right or wrong (RFC 8200 3).
struct IPv6Packet {
    let version: UInt8
    let payloadLength: UInt16
    let nextHeader: UInt8
    let hopLimit: UInt8
    let source: IPv6Address
    let destination: IPv6Address
    /// What lies behind the fixed header, to the end of the frame.
    let present: Bytes
    /// A super-packet of more than 65,535 bytes, whose payload length holds 0.
    let isSuperPacket: Bool

    /// Nil for fewer than 40 bytes.
    init?(_ bytes: Bytes, isSegmentationOffload: Bool) {
        guard let first = bytes.uint8(at: 0), let payloadLength = bytes.uint16(at: 4), let nextHeader = bytes.uint8(at: 6),
            let hopLimit = bytes.uint8(at: 7), let source = bytes.ipv6(at: 8), let destination = bytes.ipv6(at: 24)
        else { return nil }
        version = first >> 4
        self.payloadLength = payloadLength
        self.nextHeader = nextHeader
        self.hopLimit = hopLimit
        self.source = source
        self.destination = destination
        present = bytes.dropFirst(40)
        isSuperPacket = isSegmentationOffload && payloadLength == 0 && present.count > 65_535
    }

    /// S1.
    var isWellFormed: Bool {
        let isJumbogram = payloadLength == 0 && nextHeader == 0 && !isSuperPacket
        return version == 6 && Int(payloadLength) <= present.count && !isJumbogram
    }

    /// What lies behind the fixed header, to the payload's end.
    var payload: Bytes { isSuperPacket ? present : present.prefix(Int(payloadLength)) }
}
