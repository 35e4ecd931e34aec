import Enforcement
import Netlink
import Processes

/// Why the rules couldn't be looked at or changed.
public enum ClassicError: Error, Sendable, Hashable, CustomStringConvertible {
    case network(NetlinkError)
    /// A tool that couldn't be run, or that ran too long.
    case process(ProcessError)
    case enforcement(EnforcementError)
    /// A tool that said no: the command, and what it said.
    case command(String, reason: String)
    /// What was asked can't be done as it was asked: the text says why and what to do.
    case refused(String)

    public var description: String {
        switch self {
        case .network(let error): error.description
        case .process(let error): error.description
        case .enforcement(let error): error.description
        case .command(let line, let reason): "'\(line)' failed: \(reason)"
        case .refused(let reason): reason
        }
    }

    static func wrap<T>(_ body: () throws(NetlinkError) -> T) throws(ClassicError) -> T {
        do throws(NetlinkError) { return try body() } catch { throw .network(error) }
    }

    static func wrap<T>(_ body: () throws(ProcessError) -> T) throws(ClassicError) -> T {
        do throws(ProcessError) { return try body() } catch { throw .process(error) }
    }
}
