import Netlink

/// Why the lab couldn't be built or used: what was being done, and what went wrong.
public struct LabError: Error, Hashable, Sendable, CustomStringConvertible {
    /// As it reads after "can't": "make a network namespace".
    public let action: String
    /// What went wrong and what to do.
    public let reason: String

    public init(action: String, reason: String) {
        self.action = action
        self.reason = reason
    }

    /// For a system call that has just failed.
    init(action: String, errno number: SystemErrorNumber = .current) {
        self.init(action: action, reason: number.description)
    }

    public var description: String { "can't \(action): \(reason)" }
}
