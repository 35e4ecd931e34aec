/// Reads values of a file into a draft, and reports whatever isn't as `Documentation/policy-file.md` says.
///
/// This file: the shapes (mappings, lists, words, numbers). Extensions read names and addresses, bridges, and guests.
struct PolicyReader {
    let faults: Faults

    /// The keys of one mapping, each known.
    struct Fields {
        let location: SourceLocation
        fileprivate var values: [String: (key: SourceLocation, value: YAMLValue)] = [:]

        subscript(key: String) -> YAMLValue? { values[key]?.value }
        func location(of key: String) -> SourceLocation { values[key]?.key ?? location }
    }

    /// Reports a value of the wrong kind. `example` is the whole line as it should be.
    func reportKind(_ value: YAMLValue, _ what: String, must: String, example: String) {
        if case .faulty = value.content { return }
        if let address = value.unquotedIPv6 {
            faults.report("an IPv6 address that ends in a colon needs quotes", at: value.location, write: "\"\(address)\"")
        } else {
            faults.report("\(what) must be \(must), not \(value.kind)", at: value.location, write: example)
        }
    }

    /// The mapping's keys; unknown ones are reported and left out. nil if the value isn't a mapping. `elsewhere` says
    /// where a key belongs that is written in the wrong place.
    func fields(
        _ value: YAMLValue, _ what: String, keys: [String], example: String, elsewhere: [String: String] = [:]
    ) -> Fields? {
        guard case .mapping(let pairs) = value.content else {
            reportKind(value, what, must: "a mapping", example: example)
            return nil
        }
        var fields = Fields(location: value.location)
        for (key, value) in pairs {
            if keys.contains(key.value) {
                fields.values[key.value] = (key.location, value)
            } else if let place = elsewhere[key.value] {
                faults.report("\(quoted(key.value)) has no place in \(what)", at: key.location, write: place)
            } else if let meant = nearest(to: key.value, among: keys) {
                faults.report("unknown key \(quoted(key.value)) in \(what): did you mean \(meant)?", at: key.location, write: "\(meant):")
            } else {
                faults.report("unknown key \(quoted(key.value)) in \(what)", at: key.location, write: "one of \(alternatives(keys))")
            }
        }
        return fields
    }

    /// A mapping whose keys are names, such as `guests`; nothing behind the colon is none.
    func entries(_ value: YAMLValue, _ what: String, example: String) -> [(key: Located<String>, value: YAMLValue)]? {
        if value.isNull { return [] }
        guard case .mapping(let pairs) = value.content else {
            reportKind(value, what, must: "a mapping", example: example)
            return nil
        }
        return pairs
    }

    /// The items of a list; nothing behind the colon is none (a list whose items are all commented out).
    func list(_ value: YAMLValue, _ what: String, example: String) -> [YAMLValue]? {
        if value.isNull { return [] }
        guard case .list(let items) = value.content else {
            reportKind(value, what, must: "a list", example: example)
            return nil
        }
        return items
    }

    func text(_ value: YAMLValue, _ what: String, must: String = "a text", example: String) -> Located<String>? {
        guard case .text(let text, _) = value.content, !value.isNull else {
            reportKind(value, what, must: must, example: example)
            return nil
        }
        return Located(value: text, location: value.location)
    }

    /// true or false; other YAML readers disagree on yes, on and their like.
    func flag(_ value: YAMLValue, _ key: String) -> Bool? {
        guard let text = text(value, key, must: "true or false", example: "\(key): true") else { return nil }
        switch text.value {
        case "true": return true
        case "false": return false
        default:
            let meant = ["yes": "true", "on": "true", "no": "false", "off": "false"][text.value.lowercased()]
            let advice = meant.map { "\(key): \($0)" } ?? "\(key): true, or \(key): false"
            faults.report("\(key) must be true or false, not \(quoted(text.value))", at: text.location, write: advice)
            return nil
        }
    }

    /// One word of a few.
    func choice<Choice: RawRepresentable<String>>(
        _ value: YAMLValue, _ key: String, of choices: [Choice], example: String? = nil
    ) -> Choice? {
        let words = choices.map(\.rawValue)
        let example = example ?? "\(key): \(words.first ?? "")"
        guard let text = text(value, key, must: alternatives(words), example: example) else { return nil }
        if let choice = Choice(rawValue: text.value), words.contains(text.value) { return choice }
        reportChoice(text, "\(key) must be \(alternatives(words))", words: words)
        return nil
    }

    func reportChoice(_ text: Located<String>, _ message: String, words: [String]) {
        let meant = nearest(to: text.value, among: words)
        let hint = meant.map { ": did you mean \($0)?" } ?? ""
        faults.report("\(message), not \(quoted(text.value))\(hint)", at: text.location, write: meant ?? alternatives(words))
    }

    /// A whole number in decimal or, with 0x, in hexadecimal.
    func number(_ value: YAMLValue, _ what: String, in range: ClosedRange<Int>, example: String) -> Int? {
        guard let text = text(value, what, must: "a number", example: example) else { return nil }
        if let number = Self.number(text.value), range.contains(number) { return number }
        let bounds = "a number from \(range.lowerBound) to \(range.upperBound)"
        faults.report("\(what) must be \(bounds), not \(quoted(text.value))", at: text.location, write: example)
        return nil
    }

    static func number(_ text: String) -> Int? {
        let isHexadecimal = text.hasPrefix("0x")
        let digits = isHexadecimal ? text.dropFirst(2) : text[...]
        guard (1...12).contains(digits.utf8.count), digits.utf8.first.map({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) == true
        else { return nil }
        // A leading zero is octal to some readers of YAML.
        if !isHexadecimal, digits.utf8.count > 1, digits.hasPrefix("0") { return nil }
        return Int(digits, radix: isHexadecimal ? 16 : 10)
    }

    /// Reads each item; `nil` items have been reported. Repeated ones are reported here.
    func items<Item: Hashable>(
        _ value: YAMLValue, _ what: String, example: String, atMost limit: Int? = nil, read: (YAMLValue) -> Located<Item>?
    ) -> [Located<Item>]? {
        guard let list = list(value, what, example: example) else { return nil }
        var seen: [Item: SourceLocation] = [:]
        var items: [Located<Item>] = []
        for item in list.compactMap(read) {
            if let first = seen[item.value] {
                faults.report("\(item.value) is listed twice (first in \(first.place))", at: item.location, write: "it once")
            } else {
                seen[item.value] = item.location
                items.append(item)
            }
        }
        if let limit, list.count > limit {
            faults.report("\(what) has \(list.count) items, \(limit) are the most", at: list[limit].location, write: "at most \(limit)")
        }
        return items
    }
}
