/// Bytes written as hexadecimal digits, two a byte.
public enum Hex {
    /// Why a text isn't hexadecimal bytes; offsets count the text's UTF-8 bytes from 0.
    public enum ParseError: Error, Hashable, Sendable, CustomStringConvertible {
        case notADigit(scalar: UInt8, offset: Int)
        /// A byte has one digit only: a gap or the end follows it.
        case halfByte(offset: Int)

        public var description: String {
            switch self {
            case .notADigit(let scalar, let offset):
                "\(UnicodeScalar(scalar).escaped(asASCII: true)) at offset \(offset) is not a hexadecimal digit: write two digits a byte, such as 00163e38b4ac or 00:16:3e"
            case .halfByte(let offset):
                "the byte at offset \(offset) has one hexadecimal digit: write two, such as 0a"
            }
        }
    }

    /// Reads bytes of two digits each. White space, `:`, `-` and `,` may stand between bytes, `0x` before one.
    public static func bytes(parsing text: String) throws(ParseError) -> [UInt8] {
        let text = Array(text.utf8)
        var bytes: [UInt8] = []
        var offset = 0
        while offset < text.count {
            if isGap(text[offset]) {
                offset += 1
                continue
            }
            if text[offset] == UInt8(ascii: "0"), offset + 1 < text.count, text[offset + 1] | 0x20 == UInt8(ascii: "x") {
                offset += 2
                guard offset < text.count, !isGap(text[offset]) else { throw .halfByte(offset: offset - 2) }
            }
            guard let upper = digit(text[offset]) else { throw .notADigit(scalar: text[offset], offset: offset) }
            guard offset + 1 < text.count, !isGap(text[offset + 1]) else { throw .halfByte(offset: offset) }
            guard let lower = digit(text[offset + 1]) else { throw .notADigit(scalar: text[offset + 1], offset: offset + 1) }
            bytes.append(upper << 4 | lower)
            offset += 2
        }
        return bytes
    }

    /// The bytes in lower case, two digits each, with `separator` between.
    public static func text(_ bytes: some Sequence<UInt8>, separator: String = "") -> String {
        bytes.map { hexDigits(UInt64($0), width: 2) }.joined(separator: separator)
    }

    private static func isGap(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x09...0x0d, 0x20, UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: ","): true
        default: false
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
