import Datapath
import Policy
import Reporting

/// Guests in audit mode.
struct Audits: Sendable, Hashable {
    struct Port: Sendable, Hashable {
        var name: String
        var guest: String
        var mode: Mode
        var counters: Counters
    }

    var ports: [Port]
    var history: History

    /// One for each port that is in audit mode. Where the store knows no day, the kernel's counters speak, which go back
    /// to when the port was first guarded.
    var all: [Audit] {
        ports.filter { $0.mode == .audit }.map { port in
            guard let since = history.since else { return Audit(guest: port.guest, port: port.name, AuditFacts(port.counters)) }
            let own = history.breaches.filter { $0.wasAudited && $0.port == port.name && $0.guest == port.guest }
            return Audit(
                guest: port.guest, port: port.name,
                AuditFacts(own.map { (direction: $0.direction, reason: $0.reason, packets: $0.count) }, since: since))
        }
    }

    var findings: [Finding] { all.map(\.finding) }
}
