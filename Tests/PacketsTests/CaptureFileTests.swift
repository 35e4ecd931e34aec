import Packets
import RepeatableChance
import Testing

@Suite struct CaptureFileTests {
    /// A minimal ARP-sized frame is beside the point here: captures hold any bytes.
    private static let frame: [UInt8] = [1, 2, 3, 4, 5]

    /// The fields of draft-ietf-opsawg-pcap 4 and 5, most significant byte first.
    private static func classic(magic: [UInt8], link: [UInt8] = [0, 0, 0, 1]) -> [UInt8] {
        magic + [0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0] + link
            + [0, 0, 0, 100, 0, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0, 9] + frame
    }

    @Test func `reads pcap of microseconds and nanoseconds, big-endian`() throws {
        let micro = try CaptureFile(parsing: Self.classic(magic: [0xa1, 0xb2, 0xc3, 0xd4]))
        #expect(micro.packets == [.init(timestamp: 100_000_007_000, bytes: Self.frame, originalLength: 9)])
        #expect(micro.packets[0].isCutShort)
        let nano = try CaptureFile(parsing: Self.classic(magic: [0xa1, 0xb2, 0x3c, 0x4d]))
        #expect(nano.packets[0].timestamp == 100_000_000_007)
    }

    @Test func `reads pcap as tcpdump writes it, little-endian`() throws {
        let file: [UInt8] = [
            0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
            100, 0, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4, 5,
        ]
        let capture = try CaptureFile(parsing: file)
        #expect(capture.packets == [.init(timestamp: 100_000_007_000, bytes: Self.frame)])
        #expect(capture.pcap() == file)
    }

    @Test func `writes what it reads`() throws {
        let capture = CaptureFile(packets: Samples.frames.map { .init(timestamp: 1_700_000_000_123_456_000, bytes: $0.bytes, originalLength: 1500) })
        #expect(try CaptureFile(parsing: capture.pcap()) == capture)
        #expect(try CaptureFile(parsing: CaptureFile(packets: []).pcap()).packets.isEmpty)
    }

    @Test func `refuses other link types by number`() {
        #expect(throws: CaptureError.linkType(113, offset: 20)) {
            try CaptureFile(parsing: Self.classic(magic: [0xa1, 0xb2, 0xc3, 0xd4], link: [0, 0, 0, 113]))
        }
    }

    @Test func `says where a file ends too early`() {
        let file = Self.classic(magic: [0xa1, 0xb2, 0xc3, 0xd4])
        #expect(throws: CaptureError.cutShort(offset: 24, what: "packet")) { try CaptureFile(parsing: Array(file.dropLast())) }
        #expect(throws: CaptureError.cutShort(offset: 24, what: "packet header")) { try CaptureFile(parsing: Array(file.prefix(39))) }
        #expect(throws: CaptureError.cutShort(offset: 0, what: "file header")) { try CaptureFile(parsing: Array(file.prefix(23))) }
        #expect(throws: CaptureError.notACapture) { try CaptureFile(parsing: [0xa1, 0xb2, 0xc3]) }
        #expect(throws: CaptureError.notACapture) { try CaptureFile(parsing: Array("bridges:\n".utf8)) }
    }

    // MARK: pcapng (draft-ietf-opsawg-pcapng 4)

    private static func number(_ value: UInt32, little: Bool) -> [UInt8] {
        let bytes = [UInt8(value >> 24), UInt8(value >> 16 & 0xff), UInt8(value >> 8 & 0xff), UInt8(value & 0xff)]
        return little ? bytes.reversed() : bytes
    }
    private static func half(_ value: UInt16, little: Bool) -> [UInt8] {
        little ? [UInt8(value & 0xff), UInt8(value >> 8)] : [UInt8(value >> 8), UInt8(value & 0xff)]
    }
    private static func block(_ type: UInt32, _ body: [UInt8], little: Bool) -> [UInt8] {
        let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
        let length = number(UInt32(padded.count + 12), little: little)
        return number(type, little: little) + length + padded + length
    }
    private static func section(little: Bool) -> [UInt8] {
        block(
            0x0a0d_0d0a, number(0x1a2b_3c4d, little: little) + half(1, little: little) + half(0, little: little) + [UInt8](repeating: 0xff, count: 8),
            little: little)
    }
    private static func interface(link: UInt16 = 1, snap: UInt32 = 0, options: [UInt8] = [], little: Bool) -> [UInt8] {
        block(1, half(link, little: little) + [0, 0] + number(snap, little: little) + options, little: little)
    }
    private static func enhanced(interface: UInt32 = 0, time: UInt64, captured: UInt32 = 5, original: UInt32 = 5, little: Bool) -> [UInt8] {
        let fields = [interface, UInt32(time >> 32), UInt32(time & 0xffff_ffff), captured, original].flatMap { number($0, little: little) }
        return block(6, fields + frame, little: little)
    }

    @Test(arguments: [true, false])
    func `reads pcapng of either byte order`(little: Bool) throws {
        let nanoseconds = Self.half(9, little: little) + Self.half(1, little: little) + [9, 0, 0, 0]
        var file = Self.section(little: little) + Self.interface(little: little) + Self.interface(options: nanoseconds, little: little)
        file += Self.enhanced(time: 1_700_000_000_000_001, original: 60, little: little)
        file += Self.block(5, [1, 2, 3, 4], little: little)  // statistics: skipped
        file += Self.enhanced(interface: 1, time: 1_700_000_000_000_000_003, little: little)
        file += Self.block(3, Self.number(5, little: little) + Self.frame, little: little)
        #expect(
            try CaptureFile(parsing: file).packets == [
                .init(timestamp: 1_700_000_000_000_001_000, bytes: Self.frame, originalLength: 60),
                .init(timestamp: 1_700_000_000_000_000_003, bytes: Self.frame), .init(bytes: Self.frame),
            ])
    }

    @Test func `sections of different byte orders follow each other, each with its own interfaces`() throws {
        let first = Self.section(little: true) + Self.interface(little: true) + Self.enhanced(time: 1, little: true)
        let second = Self.section(little: false) + Self.interface(little: false) + Self.enhanced(time: 2, little: false)
        #expect(try CaptureFile(parsing: first + second).packets.map(\.timestamp) == [1000, 2000])
        let bare = first + Self.section(little: false)
        #expect(throws: CaptureError.malformed(offset: bare.count, what: "there is no interface 0 in this section")) {
            try CaptureFile(parsing: bare + Self.enhanced(time: 2, little: false))
        }
    }

    @Test func `a simple packet ends at the interface's snap length`() throws {
        let file =
            Self.section(little: true) + Self.interface(snap: 5, little: true)
            + Self.block(3, Self.number(900, little: true) + Self.frame, little: true)
        #expect(try CaptureFile(parsing: file).packets == [.init(bytes: Self.frame, originalLength: 900)])
    }

    @Test func `resolutions beyond counting leave no timestamp, powers of two do`() throws {
        func timestamp(_ resolution: UInt8, _ time: UInt64) throws -> UInt64? {
            let option: [UInt8] = [9, 0, 1, 0, resolution, 0, 0, 0]
            let file = Self.section(little: true) + Self.interface(options: option, little: true) + Self.enhanced(time: time, little: true)
            return try CaptureFile(parsing: file).packets[0].timestamp
        }
        #expect(try timestamp(0x8a, 1536) == 1_500_000_000)
        #expect(try timestamp(0, 3) == 3_000_000_000)
        #expect(try timestamp(0, .max) == nil)
        #expect(try timestamp(0x7f, 1) == nil && timestamp(0xff, 1) == nil)
        #expect(try timestamp(19, .max) == 1_844_674_407)
        #expect(try timestamp(0xbf, .max) == 1_999_999_999)
    }

    @Test func `refuses blocks that contradict themselves`() {
        let start = Self.section(little: true) + Self.interface(little: true)
        var differing = Self.enhanced(time: 1, little: true)
        differing[differing.count - 4] ^= 4
        #expect(throws: CaptureError.malformed(offset: start.count, what: "the block's two lengths differ")) {
            try CaptureFile(parsing: start + differing)
        }
        for length: UInt8 in [0, 8, 13] {
            #expect(throws: CaptureError.malformed(offset: start.count, what: "no block has \(length) bytes")) {
                try CaptureFile(parsing: start + [6, 0, 0, 0, length, 0, 0, 0] + [UInt8](repeating: 0, count: 40))
            }
        }
        #expect(throws: CaptureError.cutShort(offset: start.count, what: "packet's block")) {
            try CaptureFile(parsing: start + Self.enhanced(time: 1, captured: .max, little: true))
        }
        #expect(throws: CaptureError.linkType(113, offset: 28)) {
            try CaptureFile(parsing: Self.section(little: true) + Self.interface(link: 113, little: true) + Self.enhanced(time: 1, little: true))
        }
    }

    @Test func `no cut and no changed byte of a capture stops the reader`() throws {
        let classic = CaptureFile(packets: Samples.frames.prefix(3).map { .init(bytes: $0.bytes) }).pcap()
        let ng = Self.section(little: true) + Self.interface(options: [9, 0, 1, 0, 9, 0, 0, 0], little: true) + Self.enhanced(time: 1, little: true)
        var random = Chance(seed: 1)
        for file in [classic, ng] {
            for length in 0..<file.count { _ = try? CaptureFile(parsing: Array(file.prefix(length))) }
            for _ in 0..<20_000 {
                var changed = file
                for _ in 0..<3 { changed[Int.random(in: changed.indices, using: &random)] = UInt8.random(in: 0...255, using: &random) }
                _ = try? CaptureFile(parsing: changed)
            }
        }
    }
}
