/// A value of a YAML document, and where it starts.
struct YAMLValue {
    indirect enum Content {
        /// Text as it is written; whether it is a number or a word is for the reader to say. `isPlain`: without quotes.
        case text(String, isPlain: Bool)
        case list([YAMLValue])
        case mapping([(key: Located<String>, value: YAMLValue)])
        /// What has been reported already: readers pass over it in silence.
        case faulty
    }

    var content: Content
    var location: SourceLocation

    /// Nothing behind the colon, `~` or `null`.
    var isNull: Bool {
        if case .text(let text, isPlain: true) = content { return text.isEmpty || text == "~" || text == "null" }
        return false
    }

    /// What it is, for messages.
    var kind: String {
        switch content {
        case .text(let text, _): isNull ? "nothing" : quoted(text)
        case .list: "a list"
        case .mapping: "a mapping"
        case .faulty: "unreadable"
        }
    }

    /// `fe80::` without quotes is the key `fe80:` with nothing behind it: the text that was probably meant.
    var unquotedIPv6: String? {
        guard case .mapping(let pairs) = content, pairs.count == 1, pairs[0].value.isNull else { return nil }
        let text = pairs[0].key.value + ":"
        let isHexadecimal = text.utf8.allSatisfy { $0 == UInt8(ascii: ":") || Character(Unicode.Scalar($0)).isHexDigit }
        return isHexadecimal && text.utf8.count <= 40 && text.contains("::") ? text : nil
    }
}
