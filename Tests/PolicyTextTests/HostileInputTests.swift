import PolicyText
import Foundation
import RepeatableChance
import Testing

/// Whatever the bytes, reading ends with a configuration or with errors.
@Suite struct HostileInputTests {
    static func read(_ bytes: [UInt8]) {
        do throws(ConfigurationErrors) {
            _ = try PolicyFiles.parse(bytes, file: "hostile.yaml")
        } catch {
            #expect(!error.errors.isEmpty)
            #expect(error.errors.count <= 1001)
            // Nothing in a message may steer the terminal it is printed to.
            #expect(error.description.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) })
        }
    }

    static func read(_ text: String) { read(Array(text.utf8)) }

    @Test(.timeLimit(.minutes(10)), arguments: ["[", "{", "- ", "? ", "{a: ", "? [", "[{", "!a ", "&a "])
    func `nesting ends`(opening: String) {
        for count in [15, 16, 17, 900, 1000, 1001, 20_000] {
            Self.read(String(repeating: opening, count: count))
            Self.read("bridges: " + String(repeating: opening, count: count) + "x")
            Self.read((0..<min(count, 1001)).map { String(repeating: " ", count: $0) + opening.prefix(1) + "\n" }.joined())
        }
        Self.read("bridges: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900))
    }

    @Test(.timeLimit(.minutes(10))) func `aliases don't multiply, as values or as keys`() {
        var text = "a0: &a0 [x, x]\n"
        for level in 1...100 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        Self.read(text + "? *a100\n: 1\n? *a100\n: 2\nbridges: *a100\n")
    }

    @Test(.timeLimit(.minutes(10))) func `huge scalars, keys and numbers of keys are read or refused`() {
        let long = String(repeating: "x", count: 1 << 20)
        Self.read("bridges: {\(long): }")
        Self.read("\(long): 1\n\(long): 2\n")
        Self.read("bridges: {}\nguests: {\"\(long)\": {interfaces: []}}")
        Self.read("stamp-bit: " + String(repeating: "9", count: 100_000))
        Self.read("bridges:\n" + (0..<10_000).map { "  b\($0): {uplink: \($0)}\n" }.joined())
        Self.read("bridges: {}\n" + (0..<1000).map { _ in "a: b\n" }.joined())
        Self.read("bridges: {}\nguests:\n" + (0..<5000).map { "  g\($0): {interfaces: [{bridge: b\($0), mac: 1}]}\n" }.joined())
    }

    @Test func `escapes can't bring in what the text may not hold`() {
        for escape in ["\\0", "\\e[2J", "\\U0010FFFD", "\\U00100000", "\\u202e", "\\n", "\\x9b", "\\uFEFF", "\\u2028"] {
            for place in [
                "\"\(escape)a\": b", "guests: {\"a\(escape)\": {interfaces: []}}", "bridges: {\"\(escape)\": }", "stamp-bit: \"\(escape)\"",
            ] {
                Self.read("bridges: {}\n" + place + "\n" + place)
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `20,000 mutations of policies crash nothing`() throws {
        var random = Chance(seed: 0x7669_6667_7561_7264)
        let tests = PolicyFilesTests.tests
        let paths =
            try FileManager.default.contentsOfDirectory(atPath: tests.path + "/Faulty").filter { $0.hasSuffix(".yaml") }.sorted()
            .map { tests.path + "/Faulty/" + $0 } + [tests.path + "/Good/policy.yaml"]
        let seeds = try paths.map { Array(try Data(contentsOf: URL(filePath: $0)).prefix(4096)) }
        let pieces = [
            "*a", "&a ", "!!int ", "<<: ", "[", "]", "{", "}", "? ", ": ", "- ", "\"", "'", "|\n", ">\n", "#", "%TAG ! a\n", "---\n",
            "...\n", "\t", "\n", "\r", "\0", "\u{85}", "::", "\u{10FFFD}", "\u{FEFF}", "\\u0000",
        ].map { Array($0.utf8) }
        for _ in 0..<20_000 {
            var bytes = seeds[random.below(seeds.count)]
            for _ in 0...random.below(6) { Self.mutate(&bytes, with: pieces, &random) }
            Self.read(bytes)
        }
    }

    static func mutate(_ bytes: inout [UInt8], with pieces: [[UInt8]], _ random: inout Chance) {
        let place = random.below(bytes.count + 1)
        let end = min(bytes.count, place + random.below(20))
        switch random.below(5) {
        case 0: bytes.insert(contentsOf: pieces[random.below(pieces.count)], at: place)
        case 1: bytes.removeSubrange(place..<end)
        case 2: bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count + 1))
        case 3: if place < bytes.count { bytes[place] = random.byte() }
        default: bytes.replaceSubrange(place..<end, with: pieces[random.below(pieces.count)])
        }
    }
}
