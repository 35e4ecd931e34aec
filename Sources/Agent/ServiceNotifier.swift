import Glibc

/// Tells the service manager how this process fares, by the protocol of sd_notify(3): lines of text in one datagram to the
/// socket that NOTIFY_SOCKET names. Without that variable everything here does nothing.
///
/// Safe to use from any thread. Nothing waits: a manager that doesn't read loses the message, and no thread of ours hangs.
public final class ServiceNotifier: Sendable {
    /// How often `alive()` is to be called: half the time after which the manager takes this process for hung
    /// (WATCHDOG_USEC); nil if it doesn't watch it.
    public let watchdogInterval: Duration?
    private let descriptor: Int32
    private let address: [UInt8]

    /// - Parameters:
    ///   - environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of it count.
    ///   - process: whose watchdog it is; another's is none of our business.
    public init(environment: [String: String], process: Int32 = getpid()) {
        watchdogInterval = Self.watchdog(environment, process)
        guard let path = environment["NOTIFY_SOCKET"], let address = Self.address(of: path) else {
            (descriptor, self.address) = (-1, [])
            return
        }
        self.address = address
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// It serves: what is ordered after it may start. Also ends a reload.
    ///
    /// - Parameter status: one line for `systemctl status`.
    public func ready(status: String) { send(["READY=1", Self.line(status)]) }

    /// It reads its configuration anew; `ready` follows.
    public func reloading() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        send(["RELOADING=1", "MONOTONIC_USEC=\(UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1000)"])
    }

    /// It is about to end.
    public func stopping() { send(["STOPPING=1"]) }

    /// It isn't hung.
    public func alive() { send(["WATCHDOG=1"]) }

    /// A line is an assignment: what comes from elsewhere must not begin another.
    private static func line(_ status: String) -> String {
        "STATUS=" + String(decoding: status.utf8.map { $0 < 0x20 || $0 == 0x7f ? 0x20 : $0 }.prefix(512), as: UTF8.self)
    }

    private func send(_ assignments: [String]) {
        guard descriptor >= 0 else { return }
        let message = assignments.joined(separator: "\n")
        _ = address.withUnsafeBytes { address in
            sendto(
                descriptor, message, message.utf8.count, Int32(MSG_NOSIGNAL),
                address.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(address.count))
        }
    }

    /// As sendto(2) takes it: of a path, or of a name in the abstract namespace, which begins with '@'; nil if it is neither.
    private static func address(of path: String) -> [UInt8]? {
        var name = Array(path.utf8)
        let room = MemoryLayout<sockaddr_un>.size - MemoryLayout<sa_family_t>.size
        guard name.count > 1, name.count < room, name[0] == 0x2f || name[0] == 0x40 else { return nil }
        if name[0] == 0x40 { name[0] = 0 }
        return withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) } + name
    }

    private static func watchdog(_ environment: [String: String], _ process: Int32) -> Duration? {
        guard let text = environment["WATCHDOG_USEC"], let microseconds = Int64(text), microseconds > 1 else { return nil }
        if let owner = environment["WATCHDOG_PID"], Int32(owner) != process { return nil }
        return .microseconds(microseconds / 2)
    }
}
