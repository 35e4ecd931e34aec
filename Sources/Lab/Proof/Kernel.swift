import CLinux
import Glibc
import Netlink

/// Settings of the calling thread's network namespace that a lab needs and `InterfaceSetting` doesn't know.
enum Kernel {
    /// Writes a number into a file below /proc/sys or /sys.
    static func set(_ path: String, _ value: Int) throws(LabError) {
        let file = clinux_open(path, O_WRONLY)
        guard file >= 0 else { throw LabError(action: "open \(path)") }
        defer { close(file) }
        let digits = Array(String(value).utf8)
        guard write(file, digits, digits.count) == digits.count else { throw LabError(action: "write \(value) to \(path)") }
    }

    /// Interfaces made from now on don't speak IPv6 by themselves.
    static func silence() throws {
        try InterfaceSetting.silenceNewInterfaces()
    }

    /// Lets a card speak IPv6, without the delays that a real network asks for.
    static func speakIPv6(_ card: String) throws {
        try InterfaceSetting.acceptDuplicateAddressDetection.set(0, for: card)
        try set("/proc/sys/net/ipv6/conf/\(card)/router_solicitation_delay", 0)
        try set("/proc/sys/net/ipv6/conf/\(card)/router_solicitations", 0)
        try set("/proc/sys/net/ipv6/neigh/\(card)/retrans_time_ms", 200)
        try InterfaceSetting.disableIPv6.set(0, for: card)
    }

    /// Lets ARP replies replace what is cached at once: for a second, the first of several counts otherwise.
    static func takeEveryAnswer(_ card: String) throws(LabError) {
        try set("/proc/sys/net/ipv4/neigh/\(card)/locktime", -100)
    }

    /// Makes the machine a router.
    static func forward() throws(LabError) {
        try set("/proc/sys/net/ipv4/ip_forward", 1)
        try set("/proc/sys/net/ipv6/conf/all/forwarding", 1)
    }
}
