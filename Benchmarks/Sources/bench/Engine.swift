import Datapath
import Lab
import Netlink
import Policy

/// What stands between a bridge's ports.
enum Engine: String, Sendable, CaseIterable, Codable {
    case plain
    case tcx
    case clsact
    case classic

    /// The heading of its column.
    var title: String {
        switch self {
        case .plain: "plain bridge"
        case .tcx: "Vifguard (tcx)"
        case .clsact: "Vifguard (clsact)"
        case .classic: "2008 rules"
        }
    }

    /// Whether a host may lack it: a kernel before 6.6 has no tcx, a small system no iptables. Its column is left empty then.
    var isOptional: Bool { self == .tcx || self == .classic }

    /// Guards the network, whose ports are in the order of its guests.
    func install(in network: BridgedNetwork, uplink: InterfaceIndex, guests: [Guest], ports: [Link]) throws {
        switch self {
        case .plain: break
        case .tcx: try network.guardAll(uplink: uplink, guests: guests, ports: ports, way: .tcx)
        case .clsact: try network.guardAll(uplink: uplink, guests: guests, ports: ports, way: .clsact)
        case .classic: try ClassicRules(guests: guests, ports: ports.map(\.name)).load(in: network.host)
        }
    }
}

extension BridgedNetwork {
    /// The bridge itself, as the guard knows it.
    var bridgePort: Port { Port(bridgeIndex: bridgeIndex, bridgeName: bridge) }

    func port(_ link: Link) -> Port { Port(index: link.index, name: link.name, bridgeIndex: bridgeIndex, bridgeName: bridge) }

    /// The owners' table of the bridge when these guests are on these ports.
    func owners(_ guests: [Guest], _ ports: [Link]) -> OwnerTable {
        var table = OwnerTable()
        table.reserve(Outside.mac)
        table.reserve(bridgeMACAddress)
        for (guest, port) in zip(guests, ports) { table.add(guest.binding, port: port.index) }
        return table
    }

    /// All six programs, a binding on every port, and the table of owners: as after `vifguard apply`.
    @discardableResult
    func guardAll(uplink: InterfaceIndex, guests: [Guest], ports: [Link], way: AttachmentWay?) throws -> Datapath {
        try host.run {
            let datapath = try Datapath.load()
            try datapath.write(owners(guests, ports), bridge: bridgeIndex)
            try datapath.guardBridge(bridgePort, way: way)
            try datapath.guardUplink(port(Link.numbered(uplink)), mode: .audit, way: way)
            try datapath.close(ports.map(port), way: way)
            for (guest, link) in zip(guests, ports) { try datapath.bind(guest.binding, to: port(link), way: way) }
            return datapath
        }
    }
}
