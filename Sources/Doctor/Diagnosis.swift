import Reporting

/// What `doctor` has found on a host.
public struct Diagnosis: Sendable, Encodable {
    /// When, in UTC ("2026-03-01T12:00:00.000Z").
    public var time: String
    /// Problems first.
    public var findings: [Finding]
    /// What guests in audit mode would still lose.
    public var audits: [Audit]

    public var problems: Int { findings.count { $0.severity == .problem } }
    public var warnings: Int { findings.count { $0.severity == .warning } }
    public var notes: Int { findings.count { $0.severity == .note } }
    /// Whether there is no problem: warnings and notes may be there.
    public var isSound: Bool { problems == 0 }

    public init(time: String, findings: [Finding], audits: [Audit] = []) {
        self.time = time
        self.findings = findings.ranked
        self.audits = audits
    }

    private enum CodingKeys: String, CodingKey {
        case time, sound, problems, warnings, notes, findings, audits
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(time, forKey: .time)
        try container.encode(isSound, forKey: .sound)
        try container.encode(problems, forKey: .problems)
        try container.encode(warnings, forKey: .warnings)
        try container.encode(notes, forKey: .notes)
        try container.encode(findings, forKey: .findings)
        try container.encode(audits, forKey: .audits)
    }
}
