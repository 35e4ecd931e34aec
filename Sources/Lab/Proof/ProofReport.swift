import Policy

/// What `Proof` found, case by case.
public struct ProofReport: Sendable, Encodable {
    /// What guarded the second network.
    public let engine: Engine
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

        public let engine: Engine
        public let kind: Kind
        public let name: String
        /// Where the rule stands in policy.md; nil for legitimate traffic.
        public let rule: String?
        /// What must be counted where the engine counts; nil for legitimate traffic, and where the bridge's own settings are the defence.
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

    /// Whether every case was decided: it worked without the guard, and either worked or didn't with it. All that the classic
    /// engine can be held to.
    public var isDecided: Bool {
        !entries.isEmpty && entries.allSatisfy { ["succeeded", "passed"].contains($0.without) && $0.with != "error" }
    }

    init(engine: Engine) { self.engine = engine }

    /// The last line: "140 attacks: 140 blocked; 50 legitimate: 50 passed".
    public var summary: String {
        let blocked = attacks.filter(\.isProven).count, passed = legitimate.filter(\.isProven).count
        return "\(attacks.count) attacks: \(blocked) blocked; \(legitimate.count) legitimate: \(passed) passed"
    }

    private enum CodingKeys: String, CodingKey { case engine, isProven = "proven", summary, seconds, entries }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(engine, forKey: .engine)
        try container.encode(isProven, forKey: .isProven)
        try container.encode(summary, forKey: .summary)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(entries, forKey: .entries)
    }
}

// As a table, a line a case.
extension ProofReport {
    private static let widths = [39, 10, 9, 22]

    /// Of the columns; the classic engine counts nothing.
    public static func heading(_ engine: Engine) -> String { row(["", "without", "with", engine == .ebpf ? "counted" : ""]) }

    private static func row(_ cells: [String]) -> String {
        var line = ""
        for (cell, width) in zip(cells, widths) { line += cell + String(repeating: " ", count: max(1, width - cell.count)) }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// The whole report; the last line is the summary.
    public var lines: [String] { [Self.heading(engine)] + entries.map(\.line) + ["", summary] }

    fileprivate static func line(_ entry: Entry) -> String {
        let counted =
            entry.engine == .classic
            ? ""
            : entry.reason.map { entry.counted > 0 ? "\($0) \(entry.counted)" : $0 + " -" }
                ?? (entry.kind == .attack ? "(bridge's own setting)" : "")
        let line = row([(entry.kind == .attack ? "" : "+ ") + entry.name, entry.without, entry.with, counted])
        // With the classic engine much of it is no fault of anybody's.
        let label = entry.engine == .ebpf ? "FAULT: " : ""
        return entry.fault.map { "\(line)\n    \(label)\($0)" } ?? line
    }
}

extension ProofReport.Entry {
    /// The case as a line of the table, with what went wrong below it.
    public var line: String { ProofReport.line(self) }
}
