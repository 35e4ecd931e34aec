import Addresses

/// One host's whole policy: its guarded bridges and who may use which addresses on them.
public struct HostPolicy: Sendable, Hashable {
    public var bridges: [BridgePolicy]
    public var interfaces: [GuestInterface]
    /// Of guests that aren't among them, and are bound by their hypervisor.
    public var defaults: GuestDefaults

    public init(bridges: [BridgePolicy] = [], interfaces: [GuestInterface] = [], defaults: GuestDefaults = GuestDefaults()) {
        self.bridges = bridges
        self.interfaces = interfaces
        self.defaults = defaults
    }
}

/// One bridge to guard.
public struct BridgePolicy: Sendable, Hashable {
    /// The bridge's interface name.
    public var name: String
    /// Names of the ports that lead to the physical network.
    public var uplinks: [String]
    /// Gateways' addresses: reserved.
    public var gateways: [IPAddress]
    /// Gateways' MACs, where known: reserved, and pinned to the uplink in the forwarding database.
    public var gatewayMACs: [MACAddress]
    /// IPv4 subnets on the bridge, for their broadcast addresses.
    public var subnets: [IPv4Prefix]
    /// Further addresses and prefixes no guest may hold.
    public var reserved: [IPPrefix]
    /// Further MACs no guest may hold.
    public var reservedMACs: [MACAddress]
    /// What rules U1 and U2 do; audit unless configured.
    public var uplinkMode: Mode
    /// Whether guests of this bridge are kept from each other.
    public var isolatesGuests: Bool

    public init(
        name: String, uplinks: [String] = [], gateways: [IPAddress] = [], gatewayMACs: [MACAddress] = [],
        subnets: [IPv4Prefix] = [], reserved: [IPPrefix] = [], reservedMACs: [MACAddress] = [], uplinkMode: Mode = .audit,
        isolatesGuests: Bool = false
    ) {
        self.name = name
        self.uplinks = uplinks
        self.gateways = gateways
        self.gatewayMACs = gatewayMACs
        self.subnets = subnets
        self.reserved = reserved
        self.reservedMACs = reservedMACs
        self.uplinkMode = uplinkMode
        self.isolatesGuests = isolatesGuests
    }
}

/// One network card of a guest: where it is plugged and what it may use there.
public struct GuestInterface: Sendable, Hashable {
    /// The port's interface name; nil: any port of the bridge that shows the binding's MAC.
    public var port: String?
    /// The bridge's interface name.
    public var bridge: String
    public var binding: Binding

    public init(port: String?, bridge: String, binding: Binding) {
        self.port = port
        self.bridge = bridge
        self.binding = binding
    }
}
