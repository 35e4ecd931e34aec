import Glibc
import Netlink

/// The compiled kernel program: an ELF object for the BPF machine.
public enum DatapathObject: Sendable, Hashable {
    /// The one this binary was built with.
    case embedded
    /// One from a file: a build with debugging, or one broken on purpose that tests must find out.
    case file(String)

    /// The object's bytes.
    package func bytes() throws(DatapathError) -> [UInt8] {
        switch self {
        case .embedded:
            guard let bytes = Self.decode(EmbeddedDatapathObject.base64), bytes.count == EmbeddedDatapathObject.count else {
                throw .object(reason: "the embedded object is damaged; build vifguard again")
            }
            return bytes
        case .file(let path):
            return try Self.read(path)
        }
    }

    /// What tells one object from another: FNV-1a in 64 bits. Against accidents, not against malice: who can write the
    /// object is root.
    static func digest(of bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// RFC 4648 section 4; nil for anything that isn't whole groups of its digits.
    private static func decode(_ text: StaticString) -> [UInt8]? {
        text.withUTF8Buffer { text in
            guard text.count % 4 == 0 else { return nil }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(text.count / 4 * 3)
            for start in stride(from: 0, to: text.count, by: 4) {
                var value: UInt32 = 0
                var padding = 0
                for character in text[start..<start + 4] {
                    switch character {
                    case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = value << 6 | UInt32(character - 65)
                    case UInt8(ascii: "a")...UInt8(ascii: "z"): value = value << 6 | UInt32(character - 71)
                    case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 6 | UInt32(character + 4)
                    case UInt8(ascii: "+"): value = value << 6 | 62
                    case UInt8(ascii: "/"): value = value << 6 | 63
                    case UInt8(ascii: "="):
                        value <<= 6
                        padding += 1
                    default: return nil
                    }
                }
                guard padding <= 2 else { return nil }
                for place in 0..<3 - padding { bytes.append(UInt8(truncatingIfNeeded: value >> (16 - 8 * UInt32(place)))) }
            }
            return bytes
        }
    }

    private static func read(_ path: String) throws(DatapathError) -> [UInt8] {
        guard let file = fopen(path, "re") else { throw .system(action: "open \(path)", errno: .current) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        guard ferror(file) == 0 else { throw .system(action: "read \(path)", errno: .current) }
        return bytes
    }
}
