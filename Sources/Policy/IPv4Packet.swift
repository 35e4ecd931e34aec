import Addresses
import Packets

/// The fields of an IPv4 packet that rules ask for, as they are written, right or wrong (RFC 791 3.1).
struct IPv4Packet {
    /// From the header's first byte to the end of the frame.
    let bytes: Bytes
    let version: UInt8
    /// IHL × 4, in bytes.
    let headerLength: Int
    /// What counts as the total length, in bytes (policy.md, section 4).
    let total: Int
    let hasMoreFragments: Bool
    /// In units of eight bytes.
    let fragmentOffset: UInt16
    let proto: UInt8
    let source: IPv4Address
    let destination: IPv4Address

    /// Nil for fewer than 20 bytes.
    init?(_ bytes: Bytes, isSegmentationOffload: Bool) {
        guard let first = bytes.uint8(at: 0), let totalLength = bytes.uint16(at: 2), let fragment = bytes.uint16(at: 6),
            let proto = bytes.uint8(at: 9), let source = bytes.ipv4(at: 12), let destination = bytes.ipv4(at: 16)
        else { return nil }
        self.bytes = bytes
        version = first >> 4
        headerLength = Int(first & 0xf) * 4
        total = isSegmentationOffload && totalLength == 0 && bytes.count > 65_535 ? bytes.count : Int(totalLength)
        hasMoreFragments = fragment & 0x2000 != 0
        fragmentOffset = fragment & 0x1fff
        self.proto = proto
        self.source = source
        self.destination = destination
    }

    /// F1.
    var isWellFormed: Bool { version == 4 && headerLength >= 20 && headerLength <= total && total <= bytes.count }
    var isFragment: Bool { hasMoreFragments || fragmentOffset != 0 }
    /// What lies between the header and the total length.
    var payload: Bytes { bytes.prefix(total).dropFirst(headerLength) }
    /// What lies behind the header, to the end of the frame.
    var present: Bytes { bytes.dropFirst(headerLength) }

    /// A DHCPv4 client's message (policy.md, section 2): from UDP port 68 to 67. Whether it is a right one is F4's matter.
    var isDHCPClientMessage: Bool {
        guard headerLength >= 20, proto == 17, fragmentOffset == 0, present.count >= 8 else { return false }
        return present.uint16(at: 0) == 68 && present.uint16(at: 2) == 67
    }
}
