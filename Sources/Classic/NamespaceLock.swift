import Glibc
import Netlink

/// Many hot-plug scripts run at once, and between looking at rules and changing them nobody else may change them. A lock for
/// the calling thread's network namespace, whose the rules are, on a file that root alone can open: whoever can open a
/// file can hold its lock. A killed process lets go of it, and whoever is done takes the file away.
enum NamespaceLock {
    static let folder = "/run/vifguard-classic"
    /// The first `apply` for a thousand guests takes half a minute, and many scripts may wait for it and for each other.
    static let patience = Duration.seconds(120)

    static func run<T>(atMost patience: Duration = patience, _ body: () throws(ClassicError) -> T) throws(ClassicError) -> T {
        let name = try namespace()
        let deadline = ContinuousClock.now + patience
        while true {
            if let descriptor = try take(name) {
                // While it is held, so that whoever has the file open already can see that it is no more.
                defer {
                    unlink("\(folder)/\(name)")
                    rmdir(folder)
                    close(descriptor)
                }
                return try body()
            }
            guard ContinuousClock.now < deadline else {
                let path = "\(folder)/\(name)"
                throw .refused("another vifguard has had the lock \(path) for \(patience): 'fuser -v \(path)' says which; end it if it hangs")
            }
            usleep(10_000)
        }
    }

    /// The number of the network namespace, which no other has at the time (namespaces(7)).
    private static func namespace() throws(ClassicError) -> String {
        let path = "/proc/thread-self/ns/net"
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure("look at \(path)") }
        return "\(status.st_ino)"
    }

    /// The lock file's descriptor, locked; nil: another has it, or has just taken it away.
    private static func take(_ name: String) throws(ClassicError) -> Int32? {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure("make \(folder)") }
        let parent = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard parent >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("open the folder \(folder)")
        }
        defer { close(parent) }
        _ = try rootsOwn(parent, folder)
        let path = "\(folder)/\(name)"
        let descriptor = openat(parent, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("open \(path)")
        }
        do throws(ClassicError) {
            guard try rootsOwn(descriptor, path).st_mode & S_IFMT == S_IFREG else { throw .refused("\(path) is no file: remove it") }
            if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                guard errno == EWOULDBLOCK || errno == EINTR else { throw failure("lock \(path)") }
            } else if try rootsOwn(descriptor, path).st_nlink > 0 {
                return descriptor
            }
        } catch {
            close(descriptor)
            throw error
        }
        close(descriptor)
        return nil
    }

    /// - Throws: where others than root may open it.
    private static func rootsOwn(_ descriptor: Int32, _ path: String) throws(ClassicError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("look at \(path)") }
        guard status.st_uid == 0, status.st_mode & 0o077 == 0 else {
            throw .refused("\(path) isn't root's alone, so anybody could hold the lock: remove it")
        }
        return status
    }

    private static func failure(_ action: String) -> ClassicError {
        let number = errno
        if number == EACCES || number == EPERM, geteuid() != 0 { return .refused("can't \(action): run as root") }
        return .network(NetlinkError(action: action, cause: .errno(number, kernelMessage: nil)))
    }
}
