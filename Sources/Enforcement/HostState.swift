import Addresses
import Datapath
import Netlink
import Policy

/// A host as it was found: its interfaces and bridges, and what the kernel's side of the guard says. A value: a plan is
/// made from it and from a policy alone, so a test makes one by hand.
public struct HostState: Sendable, Hashable {
    /// Every interface of the network namespace, by number.
    public var interfaces: [InterfaceIndex: Interface]
    /// Every bridge, by number.
    public var bridges: [InterfaceIndex: BridgeDevice]
    /// Every interface that has a record, by number. Its interface may be gone.
    public var guarded: [InterfaceIndex: GuardedPort]
    /// What DHCP has given by maps that are about to be replaced, by the port's number; new maps have no record of it yet.
    public var formerLeases: [InterfaceIndex: [Lease]] = [:]
    /// The guest's MAC behind a port, by the port's number, where the hypervisor says so: for bindings that name no port.
    public var reportedMACs: [InterfaceIndex: MACAddress]
    /// Whether an interface made from now on is born without IPv6 (net/ipv6/conf/default/disable_ipv6): what a released
    /// port goes back to.
    public var isBornWithoutIPv6: Bool
    /// When this was so, nanoseconds of CLOCK_BOOTTIME: by it leases have expired or not.
    public var time: UInt64

    public init(
        interfaces: [Interface] = [], bridges: [BridgeDevice] = [], guarded: [GuardedPort] = [],
        reportedMACs: [InterfaceIndex: MACAddress] = [:], isBornWithoutIPv6: Bool = false, time: UInt64 = 0
    ) {
        self.interfaces = Dictionary(interfaces.map { ($0.index, $0) }, uniquingKeysWith: { $1 })
        self.bridges = Dictionary(bridges.map { ($0.index, $0) }, uniquingKeysWith: { $1 })
        self.guarded = Dictionary(guarded.map { ($0.port.index, $0) }, uniquingKeysWith: { $1 })
        self.reportedMACs = reportedMACs
        self.isBornWithoutIPv6 = isBornWithoutIPv6
        self.time = time
    }

    /// An interface, and how it is set as a port if it is one.
    public struct Interface: Sendable, Hashable {
        public var index: InterfaceIndex
        public var name: String
        public var macAddress: MACAddress?
        /// The bridge it is a port of.
        public var bridge: InterfaceIndex?
        /// As its bridge sees it; a field is nil where this kernel doesn't know it.
        public var settings: BridgePort.Settings
        /// nil where the kernel has no IPv6.
        public var isWithoutIPv6: Bool?

        public init(
            index: InterfaceIndex, name: String, macAddress: MACAddress? = nil, bridge: InterfaceIndex? = nil,
            settings: BridgePort.Settings = BridgePort.Settings(), isWithoutIPv6: Bool? = nil
        ) {
            self.index = index
            self.name = name
            self.macAddress = macAddress
            self.bridge = bridge
            self.settings = settings
            self.isWithoutIPv6 = isWithoutIPv6
        }
    }

    /// A bridge, with what the host itself uses on it.
    public struct BridgeDevice: Sendable, Hashable {
        public var index: InterfaceIndex
        public var name: String
        /// nil where this kernel doesn't know the option.
        public var hasNoLinkLocalLearning: Bool?
        /// Of the bridge interface, and of VLAN and macvlan interfaces on top of it.
        public var hostAddresses: [IPAddress]
        public var hostMACs: [MACAddress]
        /// What isn't a port's own address.
        public var forwarding: Set<ForwardingEntry>
        /// What the kernel's tables of owners say; empty for a bridge that isn't guarded.
        public var owners: BridgeOwners

        public init(
            index: InterfaceIndex, name: String, hasNoLinkLocalLearning: Bool? = nil, hostAddresses: [IPAddress] = [],
            hostMACs: [MACAddress] = [], forwarding: Set<ForwardingEntry> = [], owners: BridgeOwners = BridgeOwners()
        ) {
            self.index = index
            self.name = name
            self.hasNoLinkLocalLearning = hasNoLinkLocalLearning
            self.hostAddresses = hostAddresses
            self.hostMACs = hostMACs
            self.forwarding = forwarding
            self.owners = owners
        }
    }

    /// An entry of a bridge's forwarding database, outside of any VLAN.
    public struct ForwardingEntry: Sendable, Hashable {
        public var mac: MACAddress
        public var port: InterfaceIndex
        public var kind: Kind

        public enum Kind: Sendable, Hashable {
            /// From frames that came in by the port; ages.
            case learned
            /// Written by somebody with the right to, but moves to another port that learns.
            case fixed
            /// Written, and stays: ours, or an operator's.
            case sticky
        }

        public init(mac: MACAddress, port: InterfaceIndex, _ kind: Kind) {
            self.mac = mac
            self.port = port
            self.kind = kind
        }
    }

    /// An interface with a record, as the kernel program knows it.
    public struct GuardedPort: Sendable, Hashable {
        /// As it was given when the record was written.
        public var port: Port
        public var kind: PortKind
        /// With what is leased, normalized; nil for an uplink, a bridge and a closed port.
        public var binding: Binding?
        /// What of it DHCP has given, expired leases too.
        public var leases: [Lease]
        /// Of an uplink.
        public var mode: Mode
        /// Broadcast addresses that may be a destination (rule G4).
        public var broadcasts: Set<IPv4Address>
        /// Where a program of ours runs. None: the interface isn't the one the record was written for.
        public var hooks: Set<Hook>

        public init(
            port: Port, kind: PortKind, binding: Binding? = nil, leases: [Lease] = [], mode: Mode = .enforce,
            broadcasts: Set<IPv4Address> = [], hooks: Set<Hook> = Set(Hook.allCases)
        ) {
            self.port = port
            self.kind = kind
            self.binding = binding
            self.leases = leases
            self.mode = mode
            self.broadcasts = broadcasts
            self.hooks = hooks
        }

        /// What was stated, without what is leased.
        public var listed: Binding? { binding?.without(leases) }
    }
}

extension HostState {
    /// The bridge of that name.
    package func bridge(named name: String) -> BridgeDevice? { bridges.values.first { $0.name == name } }

    /// The interface of that name.
    package func interface(named name: String) -> Interface? { interfaces.values.first { $0.name == name } }

    /// A bridge's ports, by number.
    package func ports(of bridge: InterfaceIndex) -> [Interface] {
        interfaces.values.filter { $0.bridge == bridge }.sorted { $0.index < $1.index }
    }
}
