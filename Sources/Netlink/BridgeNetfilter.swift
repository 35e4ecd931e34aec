import CLinux
import Glibc

/// Whether the calling thread's network namespace sends bridged frames through iptables, ip6tables and arptables
/// (net.bridge.bridge-nf-call-…, ip-sysctl.rst): on in every new namespace of a kernel that has br_netfilter.
public enum BridgeNetfilter: String, CaseIterable, Sendable, Hashable {
    case iptables, ip6tables, arptables

    /// As sysctl(8) calls it.
    public var name: String { "net.bridge.bridge-nf-call-\(rawValue)" }
    private var path: String { "/proc/sys/net/bridge/bridge-nf-call-\(rawValue)" }

    /// nil where the kernel has no br_netfilter, or hasn't loaded it.
    public func isOn() throws(NetlinkError) -> Bool? {
        let file = clinux_open(path, O_RDONLY)
        if file < 0, errno == ENOENT { return nil }
        guard file >= 0 else { throw failure("read") }
        defer { close(file) }
        var digit: UInt8 = 0
        guard read(file, &digit, 1) == 1 else { throw failure("read") }
        return digit != UInt8(ascii: "0")
    }

    /// - Throws: `NetlinkError`, with errno ENOENT where there is no br_netfilter.
    public func turnOn() throws(NetlinkError) { try set("1") }

    /// A kernel without br_netfilter is fine: there is nothing to turn off.
    public func turnOff() throws(NetlinkError) {
        do throws(NetlinkError) { try set("0") } catch { if error.errno != ENOENT { throw error } }
    }

    private func set(_ value: String) throws(NetlinkError) {
        let file = clinux_open(path, O_WRONLY)
        guard file >= 0 else { throw failure("set to \(value)") }
        defer { close(file) }
        guard write(file, value, 1) == 1 else { throw failure("set to \(value)") }
    }

    private func failure(_ verb: String) -> NetlinkError {
        NetlinkError(action: "\(verb) the setting \(name)", cause: .errno(errno, kernelMessage: nil))
    }
}
