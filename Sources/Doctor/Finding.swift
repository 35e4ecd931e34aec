/// Something that undermines the guard, or would surprise whoever runs the host.
public struct Finding: Sendable, Hashable, Encodable {
    public enum Severity: String, Sendable, Hashable, CaseIterable, Encodable {
        /// The guard lets through what it shouldn't, cuts off what it shouldn't, or isn't what the policy says.
        case problem
        /// It may come to that, or somebody tries.
        case warning
        /// Worth knowing; also what couldn't be looked at.
        case note
    }

    /// Stable, in kebab case: what scripts go by.
    public var id: String
    public var severity: Severity
    /// Where: an interface, a bridge, a guest, a rule, a file.
    public var place: String
    /// What is there, lower case, without an end.
    public var found: String
    /// What it comes to: a sentence or two.
    public var meaning: String
    /// Commands and lines of the policy that mend it, each to be taken as it stands; empty where a person has to decide.
    public var mend: [String]

    public init(_ id: String, _ severity: Severity, _ place: String, found: String, meaning: String, mend: [String] = []) {
        self.id = id
        self.severity = severity
        self.place = place
        self.found = found
        self.meaning = meaning
        self.mend = mend
    }

    private enum CodingKeys: String, CodingKey {
        case id, severity, found, meaning, mend
        case place = "where"
    }

    /// What couldn't be looked at, and so may hide anything.
    static func unseen(_ place: String, because reason: String, hides what: String, mend: [String] = []) -> Finding {
        Finding("not-looked-at", .note, place, found: reason, meaning: "So nobody knows \(what).", mend: mend)
    }
}

extension [Finding] {
    /// The problems first, then the warnings; in each, in the order they were found.
    var ranked: [Finding] { Finding.Severity.allCases.flatMap { severity in filter { $0.severity == severity } } }
}
