/// The parameters of a request's target, each known, given once and not empty.
struct Query: Sendable {
    private var values: [String: String] = [:]

    /// - Parameter known: the names that there are.
    /// - Throws: `Problem` with status 400 for anything else.
    init(_ text: String?, known: [String]) throws(Problem) {
        guard let text, !text.isEmpty else { return }
        for pair in text.split(separator: "&", omittingEmptySubsequences: false) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = Self.decoded(parts.count > 1 ? parts[1] : "") else {
                throw .malformed("the query can't be read: write what isn't a letter or digit as % and two hexadecimal digits, in UTF-8")
            }
            guard known.contains(name) else {
                let list = known.isEmpty ? "it takes none" : "there are \(known.joined(separator: ", "))"
                throw .malformed("there is no query parameter \"\(name)\" here: \(list)")
            }
            guard !value.isEmpty else { throw .malformed("the query parameter \(name) is empty: leave it out") }
            guard values.updateValue(value, forKey: name) == nil else { throw .malformed("the query parameter \(name) is given twice") }
        }
    }

    subscript(name: String) -> String? { values[name] }

    /// A parameter that is one of a few words.
    func choice<Choice>(_ name: String, of choices: [(String, Choice)]) throws(Problem) -> Choice? {
        guard let text = values[name] else { return nil }
        guard let found = choices.first(where: { $0.0 == text }) else {
            throw .malformed("\(name)=\(text): it is one of \(choices.map(\.0).joined(separator: ", "))")
        }
        return found.1
    }

    func number(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = values[name] else { return nil }
        guard text.utf8.count <= 10, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text), range.contains(number) else {
            throw .malformed("\(name)=\(text): it is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// With `%41` read as `A` and `+` as a blank; nil where that gives no UTF-8, or characters that control something.
    static func decoded(_ text: Substring, plusIsBlank: Bool = true) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let upper = digit(rest.removeFirst()), let lower = digit(rest.removeFirst()) else { return nil }
                bytes.append(upper << 4 | lower)
            case UInt8(ascii: "+") where plusIsBlank: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self), decoded.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else { return nil }
        return decoded
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
