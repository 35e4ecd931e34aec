import Yams

/// Reads one file's YAML into values that know where they stand.
struct YAMLDocument {
    /// Deeper than any policy.
    static let maximumDepth = 16
    /// How often one file is parsed again to find further duplicate keys, and up to which size.
    private static let maximumDuplicates = 32
    private static let maximumBytesAgain = 64 << 10

    private let file: String
    private let faults: Faults
    /// First characters of keys that were replaced, by where they stand: see `parse`.
    private var renamed: [SourceLocation: Unicode.Scalar] = [:]

    /// The file's value; nil if it isn't YAML, which has been reported then. An empty file is an empty plain text.
    static func read(_ bytes: [UInt8], file: String, faults: Faults) -> YAMLValue? {
        guard let text = YAMLText(bytes, file: file, faults: faults) else { return nil }
        var document = YAMLDocument(file: file, faults: faults)
        return document.parse(text)
    }

    private init(file: String, faults: Faults) {
        self.file = file
        self.faults = faults
    }

    /// Parses, and where the parser stops at a duplicate key, parses again with that key's first character replaced, so
    /// that whatever else is wrong with the file is found too. `value(of:)` puts the character back and reports.
    private mutating func parse(_ prepared: YAMLText) -> YAMLValue? {
        var prepared = prepared
        while true {
            do {
                let parser = try Parser(yaml: prepared.text, resolver: .basic, encoding: .utf8)
                let root = try parser.singleRoot()
                // The nodes' anchors live as long as the parser.
                return withExtendedLifetime(parser) {
                    root.map { value(of: $0, depth: 0) }
                        ?? YAMLValue(content: .text("", isPlain: true), location: SourceLocation(file: file, line: 1, column: 1))
                }
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                if rename(firstOf: keys, at: location(context.mark), in: &prepared) { continue }
                let names = keys.map { quoted(YAMLText.restored($0)) }.joined(separator: ", ")
                faults.report("a key is given twice: \(names)", at: location(context.mark), write: "each key once")
                return nil
            } catch {
                report(error)
                return nil
            }
        }
    }

    private mutating func rename(firstOf keys: [String], at location: SourceLocation, in prepared: inout YAMLText) -> Bool {
        guard renamed.count < Self.maximumDuplicates, prepared.text.utf8.count <= Self.maximumBytesAgain,
            let first = keys.first?.unicodeScalars.first,
            var index = prepared.index(line: location.line, column: location.column)
        else { return false }
        var scalars = prepared.text.unicodeScalars
        if scalars[index] == "\"" || scalars[index] == "'" { index = scalars.index(after: index) }
        guard index < scalars.endIndex, scalars[index] == first, let stand = Unicode.Scalar(0x10_0000 + UInt32(renamed.count))
        else { return false }
        scalars.replaceSubrange(index...index, with: CollectionOfOne(stand))
        prepared.text = String(scalars)
        renamed[location] = first
        return true
    }

    private func location(_ mark: Mark?) -> SourceLocation {
        SourceLocation(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    // MARK: Values

    private func value(of node: Node, depth: Int) -> YAMLValue {
        let place = location(node.mark)
        guard depth < Self.maximumDepth else {
            faults.report(
                "nested more than \(Self.maximumDepth) levels deep", at: place, write: "a policy as in Documentation/policy-file.md")
            return YAMLValue(content: .faulty, location: place)
        }
        checkPlain(node, at: place)
        switch node {
        case .scalar(let scalar):
            return YAMLValue(content: text(of: scalar, at: place), location: place)
        case .sequence(let sequence):
            return YAMLValue(content: .list(sequence.map { value(of: $0, depth: depth + 1) }), location: place)
        case .mapping(let mapping):
            return YAMLValue(content: .mapping(pairs(of: mapping, depth: depth)), location: place)
        case .alias:
            return YAMLValue(content: .faulty, location: place)
        }
    }

    /// Tags and anchors change what a reader of the file sees; a policy has neither.
    private func checkPlain(_ node: Node, at place: SourceLocation) {
        if let anchor = node.anchor {
            let name = "&" + printable(anchor.rawValue.prefix(60))
            faults.report(
                "anchors are not read (\(name))", at: place, write: "the value without \(name), and out in full where it is needed")
        }
        let kind: Tag.Name =
            switch node {
            case .mapping: .map
            case .sequence: .seq
            default: .str
            }
        let tag = node.tag.rawValue
        if tag == kind.rawValue || tag == Tag.Name.implicit.rawValue || tag == Tag.Name.nonSpecific.rawValue { return }
        let shown = quoted(tag.replacing("tag:yaml.org,2002:", with: "!!"))
        faults.report("tags are not read (\(shown))", at: place, write: "the value without the ! and its name")
    }

    private func text(of scalar: Node.Scalar, at place: SourceLocation) -> YAMLValue.Content {
        let isPlain = scalar.style == .plain
        if isPlain, scalar.string.unicodeScalars.first == YAMLText.asterisk {
            let name = quoted(YAMLText.restored(scalar.string))
            faults.report("aliases are not read (\(name))", at: place, write: "the value itself; what guests share goes under defaults:")
            return .faulty
        }
        return .text(YAMLText.restored(scalar.string), isPlain: isPlain)
    }

    private func pairs(of mapping: Node.Mapping, depth: Int) -> [(key: Located<String>, value: YAMLValue)] {
        var pairs: [(key: Located<String>, value: YAMLValue)] = []
        var seen: [String: SourceLocation] = [:]
        for (node, content) in mapping {
            guard let key = key(of: node) else { continue }
            let value = value(of: content, depth: depth + 1)
            if let first = seen[key.value] {
                let advice = "one \(printable(key.value.prefix(60))): with all that belongs to it"
                faults.report("\(quoted(key.value)) is given twice (first in \(first.place))", at: key.location, write: advice)
            } else {
                seen[key.value] = key.location
                pairs.append((key, value))
            }
        }
        return pairs
    }

    private func key(of node: Node) -> Located<String>? {
        let place = location(node.mark)
        guard case .scalar(var scalar) = node else {
            faults.report(
                "a key is \(node.sequence == nil ? "a mapping" : "a list")", at: place, write: "a name as the key, such as guests:")
            return nil
        }
        checkPlain(node, at: place)
        if let first = renamed[place] {
            scalar.string = String(String.UnicodeScalarView([first] + scalar.string.unicodeScalars.dropFirst()))
        }
        guard case .text(let text, let isPlain) = text(of: scalar, at: place) else { return nil }
        if text == "<<", isPlain {
            faults.report("merge keys (<<) are not read", at: place, write: "the keys themselves; what guests share goes under defaults:")
            return nil
        }
        return Located(value: text, location: place)
    }

    // MARK: Syntax errors

    private func report(_ error: any Error) {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _), YamlError.parser(let context, let problem, let mark, _):
            reportSyntax(problem: problem, context: context, at: location(mark))
        case YamlError.composer(_, let problem, let mark, _):
            reportSyntax(problem: problem, context: nil, at: location(mark))
        case YamlError.reader(let problem, _, _, _):
            reportSyntax(problem: problem, context: nil, at: SourceLocation(file: file))
        default:
            faults.report("can't be read as YAML", at: SourceLocation(file: file), write: "a policy as in Documentation/policy-file.md")
        }
    }

    private func reportSyntax(problem: String, context: YamlError.Context?, at place: SourceLocation) {
        var message = "not valid YAML: \(problem.drop { $0 == " " })"
        if problem.contains("nesting level") { message = "nested too deep" }
        if problem.contains("another document") { message = "a second document begins here (---)" }
        if let context, context.mark.line != place.line {
            message += " (\(context.text.drop { $0 == " " }) that starts on line \(context.mark.line))"
        }
        faults.report(message, at: place, write: Self.advice(for: problem))
    }

    /// What an operator most often meant where the parser says this.
    private static func advice(for problem: String) -> String {
        let advice = [
            ("mapping values are not allowed", "quotes around a text that has a colon and a space in it, and each key on its own line"),
            ("cannot start any token", "spaces instead of tabs, and quotes around a text that starts with @, ` or %"),
            ("nesting level", "a policy as in Documentation/policy-file.md"),
            ("another document", "one document a file"),
            ("',' or ']'", "a comma between the items of a list, ] at its end, and quotes around IPv6 addresses that end in ::"),
            ("',' or '}'", "a comma between the keys of a mapping and } at its end"),
            ("unexpected ':'", "quotes around IPv6 addresses that end in ::, and a space behind the colon of a key"),
            ("':'", "a colon and a space behind each key"),
            ("node content", "the value that is missing here, or the ] or } that ends what is open"),
            ("end of stream", "the closing quotation mark"),
            ("expected key", "the key in the same column as the keys above it"),
            ("'-' indicator", "the - in the same column as the - above it, keys of the item two columns further in"),
        ].first { problem.contains($0.0) }
        return advice?.1 ?? "plain YAML: keys with a colon and a space, lists with - or in [ ], spaces for indentation"
    }
}
