import Addresses

/// What one guest port may use: the binding of RFC 7039 (policy.md, Terms).
///
/// A value: building, comparing and judging by it touches nothing. `PolicyText` makes them from files, `Datapath`
/// writes them into the kernel's maps and reads them back equal.
public struct Binding: Sendable, Hashable {
    /// The guest's name, for people; at most 128 bytes of UTF-8.
    public var guest: String
    /// The guest's own MACs, 1 to 4, none of them a group address or zero.
    public var macs: [MACAddress]
    /// IPv4 addresses (as /32) and prefixes; empty: the guest has no IPv4.
    public var addresses4: [IPv4Prefix]
    /// Global IPv6 addresses (as /128) and prefixes.
    public var addresses6: [IPv6Prefix]
    /// Link-local addresses listed by hand, besides the EUI-64 address of each MAC.
    public var linkLocals: [IPv6Address]
    /// Whether the guest may claim link-local addresses of its own making.
    public var linkLocalMode: LinkLocalMode
    /// The guest gets addresses from a DHCP server: a DHCPv4 client may speak before it has one, and IPv6 is allowed.
    public var usesDHCP: Bool
    public var roles: Roles
    /// VLAN ids (1-4094) of the role `vlan`; empty: no tags.
    public var vlans: [UInt16]
    /// Virtual router MACs and addresses of the role `vrrp`, at most 4.
    public var virtualRouters: [VirtualRouter]
    /// EtherTypes allowed besides IPv4, IPv6 and ARP, at most 4, each at least 0x600 and none of a tag.
    public var etherTypes: [UInt16]
    /// Whether ARP requests and neighbour solicitations for others are kept from the guest (rule G6).
    public var quiet: Bool
    public var mode: Mode
    public var limits: Limits
    /// The guest is moving to or from another host: rules U1 and U2 leave it out.
    public var isMigrating: Bool
    public var origin: Origin

    public init(
        guest: String, macs: [MACAddress], addresses4: [IPv4Prefix] = [], addresses6: [IPv6Prefix] = [],
        linkLocals: [IPv6Address] = [], linkLocalMode: LinkLocalMode = .claim, usesDHCP: Bool = false, roles: Roles = [],
        vlans: [UInt16] = [], virtualRouters: [VirtualRouter] = [], etherTypes: [UInt16] = [], quiet: Bool = true,
        mode: Mode = .enforce, limits: Limits = .default, isMigrating: Bool = false, origin: Origin = .policy
    ) {
        self.guest = guest
        self.macs = macs
        self.addresses4 = addresses4
        self.addresses6 = addresses6
        self.linkLocals = linkLocals
        self.linkLocalMode = linkLocalMode
        self.usesDHCP = usesDHCP
        self.roles = roles
        self.vlans = vlans
        self.virtualRouters = virtualRouters
        self.etherTypes = etherTypes
        self.quiet = quiet
        self.mode = mode
        self.limits = limits
        self.isMigrating = isMigrating
        self.origin = origin
    }
}

/// Whether a broken rule drops the frame, or is counted and reported only.
public enum Mode: String, Sendable, Hashable, CaseIterable {
    case enforce
    case audit
}

/// How a guest comes by link-local addresses (policy.md, section 5).
public enum LinkLocalMode: String, Sendable, Hashable, CaseIterable {
    /// Up to four of its own choice, first come, first served (RFC 6620).
    case claim
    /// Only the EUI-64 address of each MAC and the listed ones.
    case eui64
}

/// Who stated a binding; `apply` changes only its own.
public enum Origin: UInt8, Sendable, Hashable, CaseIterable {
    case policy = 1
    case manual = 2
    case xen = 3
    case libvirt = 4
    case fleet = 5

    /// The name used in output and JSON.
    public var name: String {
        switch self {
        case .policy: "policy"
        case .manual: "manual"
        case .xen: "xen"
        case .libvirt: "libvirt"
        case .fleet: "fleet"
        }
    }
}

/// What a guest may do beyond being a plain host. `vlan` and `vrrp` are the binding's `vlans` and `virtualRouters`.
public struct Roles: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// May send router advertisements and redirects.
    public static let router = Roles(rawValue: 1 << 0)
    public static let dhcp4Server = Roles(rawValue: 1 << 1)
    public static let dhcp6Server = Roles(rawValue: 1 << 2)
    public static let multicastQuerier = Roles(rawValue: 1 << 3)
    /// A router or VPN guest: sources other than its own pass, never reserved ones or other guests'.
    public static let transit = Roles(rawValue: 1 << 4)
}

/// One virtual router a guest takes part in (RFC 9568): the virtual MAC and the address it speaks for.
public struct VirtualRouter: Sendable, Hashable {
    public var mac: MACAddress
    public var address: IPAddress

    public init(mac: MACAddress, address: IPAddress) {
        self.mac = mac
        self.address = address
    }
}

/// Token buckets of policy.md, section 8, in frames a second and frames at once; a rate of 0 is no limit.
public struct Limits: Sendable, Hashable {
    public var broadcastRate: UInt32
    public var broadcastBurst: UInt32
    public var neighborRate: UInt32
    public var neighborBurst: UInt32

    public init(broadcastRate: UInt32, broadcastBurst: UInt32, neighborRate: UInt32, neighborBurst: UInt32) {
        self.broadcastRate = broadcastRate
        self.broadcastBurst = broadcastBurst
        self.neighborRate = neighborRate
        self.neighborBurst = neighborBurst
    }

    public static let `default` = Limits(broadcastRate: 2000, broadcastBurst: 4000, neighborRate: 1000, neighborBurst: 4000)
    public static let none = Limits(broadcastRate: 0, broadcastBurst: 0, neighborRate: 0, neighborBurst: 0)
}
