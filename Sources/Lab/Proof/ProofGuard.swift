import Addresses
import Datapath
import Netlink
import Policy

/// The guard on the network of the second pass, with pins of its own in its namespace.
final class ProofGuard {
    private let network: ProofNetwork
    private let datapath: Datapath

    /// Puts the stage's policy in force.
    init(_ network: ProofNetwork) throws {
        self.network = network
        datapath = try network.host.run { try Datapath.load() }
        try guardBridge()
        for site in Site.guests where site != .stranger { try bind(site) }
    }

    // MARK: Bindings

    /// Gives a guest's port its binding, or another.
    func bind(_ site: Site, _ binding: Binding? = nil) throws {
        let port = try port(of: site)
        let binding = binding ?? Stage.binding(of: site)!
        try network.host.run { [datapath] in
            try datapath.bind(binding, to: port, subnets: [Stage.subnet4])
            try ForwardingDatabase.replaceSticky(binding.macs, on: port.index)
            try Self.settle(port, binding)
        }
        try writeOwners()
    }

    /// Only the binding: what a change of a running guest's addresses comes to.
    func rebind(_ site: Site, _ binding: Binding) throws {
        let port = try port(of: site)
        try network.host.run { [datapath] in try datapath.bind(binding, to: port, subnets: [Stage.subnet4]) }
    }

    /// Says of a port that nobody vouches for it.
    func close(_ site: Site) throws {
        let port = try port(of: site)
        try network.host.run { [datapath] in
            try datapath.close(port)
            try Self.settle(port, nil)
        }
    }

    /// Takes the programs off a guest's port.
    func detach(_ site: Site) throws {
        let port = network.port(of: site)
        try network.host.run { [datapath] in try datapath.detach(port) }
    }

    // MARK: Counters

    /// How many frames were dropped for that reason.
    func count(of reason: Reason, at place: CountingPlace) throws -> UInt64 { try side(place).dropped[reason]?.packets ?? 0 }

    /// How many were let pass though they broke that rule.
    func audited(_ reason: Reason, at place: CountingPlace) throws -> UInt64 { try side(place).audited[reason]?.packets ?? 0 }

    private func side(_ place: CountingPlace) throws -> Counters.Side {
        let port = network.port(of: place.site)
        let counters = try network.host.run { [datapath] in try datapath.port(port)?.counters ?? Counters() }
        switch place {
        case .from: return counters.into
        case .to: return counters.out
        }
    }

    // MARK: The bridge

    private func port(of site: Site) throws -> Port {
        Port(index: network.port(of: site), name: site.port, bridgeIndex: network.bridgeIndex, bridgeName: Stage.bridge)
    }

    private func guardBridge() throws {
        let bridge = Port(bridgeIndex: network.bridgeIndex, bridgeName: Stage.bridge)
        let uplink = try port(of: .outside)
        try writeOwners()
        try network.host.run { [datapath] in
            try datapath.guardBridge(bridge)
            try datapath.guardUplink(uplink, mode: .enforce)
            try ForwardingDatabase.replaceSticky([Stage.gateway.mac], on: uplink.index)
            var settings = Bridge.Settings()
            settings.noLinkLocalLearning = true
            try Bridge.named(Stage.bridge).write(settings)
        }
    }

    private func writeOwners() throws {
        var table = OwnerTable(
            Stage.policy.bridges[0], hostAddresses: Stage.hostAddresses.addresses, hostMACs: Stage.hostAddresses.macs)
        for interface in Stage.policy.interfaces {
            let site = Site.guests.first { $0.port == interface.port }
            table.add(interface.binding, port: site.map { network.port(of: $0) })
        }
        let (bridge, owners) = (network.bridgeIndex, table)
        try network.host.run { [datapath] in try datapath.write(owners, bridge: bridge) }
    }

    /// How a bridge treats a guest's port (policy.md, section 9).
    private static func settle(_ port: Port, _ binding: Binding?) throws {
        var settings = BridgePort.Settings()
        settings.learning = !(binding?.virtualRouters.isEmpty ?? true)
        settings.unicastFlood = false
        settings.bpduGuard = true
        settings.multicastRouter = .never
        try BridgePort.numbered(port.index).write(settings)
        try InterfaceSetting.disableIPv6.set(1, for: port.name)
    }
}
