import CLinux
import Glibc

/// Whether the calling thread's namespace sends bridged frames through iptables, ip6tables and arptables: on in every
/// new namespace of a kernel with br_netfilter built in, and not what a lab wants to measure.
public enum BridgeNetfilter {
    private static let settings = ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables", "bridge-nf-call-arptables"]

    /// A kernel without br_netfilter is fine: there is nothing to turn off.
    public static func turnOff() throws(LabError) { try set("0") }

    /// For the engine that needs it.
    public static func turnOn() throws(LabError) { try set("1") }

    private static func set(_ value: String) throws(LabError) {
        for setting in settings {
            let file = clinux_open("/proc/sys/net/bridge/\(setting)", O_WRONLY)
            if file < 0, errno == ENOENT { continue }
            guard file >= 0 else { throw LabError(action: "set net.bridge.\(setting)") }
            defer { close(file) }
            guard write(file, value, 1) == 1 else { throw LabError(action: "set net.bridge.\(setting)") }
        }
    }
}
