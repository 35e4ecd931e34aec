import Datapath
import Enforcement
import Lab
import Netlink
import Policy

/// What stands between a bridge's ports.
enum Engine: String, Sendable, CaseIterable, Codable {
    case plain
    case tcx
    case clsact
    case classic
    case verdictMap = "nft-map"
    case chainPerGuest = "nft-chains"
    case ebtables

    /// The heading of its column.
    var title: String {
        switch self {
        case .plain: "plain bridge"
        case .tcx: "Vifguard (tcx)"
        case .clsact: "Vifguard (clsact)"
        case .classic: "2008 rules"
        case .verdictMap: "nft verdict map"
        case .chainPerGuest: "nft chain a guest"
        case .ebtables: "ebtables chains"
        }
    }

    /// Whether a host may lack it: a kernel before 6.6 has no tcx, a small system no iptables or
    /// nft. Its column is left empty then.
    var isOptional: Bool { self != .plain && self != .clsact }

    /// Whether it is ours, and must stop every spoof.
    var isOurs: Bool { self == .tcx || self == .clsact }

    /// Guards the network, whose ports are in the order of its guests.
    ///
    /// - Parameter others: further bridges of its host; rule lists leave them alone.
    func install(in network: BridgedNetwork, guests: [Guest], ports: [Link], others: [OtherBridge] = []) throws {
        func apply(_ way: AttachmentWay) throws {
            var policy = network.policy(guests, ports)
            policy.bridges += others.map(\.policy)
            policy.interfaces += others.flatMap(\.interfaces)
            let wanted = policy
            let room = others.isEmpty ? Datapath.defaultPorts : Datapath.portBounds.upperBound
            try network.host.run { _ = try network.apply(wanted, Datapath.load(ports: room), way: way) }
        }
        switch self {
        case .plain: break
        case .tcx: try apply(.tcx)
        case .clsact: try apply(.clsact)
        case .classic: try ClassicRules(guests: guests, ports: ports.map(\.name)).load(in: network.host)
        case .verdictMap: try PeerRules.verdictMap.load(guests, on: ports.map(\.name), in: network.host)
        case .chainPerGuest: try PeerRules.chainPerGuest.load(guests, on: ports.map(\.name), in: network.host)
        case .ebtables: try PeerRules.ebtables.load(guests, on: ports.map(\.name), in: network.host)
        }
    }
}

extension BridgedNetwork {
    func port(_ link: Link) -> Port { Port(index: link.index, name: link.name, bridgeIndex: bridgeIndex, bridgeName: bridge) }

    /// These guests on these ports, and the uplink.
    func policy(_ guests: [Guest], _ ports: [Link]) -> HostPolicy {
        let bridge = BridgePolicy(name: bridge, uplinks: [outside.port], gatewayMACs: [Outside.mac])
        return HostPolicy(
            bridges: [bridge],
            interfaces: zip(guests, ports).map { GuestInterface(port: $1.name, bridge: bridge.name, binding: $0.binding) })
    }

    /// `vifguard apply`, in the host's namespace.
    ///
    /// - Throws: also if a step of it failed.
    @discardableResult
    func apply(_ policy: HostPolicy, _ datapath: Datapath, way: AttachmentWay? = nil) throws -> Enforcement.Report {
        let report = try Apply.perform(policy, datapath: datapath, way: way)
        if let failure = report.failures.first { throw LabError(action: "guard \(failure.step.port.name)", reason: failure.message) }
        if let fault = report.plan.faults.first { throw LabError(action: "guard the bridge", reason: "\(fault)") }
        return report
    }
}
