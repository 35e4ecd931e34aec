import Glibc

/// Whether an agent serves this host: whether somebody listens at its socket.
enum AgentPresence: String, Sendable {
    case running
    case notRunning = "not running"
    /// It isn't known, as for those who may not connect.
    case unknown

    /// Connects and hangs up, without waiting.
    init(socket path: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        let bytes = Array(path.utf8)
        guard bytes.count < room else {
            self = .unknown
            return
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else {
            self = .unknown
            return
        }
        defer { close(descriptor) }
        let result = withUnsafeBytes(of: &address) {
            connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        // EAGAIN: it listens, and has many waiting already.
        self = result == 0 || errno == EAGAIN ? .running : errno == ECONNREFUSED || errno == ENOENT ? .notRunning : .unknown
    }
}
