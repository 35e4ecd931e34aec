import Policy
import Reporting

extension HostStatus {
    /// Whether any guest is in audit mode.
    package var hasAudits: Bool { bridges.contains { $0.ports.contains { $0.audit != nil } } }

    /// Lets the last day say what guests in audit mode would lose, where the store knows it, in place of all that was
    /// counted since their ports were guarded.
    package mutating func judgeAudits(by history: History) {
        for bridge in bridges.indices {
            for place in bridges[bridge].ports.indices {
                let port = bridges[bridge].ports[place]
                guard port.audit != nil, let guest = port.binding?.guest, let facts = history.audit(of: guest, port: port.name) else { continue }
                bridges[bridge].ports[place].audit = facts
            }
        }
    }
}

extension History {
    /// What a guest at a port would have lost in the last day; nil where nobody knows.
    func audit(of guest: String, port: String) -> AuditFacts? {
        guard let since else { return nil }
        let own = breaches.filter { $0.wasAudited && $0.port == port && $0.guest == guest }
        return AuditFacts(own.map { (direction: $0.direction, reason: $0.reason, packets: $0.count) }, since: since)
    }
}
