import Glibc

/// Says that an agent runs: it holds a lock on a file in the state folder as long as it lives. A killed process lets go
/// of it.
public final class AgentLock: Sendable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Takes the lock, which the result then holds.
    ///
    /// - Returns: nil if another agent has it.
    public static func take(in folder: StateFolder) throws(EventStoreError) -> AgentLock? {
        try folder.make()
        let descriptor = open(folder.lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else { throw .system(action: "open \(folder.lock)", errno: errno) }
        // Whoever only looks whether it is held has it for a moment.
        for _ in 0..<20 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return AgentLock(descriptor) }
            guard errno == EWOULDBLOCK || errno == EINTR else {
                let failed = errno
                close(descriptor)
                throw .system(action: "lock \(folder.lock)", errno: failed)
            }
            usleep(50_000)
        }
        close(descriptor)
        return nil
    }

    /// Whether an agent has the lock.
    public static func isHeld(in folder: StateFolder) -> Bool {
        let descriptor = open(folder.lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}
