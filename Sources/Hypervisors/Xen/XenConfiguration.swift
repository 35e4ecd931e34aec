import Reporting

/// What of a guest's xl configuration (xl.cfg(5)) says who it is and which addresses it has. Read, never evaluated.
///
/// The grammar is that of libxlu_cfg_l.l: assignments `name = value` one a line or separated by `;`; a value is a number, a
/// text in either quotation marks, or a list of values in brackets, over several lines; `#` begins a comment. The last of
/// several assignments counts, and `+=` adds to what there is.
public struct XenConfiguration: Sendable, Hashable {
    /// The guest's name.
    public private(set) var name: String?
    public private(set) var uuid: String?
    /// Each network card's specification (xl-network-configuration(5)), in order.
    public private(set) var vifs: [XenVIFSpecification] = []
    /// What the comments `#ipv6=` say, in order.
    public private(set) var ipv6Comments: [Comment] = []

    /// A line that xl skips.
    public struct Comment: Sendable, Hashable {
        /// What is behind the `=`, without quotation marks around it.
        public var text: String
        /// From 1.
        public var line: Int
    }

    /// Larger ones aren't a guest's configuration: 1 MiB.
    public static let maximumBytes = 1 << 20

    /// - Throws: `CardError` with the line of what isn't as xl reads it, or for a file that is too large or not UTF-8.
    public init(_ bytes: [UInt8], file: String) throws(CardError) {
        guard bytes.count <= Self.maximumBytes else { throw CardError("\(file.visible): larger than \(Self.maximumBytes) bytes") }
        var reader = XenConfigurationReader(bytes, file: file)
        try reader.read()
        ipv6Comments = reader.comments.compactMap(Self.ipv6)
        name = reader.settings["name"]?.texts.first
        uuid = reader.settings["uuid"]?.texts.first
        vifs = (reader.settings["vif"]?.texts ?? []).map(XenVIFSpecification.init)
    }

    /// `# ipv6 = …`, with blanks or none and in any case.
    private static func ipv6(_ comment: Comment) -> Comment? {
        let parts = comment.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].trimmed.lowercased() == "ipv6" else { return nil }
        var text = parts[1].trimmed
        if text.count >= 2, let mark = text.first, mark == "\"" || mark == "'", text.last == mark { text = text.dropFirst().dropLast() }
        return Comment(text: String(text), line: comment.line)
    }
}

/// One network card as a configuration specifies it: `mac=…, bridge=…, ip=…`.
public struct XenVIFSpecification: Sendable, Hashable {
    private let values: [String: String]

    /// - Parameter text: keys and values joined by `=`, separated by commas; blanks around either don't count, and of
    ///   several with one key the last does.
    public init(_ text: String) {
        var values: [String: String] = [:]
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { continue }
            values[String(pair[0].trimmed)] = String(pair[1].trimmed)
        }
        self.values = values
    }

    public var mac: String? { values["mac"] }
    public var bridge: String? { values["bridge"] }
    public var ip: String? { values["ip"] }
    public var vifname: String? { values["vifname"] }
}

extension StringProtocol {
    /// Without blanks at its ends.
    var trimmed: SubSequence {
        guard let start = firstIndex(where: { !" \t\r".contains($0) }), let end = lastIndex(where: { !" \t\r".contains($0) }) else {
            return self[startIndex..<startIndex]
        }
        return self[start...end]
    }
}
