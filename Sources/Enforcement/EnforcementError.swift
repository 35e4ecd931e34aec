import Datapath
import Netlink

/// Why the host couldn't be looked at or changed.
public enum EnforcementError: Error, Hashable, Sendable, CustomStringConvertible {
    case network(NetlinkError)
    case datapath(DatapathError)
    /// What was asked can't be done as it was asked: the text says why and what to do.
    case refused(String)

    public var description: String {
        switch self {
        case .network(let error): error.description
        case .datapath(let error): error.description
        case .refused(let reason): reason
        }
    }

    static func wrap<T>(_ body: () throws(NetlinkError) -> T) throws(EnforcementError) -> T {
        do throws(NetlinkError) { return try body() } catch { throw .network(error) }
    }

    static func wrap<T>(_ body: () throws(DatapathError) -> T) throws(EnforcementError) -> T {
        do throws(DatapathError) { return try body() } catch { throw .datapath(error) }
    }
}
