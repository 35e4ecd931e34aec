import Addresses
import Netlink
import Policy
import Reporting

/// The bridges of a host as a policy would name them.
public struct HostBridges: Sendable {
    public var bridges: [BridgePolicy] = []
    /// Ports of which it isn't known whose they are, and what is a guess.
    public var notes: [String] = []

    public init(bridges: [BridgePolicy] = [], notes: [String] = []) {
        self.bridges = bridges
        self.notes = notes
    }

    /// What of a host bears on its bridges: a value, so that a test makes one by hand.
    public struct Facts: Sendable {
        /// Every interface.
        public var links: [Link]
        public var addresses: [InterfaceAddress] = []
        public var routes: [Route] = []
        /// Interfaces that are hardware of the host's: a driver's, and not a hypervisor's for its guests.
        public var hardware: Set<InterfaceIndex> = []
        /// MACs behind ports, as written or learned.
        public var macs: [InterfaceIndex: [MACAddress]] = [:]

        public init(links: [Link]) { self.links = links }
    }

    /// Interfaces that lead out of a host though they are made of others.
    private static let outward: Set<String> = ["bond", "team", "vlan"]

    public init(_ facts: Facts) {
        for bridge in facts.links.filter(\.isBridge).sorted(by: { $0.name < $1.name }) { add(bridge, facts) }
    }

    private mutating func add(_ bridge: Link, _ facts: Facts) {
        let ports = facts.links.filter { $0.bridge == bridge.index }.sorted { $0.name < $1.name }
        let uplinks = ports.filter { facts.hardware.contains($0.index) || $0.kind.map(Self.outward.contains) == true }
        var policy = BridgePolicy(name: bridge.name, uplinks: uplinks.map(\.name))
        let own = facts.addresses.filter { $0.interface == bridge.index }
        for case .v4(let address) in own.map(\.address) {
            let length = own.first { $0.address == .v4(address) }?.prefixLength ?? 32
            guard let subnet = IPv4Prefix(masking: address, length: length), length < 31, !policy.subnets.contains(subnet) else { continue }
            policy.subnets.append(subnet)
        }
        for route in facts.routes where route.destination == nil && route.interface == bridge.index {
            guard let gateway = route.gateway, !Self.isLinkLocal(gateway), !policy.gateways.contains(gateway) else { continue }
            policy.gateways.append(gateway)
        }
        bridges.append(policy)
        if uplinks.isEmpty {
            notes.append("bridge \(bridge.name): no port of it leads out as far as can be seen; if one does, write it under uplinks")
        }
        for port in ports where !uplinks.contains(port) { note(port, bridge, facts) }
    }

    private mutating func note(_ port: Link, _ bridge: Link, _ facts: Facts) {
        let macs = (facts.macs[port.index] ?? []).sorted().prefix(4).map(\.description)
        let seen = macs.isEmpty ? "no MAC is known behind it" : "\(macs.joined(separator: ", ")) was seen behind it"
        notes.append("port \(port.name) of bridge \(bridge.name): \(seen); write its guest with its addresses, if it isn't below")
    }

    /// fe80::1 is reserved as it is, and another router's own is its own business.
    private static func isLinkLocal(_ address: IPAddress) -> Bool {
        if case .v6(let address) = address { address.isLinkLocal } else { false }
    }
}
