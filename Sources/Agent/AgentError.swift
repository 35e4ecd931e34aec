import Netlink

/// Why the agent can't begin or go on.
public enum AgentError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A call failed; `action` reads after "can't".
    case system(action: String, Int32)
    /// Another agent has the same state folder.
    case otherAgent(folder: String)
    /// The policy names the engine that takes no agent.
    case classicEngine(policy: String)

    public var description: String {
        switch self {
        case .system(let action, let number): "can't \(action): \(SystemErrorNumber(number))"
        case .otherAgent(let folder):
            "another agent runs with \(folder): stop it first ('systemctl stop vifguard'), or give this one a folder of its own with --state"
        case .classicEngine(let path):
            "the policy \(path) says engine: classic, whose rules no agent watches over: have 'vifguard apply' run at boot, the hot-plug scripts call attach and detach, and end this service ('systemctl disable --now vifguard')"
        }
    }
}
