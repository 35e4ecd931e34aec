import Reporting

/// Reads a configuration's bytes from front to back, once.
struct XenConfigurationReader {
    /// What a setting is: one text or number, or a list of them; what a list holds beside texts doesn't matter here.
    struct Value: Sendable, Hashable {
        var texts: [String]
    }

    private(set) var settings: [String: Value] = [:]
    /// Comments that have a line to themselves, without the `#`.
    private(set) var comments: [XenConfiguration.Comment] = []

    private let bytes: [UInt8]
    private let file: String
    private var place = 0
    private var line = 1
    /// Nothing but blanks has come on this line.
    private var isAtStart = true

    /// As deep as no real list is: reading one is a call within a call.
    private static let maximumDepth = 16

    init(_ bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
    }

    mutating func read() throws(CardError) {
        while true {
            try skip(andLines: true)
            guard let byte = current else { return }
            if byte == UInt8(ascii: ";") {
                advance()
                continue
            }
            try assignment()
        }
    }

    private func error(_ what: String) -> CardError { CardError("\(file.visible):\(line): \(what)") }

    // MARK: Bytes

    private var current: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func advance() {
        if bytes[place] == 0x0a { (line, isAtStart) = (line + 1, true) } else if !Self.isBlank(bytes[place]) { isAtStart = false }
        place += 1
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"): true
        default: false
        }
    }

    /// Blanks and comments, and the ends of lines where they mean nothing.
    private mutating func skip(andLines: Bool) throws(CardError) {
        while let byte = current {
            if byte == UInt8(ascii: "#") {
                try comment()
            } else if byte == UInt8(ascii: "\\"), place + 1 < bytes.count, bytes[place + 1] == 0x0a {
                advance()
                advance()
            } else if Self.isBlank(byte) || (andLines && byte == 0x0a) {
                advance()
            } else {
                return
            }
        }
    }

    private mutating func comment() throws(CardError) {
        let isAlone = isAtStart
        let end = bytes[place...].firstIndex(of: 0x0a) ?? bytes.count
        // Nobody reads a comment's bytes but for one that speaks of addresses: others may be in any encoding.
        if isAlone, let text = String(validating: bytes[place + 1..<end], as: UTF8.self) {
            comments.append(XenConfiguration.Comment(text: text, line: line))
        }
        isAtStart = false
        place = end
    }

    private mutating func word() -> String? {
        let start = place
        while let byte = current, Self.isOfName(byte) { advance() }
        return start == place ? nil : String(decoding: bytes[start..<place], as: UTF8.self)
    }

    // MARK: Assignments

    private mutating func assignment() throws(CardError) {
        guard let name = word() else { throw error("a setting's name is due: write it as name = value") }
        try skip(andLines: false)
        var adds = false
        if current == UInt8(ascii: "+") {
            adds = true
            advance()
        }
        guard current == UInt8(ascii: "=") else { throw error("'=' is due behind \(name.cut(to: 60).visible)") }
        advance()
        try skip(andLines: false)
        let value = try value(depth: 0)
        settings[name] = adds ? Value(texts: (settings[name]?.texts ?? []) + value.texts) : value
        try skip(andLines: false)
        guard current == nil || current == 0x0a || current == UInt8(ascii: ";") else {
            throw error("the line should end behind the value of \(name.cut(to: 60).visible)")
        }
    }

    private mutating func value(depth: Int) throws(CardError) -> Value {
        switch current {
        case UInt8(ascii: "\"")?, UInt8(ascii: "'")?: return Value(texts: [try text()])
        case UInt8(ascii: "[")?: return try list(depth: depth + 1)
        default:
            guard let number = word() else { throw error("a value is due: a number, a text in quotation marks, or a list in brackets") }
            return Value(texts: [number])
        }
    }

    private mutating func list(depth: Int) throws(CardError) -> Value {
        guard depth <= Self.maximumDepth else { throw error("lists in lists, more than \(Self.maximumDepth) deep") }
        advance()
        var texts: [String] = []
        while true {
            try skip(andLines: true)
            if current == UInt8(ascii: "]") { break }
            texts += try value(depth: depth).texts
            try skip(andLines: true)
            if current == UInt8(ascii: ",") { advance() } else if current != UInt8(ascii: "]") { throw error("',' or ']' is due in a list") }
        }
        advance()
        return Value(texts: texts)
    }

    private mutating func text() throws(CardError) -> String {
        let mark = bytes[place]
        advance()
        var text: [UInt8] = []
        while let byte = current, byte != mark {
            guard byte != 0x0a else { throw error("the text isn't closed on its line") }
            advance()
            text.append(byte == UInt8(ascii: "\\") ? try escape() : byte)
        }
        guard current != nil else { throw error("the text isn't closed") }
        advance()
        guard let text = String(validating: text, as: UTF8.self) else { throw error("the text isn't UTF-8") }
        return text
    }

    /// What is behind a backslash (xlu__cfgl_dequote).
    private mutating func escape() throws(CardError) -> UInt8 {
        guard let byte = current, byte != 0x0a else { throw error("nothing is behind the backslash") }
        advance()
        switch byte {
        case UInt8(ascii: "a"): return 0x07
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0c
        case UInt8(ascii: "n"): return 0x0a
        case UInt8(ascii: "r"): return 0x0d
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "v"): return 0x0b
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): return byte
        case UInt8(ascii: "x"): return try digits(16, atMost: 2, first: nil)
        case 0x30...0x37: return try digits(8, atMost: 3, first: byte)
        default: throw error("xl knows no text with a backslash before this")
        }
    }

    private mutating func digits(_ radix: Int, atMost count: Int, first: UInt8?) throws(CardError) -> UInt8 {
        var digits = first.map { String(UnicodeScalar($0)) } ?? ""
        while digits.count < count, let byte = current, Int(String(UnicodeScalar(byte)), radix: radix) != nil {
            digits.unicodeScalars.append(UnicodeScalar(byte))
            advance()
        }
        guard let value = UInt8(digits, radix: radix), value != 0 else { throw error("\\\(digits.visible) is no byte of a text") }
        return value
    }
}
