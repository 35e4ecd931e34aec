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
            Audit(guest: port.guest, port: port.name, history.audit(of: port.guest, port: port.name) ?? AuditFacts(port.counters))
        }
    }

    var findings: [Finding] { all.map(\.finding) }
}
