import Reporting

/// Reads XML 1.0 as libvirt writes it: UTF-8, elements, attributes, text, comments. What could make a document more than its
/// bytes is refused rather than handled: no document type, so no entities but the five that XML itself has. Time and memory
/// are linear in the bytes, whose number is bounded.
struct MarkupReader {
    /// No document may be larger: a guest's has some 10 KiB, one with hundreds of disks 200.
    static let maximumBytes = 4 << 20
    static let maximumDepth = 64
    static let maximumElements = 65536
    static let maximumAttributes = 64
    static let maximumNameBytes = 256

    private let bytes: [UInt8]
    private var place = 0
    private var elements = 0
    /// Elements that are open, the innermost last.
    private var open: [Markup] = []
    private var root: Markup?

    /// The document's root.
    static func read(_ bytes: [UInt8]) throws(MarkupError) -> Markup {
        guard bytes.count <= maximumBytes else { throw MarkupError(line: 1, reason: "it is larger than \(maximumBytes >> 20) MiB") }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw MarkupError(line: 1, reason: "it isn't UTF-8") }
        var reader = MarkupReader(bytes)
        return try reader.document()
    }

    private init(_ bytes: [UInt8]) { self.bytes = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? Array(bytes.dropFirst(3)) : bytes }

    private mutating func document() throws(MarkupError) -> Markup {
        if starts(with: "<?xml"), place + 5 < bytes.count, Self.isSpace(bytes[place + 5]) { try declaration() }
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "<") { try markup() } else { try text() }
        }
        if let last = open.last { throw fault("<\(last.name)> isn't closed") }
        guard let root else { throw fault("there is no element") }
        return root
    }

    // MARK: What begins with <

    private mutating func markup() throws(MarkupError) {
        if starts(with: "<!--") {
            place += 4
            _ = try upTo("--", "a comment")
            guard place < bytes.count, bytes[place] == UInt8(ascii: ">") else { throw fault("a comment has -- in it") }
            place += 1
        } else if starts(with: "<![CDATA[") {
            place += 9
            let content = try upTo("]]>", "a CDATA section")
            guard !open.isEmpty else { throw fault("there is text outside of the root element") }
            open[open.count - 1].text += String(decoding: content, as: UTF8.self)
        } else if starts(with: "<!") {
            throw fault("it has a document type or another declaration, which isn't read here")
        } else if starts(with: "<?") {
            place += 2
            guard try !name().lowercased().elementsEqual("xml") else { throw fault("an XML declaration isn't at the beginning") }
            _ = try upTo("?>", "a processing instruction")
        } else if starts(with: "</") {
            place += 2
            try endTag()
        } else {
            place += 1
            try startTag()
        }
    }

    private mutating func startTag() throws(MarkupError) {
        elements += 1
        guard elements <= Self.maximumElements else { throw fault("it has more than \(Self.maximumElements) elements") }
        guard open.count < Self.maximumDepth else { throw fault("elements are more than \(Self.maximumDepth) deep") }
        guard root == nil else { throw fault("there is a second root element") }
        var element = Markup(name: try name())
        element.attributes = try attributes()
        let isEmpty = take(UInt8(ascii: "/"))
        guard take(UInt8(ascii: ">")) else { throw fault("the tag of <\(element.name)> doesn't end") }
        if isEmpty { close(element) } else { open.append(element) }
    }

    private mutating func endTag() throws(MarkupError) {
        let name = try name()
        skipSpace()
        guard take(UInt8(ascii: ">")) else { throw fault("the tag </\(name)> doesn't end") }
        guard let element = open.last, element.name == name else { throw fault("</\(name)> closes nothing") }
        open.removeLast()
        close(element)
    }

    private mutating func close(_ element: Markup) {
        if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
    }

    private mutating func attributes() throws(MarkupError) -> [String: String] {
        var attributes: [String: String] = [:]
        while true {
            let isApart = skipSpace()
            // The ends of tags, empty ones and the XML declaration.
            guard place < bytes.count, ![UInt8(ascii: ">"), UInt8(ascii: "/"), UInt8(ascii: "?")].contains(bytes[place]) else { return attributes }
            guard isApart else { throw fault("attributes aren't set apart") }
            let name = try name()
            skipSpace()
            guard take(UInt8(ascii: "=")) else { throw fault("attribute \(name) has no value") }
            skipSpace()
            guard attributes.updateValue(try quoted(), forKey: name) == nil else { throw fault("attribute \(name) is there twice") }
            guard attributes.count <= Self.maximumAttributes else { throw fault("an element has more than \(Self.maximumAttributes) attributes") }
        }
    }

    private mutating func quoted() throws(MarkupError) -> String {
        guard place < bytes.count, bytes[place] == UInt8(ascii: "\"") || bytes[place] == UInt8(ascii: "'") else {
            throw fault("an attribute's value isn't quoted")
        }
        let quote = bytes[place]
        place += 1
        let start = place
        while place < bytes.count, bytes[place] != quote {
            guard bytes[place] != UInt8(ascii: "<") else { throw fault("an attribute's value has < in it") }
            place += 1
        }
        guard place < bytes.count else { throw fault("an attribute's value doesn't end") }
        let value = try characters(bytes[start..<place], spaces: true)
        place += 1
        return value
    }

    /// Version and encoding: only UTF-8 is read, and ASCII, which is UTF-8.
    private mutating func declaration() throws(MarkupError) {
        place += 5
        let attributes = try attributes()
        guard take(UInt8(ascii: "?")), take(UInt8(ascii: ">")) else { throw fault("the XML declaration doesn't end") }
        let encoding = attributes["encoding", default: "UTF-8"].uppercased()
        guard ["UTF-8", "US-ASCII", "ASCII"].contains(encoding) else { throw fault("its encoding isn't UTF-8") }
    }

    // MARK: Text

    private mutating func text() throws(MarkupError) {
        let start = place
        while place < bytes.count, bytes[place] != UInt8(ascii: "<") { place += 1 }
        let content = bytes[start..<place]
        guard !open.isEmpty else {
            guard content.allSatisfy(Self.isSpace) else { throw fault("there is text outside of the root element") }
            return
        }
        open[open.count - 1].text += try characters(content, spaces: false)
    }

    /// - Parameter spaces: whether ends of lines and tabs count as spaces, as in attributes.
    private func characters(_ raw: ArraySlice<UInt8>, spaces: Bool) throws(MarkupError) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(raw.count)
        var rest = raw
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "&"):
                guard let end = rest.prefix(12).firstIndex(of: UInt8(ascii: ";")), let scalar = Self.scalar(named: rest[..<end]) else {
                    throw fault("an & is neither &amp; nor another reference that XML itself has")
                }
                result += Array(String(Character(scalar)).utf8)
                rest = rest[(end + 1)...]
            case 0x09, 0x0a, 0x0d: result.append(spaces ? 0x20 : byte)
            case 0..<0x20: throw fault("it has a control character")
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// What `lt` or `#x3c` of a reference stands for; nil where XML has no such thing.
    private static func scalar(named name: ArraySlice<UInt8>) -> Unicode.Scalar? {
        let text = String(decoding: name, as: UTF8.self)
        switch text {
        case "lt": return "<"
        case "gt": return ">"
        case "amp": return "&"
        case "quot": return "\""
        case "apos": return "'"
        default: break
        }
        let isHexadecimal = text.hasPrefix("#x")
        let digits = text.dropFirst(isHexadecimal ? 2 : 1)
        // What Int takes besides digits is a sign.
        guard text.hasPrefix("#"), digits.first.map({ $0 != "+" && $0 != "-" }) ?? false,
            let scalar = UInt32(digits, radix: isHexadecimal ? 16 : 10).flatMap(Unicode.Scalar.init)
        else { return nil }
        let isCharacter = scalar.value >= 0x20 || [0x09, 0x0a, 0x0d].contains(scalar.value)
        return isCharacter && scalar.value != 0xfffe && scalar.value != 0xffff ? scalar : nil
    }

    // MARK: Bytes

    private mutating func name() throws(MarkupError) -> String {
        let start = place
        while place < bytes.count, Self.isName(bytes[place]) { place += 1 }
        // Of those that a name may have, digits and -.: don't begin one.
        guard place > start, !(UInt8(ascii: "-")...UInt8(ascii: ":")).contains(bytes[start]) else {
            throw fault("a name is missing after < or a space")
        }
        guard place - start <= Self.maximumNameBytes else { throw fault("a name has more than \(Self.maximumNameBytes) bytes") }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    /// The bytes before `end`, which is passed over, too.
    private mutating func upTo(_ end: StaticString, _ what: String) throws(MarkupError) -> ArraySlice<UInt8> {
        let start = place
        while place < bytes.count {
            if starts(with: end) {
                let content = bytes[start..<place]
                place += end.utf8CodeUnitCount
                return content
            }
            place += 1
        }
        throw fault("\(what) doesn't end")
    }

    private func starts(with text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard place + count <= bytes.count else { return false }
        return (0..<count).allSatisfy { bytes[place + $0] == text.utf8Start[$0] }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard place < bytes.count, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    @discardableResult
    private mutating func skipSpace() -> Bool {
        let start = place
        while place < bytes.count, Self.isSpace(bytes[place]) { place += 1 }
        return place > start
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"), 0x80...0xff:
            true
        default: false
        }
    }

    /// Names in it may have anything beyond ASCII.
    private func fault(_ reason: String) -> MarkupError {
        MarkupError(line: 1 + bytes[..<min(place, bytes.count)].count { $0 == 0x0a }, reason: reason.visible)
    }
}
