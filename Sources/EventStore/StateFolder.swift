import Glibc

/// The folder of what has to outlive the agent: the store of events, and the lock that says whether an agent runs.
public struct StateFolder: Sendable, Hashable {
    public static let defaultPath = "/var/lib/vifguard"

    public let path: String

    public init(_ path: String = defaultPath) { self.path = path }

    public var events: String { "\(path)/events.db" }
    var lock: String { "\(path)/agent.lock" }

    /// Makes the folder, and those above it, if need be: readable for root and its group alone.
    public func make() throws(EventStoreError) { try Self.make(path) }

    private static func make(_ folder: String) throws(EventStoreError) {
        guard mkdir(folder, 0o750) == 0 || errno == EEXIST else {
            if errno == ENOENT, let slash = folder.lastIndex(of: "/"), slash != folder.startIndex {
                try make(String(folder[..<slash]))
                return try make(folder)
            }
            throw .system(action: "make the folder \(folder)", errno: errno)
        }
    }
}
