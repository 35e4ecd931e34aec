/// One element of an XML document, and what is in it.
struct Markup: Sendable, Hashable {
    /// As it is written, with its prefix.
    var name: String
    var attributes: [String: String] = [:]
    var children: [Markup] = []
    /// Its own text, without that of its children.
    var text = ""

    /// Without its prefix.
    var localName: String { name.split(separator: ":").last.map(String.init) ?? name }

    func all(_ name: String) -> [Markup] { children.filter { $0.name == name } }

    /// Its text without the white space around it.
    var trimmed: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\n" || $0 == "\t" || $0 == "\r" || $0 == "\r\n" }
        return String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }

    /// The namespace that its name is in, as declared on itself or, from the outermost, on `ancestors` (Namespaces in XML 1.0, 6).
    func namespace(within ancestors: [Markup]) -> String? {
        let parts = name.split(separator: ":", maxSplits: 1)
        let declaration = parts.count == 2 ? "xmlns:\(parts[0])" : "xmlns"
        return attributes[declaration] ?? ancestors.last { $0.attributes[declaration] != nil }?.attributes[declaration]
    }
}

/// Why bytes aren't XML that is read here.
struct MarkupError: Error, Sendable, Hashable, CustomStringConvertible {
    var line: Int
    var reason: String

    var description: String { "line \(line): \(reason)" }
}
