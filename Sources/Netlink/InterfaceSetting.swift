import CLinux
import Glibc

/// A switch of one interface's IP stack: /proc/sys/net/ipv4|ipv6/conf/NAME/SETTING (kernel: ip-sysctl.rst).
///
/// The path is opened by the calling thread, and so leads into its network namespace. The name is a path component
/// of its own here, so the dots of "eth0.5" need no care; one that isn't an interface's is refused.
public struct InterfaceSetting: Hashable, Sendable, CustomStringConvertible {
    public enum Family: String, Hashable, Sendable {
        case ipv4, ipv6
    }

    public let family: Family
    /// "disable_ipv6", "arp_ignore"…
    public let key: String

    public init(_ family: Family, _ key: String) {
        self.family = family
        self.key = key
    }

    public static let disableIPv6 = InterfaceSetting(.ipv6, "disable_ipv6")
    public static let acceptRouterAdvertisements = InterfaceSetting(.ipv6, "accept_ra")
    public static let acceptDuplicateAddressDetection = InterfaceSetting(.ipv6, "accept_dad")
    public static let forwardsIPv4 = InterfaceSetting(.ipv4, "forwarding")
    public static let forwardsIPv6 = InterfaceSetting(.ipv6, "forwarding")
    public static let arpIgnore = InterfaceSetting(.ipv4, "arp_ignore")
    public static let reversePathFilter = InterfaceSetting(.ipv4, "rp_filter")
    public static let dropUnicastInMulticastFrames = InterfaceSetting(.ipv4, "drop_unicast_in_l2_multicast")

    public var description: String { "net/\(family.rawValue)/conf/*/\(key)" }

    /// The value for an interface, or for "all" or "default"; nil where the kernel has no such setting (a kernel
    /// without IPv6), or the interface is gone.
    public func value(for interface: String) throws(NetlinkError) -> Int? {
        let action = "read the setting \(self) of"
        let path = try path(for: interface, action: action)
        let file = clinux_open(path, O_RDONLY)
        if file < 0, errno == ENOENT { return nil }
        guard file >= 0 else { throw failure(action, interface) }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let length = read(file, &buffer, buffer.count)
        guard length >= 0 else { throw failure(action, interface) }
        return Int(String(decoding: buffer[..<length].prefix { $0 != 0x0a }, as: UTF8.self))
    }

    /// Sets the value for an interface, or for "all" or "default" (interfaces to come).
    ///
    /// - Throws: `NetlinkError`, with errno ENOENT if the interface is gone or the kernel has no such setting.
    public func set(_ value: Int, for interface: String) throws(NetlinkError) {
        let action = "set to \(value) the setting \(self) of"
        let path = try path(for: interface, action: action)
        let file = clinux_open(path, O_WRONLY)
        guard file >= 0 else { throw failure(action, interface) }
        defer { close(file) }
        let digits = Array(String(value).utf8)
        guard write(file, digits, digits.count) == digits.count else { throw failure(action, interface) }
    }

    private func path(for interface: String, action: String) throws(NetlinkError) -> String {
        try Link.checkName(interface, action: action)
        return "/proc/sys/net/\(family.rawValue)/conf/\(interface)/\(key)"
    }

    private func failure(_ action: String, _ interface: String) -> NetlinkError {
        NetlinkError(action: action, interface: interface, cause: .errno(errno, kernelMessage: nil))
    }
}
