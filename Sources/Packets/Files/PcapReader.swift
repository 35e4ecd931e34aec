/// Reads the classic pcap format (draft-ietf-opsawg-pcap).
enum PcapReader {
    private static let headerLength = 24, recordHeaderLength = 16

    static func packets(in file: [UInt8], magic: UInt32, atMost limit: Int) throws(CaptureError) -> [CaptureFile.Packet] {
        guard let (isLittleEndian, nanoseconds) = format(magic) else { throw .notACapture }
        let bytes = Bytes(file)
        let numbers = CaptureNumbers(bytes: bytes, isLittleEndian: isLittleEndian)
        guard bytes.count >= headerLength, let link = numbers.uint32(at: 20) else { throw .cutShort(offset: 0, what: "file header") }
        // The upper half tells of frame check sequences.
        guard link & 0xffff == CaptureFile.ethernet else { throw .linkType(link & 0xffff, offset: 20) }
        var packets: [CaptureFile.Packet] = []
        var offset = headerLength
        while offset < bytes.count {
            guard packets.count < limit else { throw .tooMany(limit: limit) }
            guard let seconds = numbers.uint32(at: offset), let fraction = numbers.uint32(at: offset + 4),
                let captured = numbers.uint32(at: offset + 8), let original = numbers.uint32(at: offset + 12)
            else { throw .cutShort(offset: offset, what: "packet header") }
            guard let data = bytes.slice(at: offset + recordHeaderLength, length: Int(captured)) else {
                throw .cutShort(offset: offset, what: "packet")
            }
            let timestamp = UInt64(seconds) * 1_000_000_000 + UInt64(fraction) * nanoseconds
            packets.append(.init(timestamp: timestamp, bytes: data.array, originalLength: max(Int(original), data.count)))
            offset += recordHeaderLength + data.count
        }
        return packets
    }

    /// The byte order, and the nanoseconds that a timestamp's fraction counts.
    private static func format(_ magic: UInt32) -> (isLittleEndian: Bool, nanoseconds: UInt64)? {
        switch magic {
        case 0xa1b2_c3d4: (false, 1000)
        case 0xd4c3_b2a1: (true, 1000)
        case 0xa1b2_3c4d: (false, 1)
        case 0x4d3c_b2a1: (true, 1)
        default: nil
        }
    }
}
