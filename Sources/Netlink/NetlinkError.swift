/// Why something couldn't be asked of the kernel: what was being done, on which interface, and what went wrong.
public struct NetlinkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done, as it reads after "can't": "set the master of".
    public let action: String
    /// The interface it was done to, by name where known, else "interface 7"; nil where there is none.
    public let interface: String?
    public let cause: Cause

    public enum Cause: Hashable, Sendable {
        /// The kernel's errno and, where it sent one, its own sentence (NLMSGERR_ATTR_MSG).
        case errno(Int32, kernelMessage: String?)
        /// The kernel's answer doesn't hold together; the value says what was wrong with it.
        case malformedAnswer(String)
        /// The table changed again and again while it was being read (NLM_F_DUMP_INTR).
        case unsteady
        /// What was asked can't be asked: the value says why and what to do.
        case invalid(String)
    }

    public init(action: String, interface: String? = nil, cause: Cause) {
        self.action = action
        self.interface = interface
        self.cause = cause
    }

    /// The kernel's errno; nil where the failure has another cause.
    public var errno: Int32? {
        if case .errno(let number, _) = cause { number } else { nil }
    }

    public var description: String {
        let what = interface.map { "can't \(action) \($0)" } ?? "can't \(action)"
        switch cause {
        case .errno(let number, let message):
            let kernel = message.map { "; the kernel says: \($0)" } ?? ""
            return "\(what): \(SystemErrorNumber(number))\(kernel)"
        case .malformedAnswer(let why):
            return "\(what): the kernel's answer is malformed, \(why); report this with the output of 'uname -r'"
        case .unsteady:
            return "\(what): the table kept changing while it was read; try again when fewer interfaces come and go"
        case .invalid(let why):
            return "\(what): \(why)"
        }
    }
}
