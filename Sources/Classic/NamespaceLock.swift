import CLinux
import Glibc
import Netlink

/// Many hot-plug scripts run at once, and between looking at rules and changing them nobody else may change them. A lock on
/// the calling thread's network namespace itself, whose the rules are: no file is left, and a killed process lets go of it.
enum NamespaceLock {
    private static let path = "/proc/thread-self/ns/net"

    static func run<T>(_ body: () throws(ClassicError) -> T) throws(ClassicError) -> T {
        let descriptor = clinux_open(path, O_RDONLY)
        guard descriptor >= 0 else { throw failure("open \(path)") }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw failure("lock \(path)") }
        }
        return try body()
    }

    private static func failure(_ action: String) -> ClassicError {
        .network(NetlinkError(action: action, cause: .errno(errno, kernelMessage: nil)))
    }
}
