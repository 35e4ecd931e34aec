import GRDB
import Glibc

/// Why events couldn't be written or read: what was wrong, where, and what to do.
public enum EventStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A system call failed; `action` reads after "can't".
    case system(action: String, errno: Int32)
    /// There is no such file.
    case missing(path: String)
    /// The file isn't a database, or not whole.
    case damaged(path: String, reason: String)
    /// A later version made it.
    case newer(path: String)
    /// An earlier version made it, and only the agent may bring it up to date.
    case older(path: String)
    /// Neither the disk nor the bound of the store has room.
    case full(path: String)
    /// What else SQLite refuses; `code` is its result code.
    case database(path: String, code: Int32, reason: String)

    public var description: String {
        switch self {
        case .system(let action, let errno): "can't \(action): \(String(cString: strerror(errno)))"
        case .missing(let path): "there is no event store at \(path): 'vifguard agent' makes it"
        case .damaged(let path, let reason): "the event store \(path) is damaged (\(reason)): 'vifguard agent' sets it aside and begins a new one"
        case .newer(let path): "the event store \(path) was made by a later version of vifguard: use that one"
        case .older(let path): "the event store \(path) was made by an earlier version of vifguard: start 'vifguard agent' of this one"
        case .full(let path): "there is no room for events at \(path): free the disk it lies on"
        case .database(let path, let code, let reason): "the event store \(path) can't be used: \(reason) (SQLite \(code))"
        }
    }

    /// The errno of a system call that failed.
    public var errno: Int32? {
        if case .system(_, let errno) = self { errno } else { nil }
    }

    init(_ error: any Error, path: String) {
        switch error {
        case let error as EventStoreError: self = error
        case let error as DatabaseError:
            let reason = error.message ?? "it doesn't say why"
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path, reason: reason)
            case .SQLITE_FULL: self = .full(path: path)
            default: self = .database(path: path, code: error.extendedResultCode.rawValue, reason: reason)
            }
        default: self = .database(path: path, code: 1, reason: "\(error)")
        }
    }

    /// Runs `body`, and says what failed in these words.
    static func wrap<T>(path: String, _ body: () throws -> T) throws(EventStoreError) -> T {
        do { return try body() } catch { throw EventStoreError(error, path: path) }
    }
}
