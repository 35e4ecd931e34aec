import CLinux
import Glibc
import Netlink

/// A network of its own: interfaces, addresses, routes and forwarding, apart from the host's.
///
/// It has no name in the file system: it goes, with everything in it, when the last reference does, also when the
/// process is killed. It lives on a thread of its own, which sees in /sys and /proc/sys/net what belongs to it, and
/// a bpffs of its own in /sys/fs/bpf, so that pins made there go with it too.
public final class NetworkNamespace: Sendable {
    /// For messages only.
    public let label: String
    /// An open descriptor of the namespace, for `Link.move(toNamespace:)` and veth pairs.
    public let descriptor: Int32
    private let thread: NamespaceThread

    /// Makes an empty namespace with its loopback interface up, and with bridges that don't call iptables.
    ///
    /// - Throws: `LabError` if the process may not (run as root), `NetlinkError` if the loopback can't be set up.
    public init(_ label: String = "lab") throws {
        self.label = label
        let thread = try NamespaceThread()
        self.thread = thread
        do {
            descriptor = try thread.run { try Self.enterNewNamespaces() }
        } catch {
            thread.end()
            throw error
        }
    }

    deinit {
        thread.end()
        close(descriptor)
    }

    /// Runs `body` in this namespace, on its thread, and waits for it; what it throws is thrown here. Jobs from
    /// several threads run one after another. From within such a job it may be called again.
    ///
    /// What `body` takes out of the namespace must not depend on the thread: sockets and descriptors stay in the
    /// namespace they were opened in, paths below /sys and /proc don't.
    @discardableResult
    public func run<T: Sendable>(_ body: @Sendable () throws -> T) throws -> T {
        try thread.run(body)
    }

    /// As `run`, where the type of what is thrown matters.
    func runTyped<T: Sendable, E: Error>(_ body: @Sendable () throws(E) -> T) throws(E) -> T {
        try thread.run(body)
    }

    /// On the new thread: leaves the host's namespaces. The descriptor of the network namespace made.
    private static func enterNewNamespaces() throws -> Int32 {
        guard clinux_unshare(clinux_new_network | clinux_new_mounts) == 0 else {
            throw LabError(action: "make a network namespace")
        }
        // First of all: nothing mounted from here on may show outside.
        try mount("none", at: "/", kind: nil, flags: UInt(MS_REC) | UInt(MS_PRIVATE))
        try mount("sysfs", at: "/sys", kind: "sysfs", flags: 0)
        try mount("bpf", at: "/sys/fs/bpf", kind: "bpf", flags: 0)
        for one in BridgeNetfilter.allCases { try one.turnOff() }
        try Link.named("lo").change(.up)
        let descriptor = clinux_open("/proc/thread-self/ns/net", O_RDONLY)
        guard descriptor >= 0 else { throw LabError(action: "open the new network namespace") }
        return descriptor
    }

    private static func mount(_ source: String, at target: String, kind: String?, flags: UInt) throws(LabError) {
        guard Glibc.mount(source, target, kind, flags, nil) == 0 else {
            throw LabError(action: "mount \(kind ?? source) at \(target) in the new namespace")
        }
    }
}
