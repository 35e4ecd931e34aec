/// Whether the agent runs, and will after the next start of the host.
struct AgentState: Sendable, Hashable {
    /// The agent's unit as systemd knows it.
    struct Unit: Sendable, Hashable {
        /// "enabled", "disabled"…; empty: there is no such unit.
        var fileState: String
        /// "active", "failed"…
        var activeState: String
        /// Units that start after it.
        var before: Set<String>
    }

    enum Service: Sendable, Hashable {
        /// Something else than systemd starts this host's services.
        case noSystemd
        /// What systemctl couldn't say, and why.
        case unknown(String)
        /// - Parameter hypervisors: units of those that are installed.
        case unit(Unit, hypervisors: [String])
    }

    static let unitName = "vifguard.service"

    /// Whether an agent has the lock in the state folder; nil where that may not be looked at.
    var isRunning: Bool?
    var stateFolder: String
    var service: Service

    var findings: [Finding] { [running, start].compactMap(\.self) + order }

    private var running: Finding? {
        guard let isRunning else {
            return .unseen(stateFolder, because: "it may not be looked into", hides: "whether an agent runs", mend: ["sudo vifguard doctor"])
        }
        guard !isRunning else { return nil }
        return Finding(
            "agent-not-running", .warning, stateFolder, found: "no agent holds the lock agent.lock there",
            meaning:
                "What is guarded stays guarded, but nothing puts right what changes, ports that join stay shut until 'vifguard apply', and nothing remembers who tries what.",
            mend: ["systemctl start \(Self.unitName)"])
    }

    private var start: Finding? {
        switch service {
        case .noSystemd:
            return .unseen(
                "services", because: "systemd isn't what starts services here",
                hides: "whether the agent is started with the host, and before its guests")
        case .unknown(let reason):
            return .unseen("services", because: reason, hides: "whether the agent is started with the host, and before its guests")
        case .unit(let unit, _):
            if unit.fileState.isEmpty {
                return Finding(
                    "unit-missing", .warning, Self.unitName, found: "there is no such unit",
                    meaning: "Nothing starts the agent, or guards the bridges, when the host starts.",
                    mend: ["make install   # in vifguard's sources"])
            }
            if unit.fileState == "enabled" || unit.fileState == "enabled-runtime" { return failed(unit) }
            return Finding(
                "unit-not-enabled", .warning, Self.unitName, found: "it is \(unit.fileState)",
                meaning: "Nothing guards the bridges when the host starts, until somebody does.", mend: ["systemctl enable \(Self.unitName)"])
        }
    }

    private func failed(_ unit: Unit) -> Finding? {
        guard unit.activeState == "failed" else { return nil }
        return Finding(
            "unit-failed", .problem, Self.unitName, found: "it has failed", meaning: "Its last words say why:",
            mend: ["journalctl -u \(Self.unitName) -n 50"])
    }

    /// A guest that is started first has a bridge without guard for a while.
    private var order: [Finding] {
        guard case .unit(let unit, let hypervisors) = service, !unit.fileState.isEmpty else { return [] }
        let first = hypervisors.filter { !unit.before.contains($0) }.sorted()
        guard !first.isEmpty else { return [] }
        return [
            Finding(
                "unit-after-guests", .warning, Self.unitName, found: "it isn't ordered before \(first.joined(separator: ", "))",
                meaning:
                    "When the host starts, guests may be on a bridge that isn't guarded yet. In a file of /etc/systemd/system/\(Self.unitName).d:",
                mend: ["[Unit]", "Before=\(first.joined(separator: " "))"])
        ]
    }
}
