/// Captured Ethernet frames, as tcpdump and Wireshark keep them: pcap and pcapng are read, pcap is written
/// (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng).
public struct CaptureFile: Hashable, Sendable {
    /// One captured frame.
    public struct Packet: Hashable, Sendable {
        /// Nanoseconds since 1970; nil if the file doesn't say.
        public var timestamp: UInt64?
        /// What was captured: the frame's first bytes, perhaps not all.
        public var bytes: [UInt8]
        /// The frame's length on the wire in bytes.
        public var originalLength: Int

        /// A packet captured whole, unless `originalLength` says otherwise.
        public init(timestamp: UInt64? = nil, bytes: [UInt8], originalLength: Int? = nil) {
            self.timestamp = timestamp
            self.bytes = bytes
            self.originalLength = originalLength ?? bytes.count
        }

        /// Whether the capture left out the frame's end.
        public var isCutShort: Bool { bytes.count < originalLength }
        public var frame: Frame { Frame(bytes: bytes) }
    }

    /// Ethernet's link type (LINKTYPE_ETHERNET).
    static let ethernet: UInt32 = 1

    public var packets: [Packet]

    public init(packets: [Packet]) { self.packets = packets }

    /// Reads a whole file of either format.
    ///
    /// - Parameter limit: of packets. They may be empty, so that a small file can hold very many.
    public init(parsing file: [UInt8], atMost limit: Int = .max) throws(CaptureError) {
        guard let magic = Bytes(file).uint32(at: 0) else { throw .notACapture }
        packets =
            magic == PcapngReader.sectionHeader
            ? try PcapngReader.packets(in: file, atMost: limit) : try PcapReader.packets(in: file, magic: magic, atMost: limit)
    }

    /// The packets as a pcap file of version 2.4: little-endian, microseconds, Ethernet. A missing timestamp becomes 1970.
    public func pcap() -> [UInt8] {
        var file: [UInt8] = []
        for number: UInt32 in [0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 262_144, Self.ethernet] { file += littleEndian(number) }
        for packet in packets {
            let microseconds = (packet.timestamp ?? 0) / 1000
            file += littleEndian(UInt32(truncatingIfNeeded: microseconds / 1_000_000))
            file += littleEndian(UInt32(truncatingIfNeeded: microseconds % 1_000_000))
            file += littleEndian(UInt32(truncatingIfNeeded: packet.bytes.count))
            file += littleEndian(UInt32(truncatingIfNeeded: max(packet.originalLength, packet.bytes.count)))
            file += packet.bytes
        }
        return file
    }
}

/// Why a file isn't a capture that can be read; offsets count its bytes from 0.
public enum CaptureError: Error, Hashable, Sendable, CustomStringConvertible {
    case notACapture
    /// What is at `offset` needs more bytes than the file has.
    case cutShort(offset: Int, what: String)
    /// What is at `offset` contradicts itself.
    case malformed(offset: Int, what: String)
    /// The frames aren't Ethernet frames.
    case linkType(UInt32, offset: Int)
    /// There are more than are wanted.
    case tooMany(limit: Int)

    public var description: String {
        switch self {
        case .notACapture: "not a capture file: neither pcap nor pcapng begins so"
        case .cutShort(let offset, let what): "the capture ends within the \(what) at byte \(offset)"
        case .malformed(let offset, let what): "the capture is damaged at byte \(offset): \(what)"
        case .linkType(let type, let offset):
            "link type \(type) at byte \(offset) is not Ethernet (1): capture on an Ethernet interface, not on \"any\""
        case .tooMany(let limit): "the capture has more than \(limit) frames, the most that are read: cut it up, as 'editcap -r' does"
        }
    }
}

private func littleEndian(_ number: UInt32) -> [UInt8] { bigEndian(number.byteSwapped) }

/// A file's numbers in the byte order that it declares.
struct CaptureNumbers {
    let bytes: Bytes
    let isLittleEndian: Bool

    func uint16(at offset: Int) -> UInt16? { bytes.uint16(at: offset).map { isLittleEndian ? $0.byteSwapped : $0 } }
    func uint32(at offset: Int) -> UInt32? { bytes.uint32(at: offset).map { isLittleEndian ? $0.byteSwapped : $0 } }
}
