import Lab
import Netlink
import Policy

/// A further bridge of a host, with an uplink and as many guests, all of them silent.
struct OtherBridge: Sendable {
    let name: String
    private let uplink: String
    private let guests: [Guest]
    private let ports: [String]

    /// - Parameters:
    ///   - number: from 1; its guests' numbers follow those of the bridges before it.
    ///   - crowd: where the other ends of the cables are.
    init(number: Int, guests count: Int, host: NetworkNamespace, crowd: NetworkNamespace) throws {
        let name = "other\(number)"
        let (uplink, ports) = ("up\(number)", (1...count).map { "o\(number)p\($0)" })
        try host.run {
            let bridge = try Link.create(name, .bridge, .up)
            let requests = ([uplink] + ports).map { port in
                Link.request(creating: port, .veth(peer: port, namespace: crowd.descriptor), [.up, .master(bridge.index)])
            }
            if let error = try NetlinkSocket().performAll(requests).compactMap(\.self).first { throw error }
        }
        try crowd.run {
            let mine = Set([uplink] + ports)
            let ends = try Link.all().filter { mine.contains($0.name) }
            let requests = ends.map { Link.request(changing: $0.index, named: $0.name, [.up]) }
            if let error = try NetlinkSocket().performAll(requests).compactMap(\.self).first { throw error }
            // So that nothing of it is still going on when frames are measured.
            for end in ends { try wait(for: "\(end.name) to run", every: 1000) { try Link.numbered(end.index).isRunning } }
        }
        self.name = name
        self.uplink = uplink
        self.ports = ports
        guests = (1...count).map { Guest(number: number * count + $0) }
    }

    var policy: BridgePolicy { BridgePolicy(name: name, uplinks: [uplink]) }

    var interfaces: [GuestInterface] {
        zip(guests, ports).map { GuestInterface(port: $1, bridge: name, binding: $0.binding) }
    }
}
