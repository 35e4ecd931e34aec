/// Reads the pcapng format (draft-ietf-opsawg-pcapng): sections of either byte order, their interfaces, and enhanced and
/// simple packets. Other blocks, the obsolete packet block among them, are skipped.
struct PcapngReader {
    static let sectionHeader: UInt32 = 0x0a0d_0d0a
    private static let interfaceDescription: UInt32 = 1, simplePacket: UInt32 = 3, enhancedPacket: UInt32 = 6
    private static let minimumBlockLength = 12

    /// What an interface description says of the packets captured there.
    private struct Interface {
        let linkType: UInt16
        let snapLength: UInt32
        let resolution: Resolution
        let offset: Int
    }

    /// How many ticks a second has.
    private struct Resolution {
        /// Nil if they are too many to count.
        var ticks: UInt64? = 1_000_000

        /// The value of the option if_tsresol: the negative power of 10, or of 2 if the highest bit is set.
        init(option: UInt8?) {
            guard let option else { return }
            let exponent = Int(option & 0x7f)
            if option & 0x80 != 0 {
                ticks = exponent < 64 ? 1 << exponent : nil
            } else {
                ticks = exponent < 20 ? (0..<exponent).reduce(1) { power, _ in power * 10 } : nil
            }
        }

        /// Nanoseconds; nil for more than 584 years.
        func nanoseconds(_ count: UInt64) -> UInt64? {
            ticks.flatMap { UInt64(exactly: UInt128(count) * 1_000_000_000 / UInt128($0)) }
        }
    }

    private let file: Bytes
    private var numbers: CaptureNumbers
    private var interfaces: [Interface] = []
    private var packets: [CaptureFile.Packet] = []

    static func packets(in file: [UInt8], atMost limit: Int) throws(CaptureError) -> [CaptureFile.Packet] {
        var reader = PcapngReader(file: Bytes(file))
        var offset = 0
        while offset < file.count {
            offset += try reader.readBlock(at: offset)
            guard reader.packets.count <= limit else { throw .tooMany(limit: limit) }
        }
        return reader.packets
    }

    private init(file: Bytes) {
        self.file = file
        numbers = CaptureNumbers(bytes: file, isLittleEndian: false)
    }

    /// Reads one block, and gives its length.
    private mutating func readBlock(at offset: Int) throws(CaptureError) -> Int {
        guard let rawType = file.uint32(at: offset) else { throw .cutShort(offset: offset, what: "block") }
        if rawType == Self.sectionHeader { try startSection(at: offset) }
        guard let type = numbers.uint32(at: offset), let total = numbers.uint32(at: offset + 4) else {
            throw .cutShort(offset: offset, what: "block")
        }
        let length = Int(total)
        guard length >= Self.minimumBlockLength, length % 4 == 0 else { throw .malformed(offset: offset, what: "no block has \(length) bytes") }
        guard let block = file.slice(at: offset, length: length) else { throw .cutShort(offset: offset, what: "block") }
        guard numbers.uint32(at: offset + length - 4) == total else { throw .malformed(offset: offset, what: "the block's two lengths differ") }
        let body = CaptureNumbers(bytes: block.prefix(length - 4).dropFirst(8), isLittleEndian: numbers.isLittleEndian)
        switch type {
        case Self.interfaceDescription: try addInterface(body, at: offset)
        case Self.enhancedPacket: try addEnhancedPacket(body, at: offset)
        case Self.simplePacket: try addSimplePacket(body, at: offset)
        default: break
        }
        return length
    }

    /// A section declares its byte order, and numbers its interfaces anew.
    private mutating func startSection(at offset: Int) throws(CaptureError) {
        switch file.uint32(at: offset + 8) {
        case 0x1a2b_3c4d: numbers = CaptureNumbers(bytes: file, isLittleEndian: false)
        case 0x4d3c_2b1a: numbers = CaptureNumbers(bytes: file, isLittleEndian: true)
        case nil: throw .cutShort(offset: offset, what: "section header")
        default: throw .malformed(offset: offset + 8, what: "no byte order is written so")
        }
        interfaces = []
    }

    private mutating func addInterface(_ body: CaptureNumbers, at offset: Int) throws(CaptureError) {
        guard let linkType = body.uint16(at: 0), let snapLength = body.uint32(at: 4) else {
            throw .cutShort(offset: offset, what: "interface description")
        }
        let resolution = Resolution(option: Self.timestampResolution(body))
        interfaces.append(Interface(linkType: linkType, snapLength: snapLength, resolution: resolution, offset: offset))
    }

    /// The value of option 9, if_tsresol, among an interface's options.
    private static func timestampResolution(_ body: CaptureNumbers) -> UInt8? {
        var offset = 8
        while let code = body.uint16(at: offset), let length = body.uint16(at: offset + 2), code != 0 {
            if code == 9, length >= 1 { return body.bytes.uint8(at: offset + 4) }
            offset += 4 + (Int(length) + 3) / 4 * 4
        }
        return nil
    }

    private mutating func addEnhancedPacket(_ body: CaptureNumbers, at offset: Int) throws(CaptureError) {
        guard let number = body.uint32(at: 0), let upper = body.uint32(at: 4), let lower = body.uint32(at: 8),
            let captured = body.uint32(at: 12), let original = body.uint32(at: 16), let data = body.bytes.slice(at: 20, length: Int(captured))
        else { throw .cutShort(offset: offset, what: "packet's block") }
        let interface = try ethernet(Int(number), at: offset)
        let timestamp = interface.resolution.nanoseconds(UInt64(upper) << 32 | UInt64(lower))
        packets.append(.init(timestamp: timestamp, bytes: data.array, originalLength: max(Int(original), data.count)))
    }

    /// A simple packet is of the first interface; its captured length is the smaller of the original and the snap length.
    private mutating func addSimplePacket(_ body: CaptureNumbers, at offset: Int) throws(CaptureError) {
        guard let original = body.uint32(at: 0) else { throw .cutShort(offset: offset, what: "packet's block") }
        let interface = try ethernet(0, at: offset)
        let snapLength = interface.snapLength == 0 ? Int(original) : Int(interface.snapLength)
        let wanted = min(Int(original), snapLength)
        guard let data = body.bytes.slice(at: 4, length: wanted) else { throw .cutShort(offset: offset, what: "packet's block") }
        packets.append(.init(bytes: data.array, originalLength: Int(original)))
    }

    private func ethernet(_ number: Int, at offset: Int) throws(CaptureError) -> Interface {
        guard number < interfaces.count else { throw .malformed(offset: offset, what: "there is no interface \(number) in this section") }
        let interface = interfaces[number]
        guard interface.linkType == CaptureFile.ethernet else { throw .linkType(UInt32(interface.linkType), offset: interface.offset) }
        return interface
    }
}
