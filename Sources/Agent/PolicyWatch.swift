import Glibc

/// Tells when something in a policy's folders changes (inotify(7)). Where nothing can be watched, because nothing is there
/// yet, the reconciler's inspections find it.
final class PolicyWatch {
    let descriptor: Int32
    private let path: String

    init(path: String) throws(AgentError) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { throw .system(action: "watch the policy's files", errno) }
        self.path = path
        watch()
    }

    deinit { close(descriptor) }

    /// Takes what has been told. Folders that have come since are watched, too.
    func clear() {
        var buffer = [UInt8](repeating: 0, count: 16384)
        while read(descriptor, &buffer, buffer.count) > 0 {}
        watch()
    }

    /// A folder that is watched already isn't twice.
    func watch() {
        let events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
        let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        for folder in [path, path + "/guests.d", parent] {
            // What is logged or locked beside the policy is none of our business; a mark tells whether the policy changed.
            inotify_add_watch(descriptor, folder, UInt32(events))
        }
    }
}
