/// A FORWARD chain as its tool lists it.
public struct ForwardChain: Sendable, Hashable {
    public enum Entry: Sendable, Hashable {
        /// One that the article has.
        case known(Rule)
        /// Somebody else's, as it was listed.
        case foreign(String)
    }

    /// ACCEPT or DROP.
    public var policy: String
    /// In their order: the first is number 1.
    public var entries: [Entry]

    public init(policy: String, entries: [Entry] = []) {
        self.policy = policy
        self.entries = entries
    }

    /// Reads what `iptables -S`, `ip6tables -S` or `arptables -n -L FORWARD` prints.
    ///
    /// - Returns: nil where there is no FORWARD chain in it.
    init?(listing: String, by filter: Filter) {
        var policy: String?
        var entries: [Entry] = []
        for line in listing.split(separator: "\n") {
            var words = line.split(separator: " ")[...]
            switch filter {
            case .iptables, .ip6tables:
                if words.starts(with: ["-P", "FORWARD"]), words.count == 3 { policy = String(words[2]) }
                guard words.starts(with: ["-A", "FORWARD"]) else { continue }
                words = words.dropFirst(2)
            case .arptables:
                // "Chain FORWARD (policy DROP)", and its rules below that.
                if words.starts(with: ["Chain", "FORWARD", "(policy"]), words.count == 4 { policy = String(words[3].dropLast()) }
                guard words.first != "Chain" else { continue }
            }
            entries.append(Rule(listed: Array(words), by: filter).map(Entry.known) ?? .foreign(words.joined(separator: " ")))
        }
        guard let policy else { return nil }
        self.init(policy: policy, entries: entries)
    }

    public var rules: [Rule] { entries.compactMap { if case .known(let rule) = $0 { rule } else { nil } } }

    /// Those that the article doesn't have, each with its number.
    var foreign: [(number: Int, text: String)] {
        entries.enumerated().compactMap { place, entry in
            if case .foreign(let text) = entry { (place + 1, text) } else { nil }
        }
    }
}
