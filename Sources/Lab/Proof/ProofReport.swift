import Policy

/// What `Proof` found, case by case.
public struct ProofReport: Sendable, Encodable {
    public var entries: [Entry] = []
    /// How long it took, in seconds.
    public var seconds: Double = 0

    public struct Entry: Sendable, Encodable {
        public enum Kind: String, Sendable, Encodable {
            /// Must succeed without the guard and be blocked with it.
            case attack
            /// Must pass with and without.
            case legitimate
        }

        public let kind: Kind
        public let name: String
        /// Where the rule stands in policy.md; nil for legitimate traffic.
        public let rule: String?
        /// What must be counted; nil for legitimate traffic, and where the bridge's own settings are the defence.
        public let reason: String?
        /// What became of it without the guard: "succeeded", "passed"…
        public let without: String
        public let with: String
        /// How often the reason was counted.
        public let counted: UInt64
        public let isProven: Bool
        /// What went wrong; nil if nothing did.
        public let fault: String?
    }

    public var attacks: [Entry] { entries.filter { $0.kind == .attack } }
    public var legitimate: [Entry] { entries.filter { $0.kind == .legitimate } }
    /// Every attack works without the guard and is blocked and counted with it, and all legitimate traffic passes.
    public var isProven: Bool { !entries.isEmpty && entries.allSatisfy(\.isProven) }

    /// The last line: "140 attacks: 140 blocked; 50 legitimate: 50 passed".
    public var summary: String {
        let blocked = attacks.filter(\.isProven).count, passed = legitimate.filter(\.isProven).count
        return "\(attacks.count) attacks: \(blocked) blocked; \(legitimate.count) legitimate: \(passed) passed"
    }

    private enum CodingKeys: String, CodingKey { case isProven = "proven", summary, seconds, entries }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(isProven, forKey: .isProven)
        try container.encode(summary, forKey: .summary)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(entries, forKey: .entries)
    }
}

// As a table, a line a case.
extension ProofReport {
    private static let widths = [39, 10, 9, 22]

    public static let heading = row(["", "without", "with", "counted"])

    private static func row(_ cells: [String]) -> String {
        var line = ""
        for (cell, width) in zip(cells, widths) { line += cell + String(repeating: " ", count: max(1, width - cell.count)) }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// The whole report; the last line is the summary.
    public var lines: [String] { [Self.heading] + entries.map(\.line) + ["", summary] }

    fileprivate static func line(_ entry: Entry) -> String {
        let counted =
            entry.reason.map { entry.counted > 0 ? "\($0) \(entry.counted)" : $0 + " -" }
            ?? (entry.kind == .attack ? "(bridge's own setting)" : "")
        let line = row([(entry.kind == .attack ? "" : "+ ") + entry.name, entry.without, entry.with, counted])
        return entry.fault.map { "\(line)\n    FAULT: \($0)" } ?? line
    }
}

extension ProofReport.Entry {
    /// The case as a line of the table, with what went wrong below it.
    public var line: String { ProofReport.line(self) }
}
