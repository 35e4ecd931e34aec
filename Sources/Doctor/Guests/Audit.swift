import Policy
import Reporting

/// A guest in audit mode, and what it would lose without.
public struct Audit: Sendable, Hashable, Encodable {
    public var guest: String
    public var port: String
    /// Whether nothing of it would have been dropped.
    public var ready: Bool
    /// By reason, how many frames would have been.
    public var violates: [String: UInt64]
    /// Since when that is known, in UTC; nil: since the port was guarded.
    public var since: String?

    init(guest: String, port: String, _ facts: AuditFacts) {
        self.guest = guest
        self.port = port
        ready = facts.ready
        violates = facts.violates
        since = facts.since
    }

    var finding: Finding {
        let watched = since.map { "since \($0)" } ?? "since its port was guarded"
        if ready {
            return Finding(
                "audit-ready", .note, "guest \(guest), port \(port)", found: "it is in audit mode, and \(watched) nothing would have been dropped",
                meaning: "It can be held to its binding:", mend: ["mode: enforce   # at guest \(guest)"])
        }
        let ranked = violates.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return Finding(
            "audit-violates", .warning, "guest \(guest), port \(port)",
            found: "it is in audit mode; \(watched) this would have been dropped: " + ranked.map { "\($0.key) \($0.value)" }.joined(separator: ", "),
            meaning:
                "None of it is stopped. What is the guest's right has to be allowed before it can be held to its binding ('vifguard events --port \(port)' shows frames):",
            mend: ranked.compactMap { name, _ in
                Reason(name: name)?.allowance.map { "\($0)   # \(name)" }
            })
    }
}
