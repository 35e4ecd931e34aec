import Netlink

/// Why a program couldn't be run, or not to its end.
public struct ProcessError: Error, Hashable, Sendable, CustomStringConvertible {
    /// As it reads after "can't": "run iptables".
    public let action: String
    /// What went wrong and what to do.
    public let reason: String

    init(action: String, reason: String) {
        self.action = action
        self.reason = reason
    }

    /// For a system call that has just failed.
    init(action: String, errno number: SystemErrorNumber = .current) {
        self.init(action: action, reason: number.description)
    }

    public var description: String { "can't \(action): \(reason)" }
}
