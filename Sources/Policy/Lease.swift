import Addresses

/// What a DHCP server has given to a guest: an address, or a delegated prefix, that is bound to the guest's port until it
/// expires (RFC 7513, policy.md section 11).
public struct Lease: Sendable, Hashable {
    /// At most this many hold at a port, of each family; guard.h's GUARD_PORT_LEASES4 and -6.
    public static let maximum4 = 4, maximum6 = 8

    /// The bridge interface's number.
    public var bridge: UInt32
    /// The port interface's number.
    public var port: UInt32
    /// The client's, one of the binding's.
    public var mac: MACAddress
    /// An address as /32 or /128, or a delegated prefix.
    public var prefix: IPPrefix
    /// Nanoseconds of CLOCK_BOOTTIME; `.max` is never.
    public var expiry: UInt64
    /// Who gave it: DHCPv4's server identifier, or where the DHCPv6 reply came from.
    public var server: IPAddress

    public init(bridge: UInt32, port: UInt32, mac: MACAddress, prefix: IPPrefix, expiry: UInt64, server: IPAddress) {
        self.bridge = bridge
        self.port = port
        self.mac = mac
        self.prefix = prefix
        self.expiry = expiry
        self.server = server
    }

    /// Whether it holds at that time, nanoseconds of CLOCK_BOOTTIME.
    public func isLive(at time: UInt64) -> Bool { expiry > time }

    /// In whole seconds, rounded up; nil for one that never expires.
    public func remaining(at time: UInt64) -> UInt64? {
        guard expiry != .max else { return nil }
        return expiry > time ? (expiry - time - 1) / 1_000_000_000 + 1 : 0
    }

    /// When what is given at `time` for `seconds` expires; all ones are for ever (RFC 2131 3.3, RFC 8415 7.7).
    static func expiry(of seconds: UInt32, from time: UInt64) -> UInt64 {
        guard seconds != .max else { return .max }
        let (end, overflow) = time.addingReportingOverflow(UInt64(seconds) * 1_000_000_000)
        return overflow ? .max : end
    }
}

extension Lease: Comparable {
    /// By bridge, then prefix.
    public static func < (left: Lease, right: Lease) -> Bool { (left.bridge, left.prefix) < (right.bridge, right.prefix) }
}

extension Binding {
    /// Whether all of a prefix is the binding's own, in whichever way it is listed.
    public func holds(_ prefix: IPPrefix) -> Bool {
        let entitlement = Entitlement(self, subnets: [])
        switch prefix {
        case .v4(let prefix): return entitlement.addresses4.contains { $0.contains(prefix) }
        case .v6(let prefix): return (entitlement.addresses6 + entitlement.linkLocals.map { IPv6Prefix($0) }).contains { $0.contains(prefix) }
        }
    }

    /// The same with what is leased.
    public func granting(_ leases: [Lease]) -> Binding {
        var binding = self
        for lease in leases {
            switch lease.prefix {
            case .v4(let prefix): binding.addresses4.append(prefix)
            case .v6(let prefix): binding.addresses6.append(prefix)
            }
        }
        return binding
    }

    /// The same without what is leased: what was listed.
    public func without(_ leases: [Lease]) -> Binding {
        let leased = Set(leases.map(\.prefix))
        var binding = self
        binding.addresses4.removeAll { leased.contains(.v4($0)) }
        binding.addresses6.removeAll { leased.contains(.v6($0)) }
        return binding
    }
}
