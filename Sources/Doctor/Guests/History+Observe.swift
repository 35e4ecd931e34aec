import Glibc

extension History {
    static func observe(_ stateFolder: String) -> History {
        History(unseen: "there is no store in \(stateFolder)")
    }

    static func isAgentRunning(_ stateFolder: String) -> Bool {
        let descriptor = open("\(stateFolder)/agent.lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}
