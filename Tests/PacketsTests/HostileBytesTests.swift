import Packets
import RepeatableChance
import Testing

/// No bytes whatever stop a decoder: `decodeEverything` ends the process where one traps or claims what can't be.
@Suite struct HostileBytesTests {
    @Test func `every frame decodes at every length`() {
        for frame in Samples.frames {
            for length in 0...frame.bytes.count {
                decodeEverything(Array(frame.bytes.prefix(length)), offloadedTag: frame.offloadedTag)
            }
        }
    }

    @Test func `every frame decodes with any byte made the largest or zero`() {
        for frame in Samples.frames {
            for index in frame.bytes.indices.prefix(120) {
                for value: UInt8 in [0, 0xff] {
                    var bytes = frame.bytes
                    bytes[index] = value
                    decodeEverything(bytes)
                }
            }
        }
    }

    @Test func `100,000 random changes of frames decode`() {
        var random = Chance(seed: 826)
        for _ in 0..<100_000 {
            var bytes = Samples.frames.randomElement(using: &random)!.bytes
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let length = Bool.random(using: &random) ? bytes.count : Int.random(in: 0...bytes.count, using: &random)
            decodeEverything(Array(bytes.prefix(length)), isSegmentationOffload: Bool.random(using: &random))
        }
    }

    @Test func `20,000 heaps of random bytes decode`() {
        var random = Chance(seed: 4861)
        for _ in 0..<20_000 {
            decodeEverything((0..<Int.random(in: 0...160, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
    }

    @Test func `a frame of nothing but tags decodes`() {
        decodeEverything([UInt8](repeating: 0x81, count: 12) + (0..<16_000).flatMap { _ in [0x81, 0x00, 0x00, 0x00] as [UInt8] })
    }
}
