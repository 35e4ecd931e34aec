import Datapath
import Glibc
import Lab
import Netlink
import Policy

/// How long changes take: loading, guarding a whole host, one port, new addresses. Times are this machine's.
struct Changes: Codable {
    /// How many ports there were meanwhile.
    let ports: Int
    /// Programs verified and loaded, maps made, all of it pinned: milliseconds.
    let load: Spread
    /// All ports guarded from nothing: milliseconds, of which the bindings are written to attached ports in a part.
    let guardAll: Spread
    /// One port that has just been plugged in, closed and bound: microseconds.
    let hotPlug: Spread
    /// New addresses for a guest that is running: microseconds.
    let newAddresses: Spread
    /// Bytes of kernel memory of each map, whatever the number of guests.
    let maps: [String: UInt64]

    var memory: UInt64 { maps.values.reduce(0, +) }
}

extension Changes {
    /// Measures on a bridge with so many ports.
    static func measure(ports count: Int, repeats: Int, progress: Progress) throws -> Changes {
        progress.update("changes: building a network of \(count) ports")
        let guests = Guest.all(count)
        let network = try BridgedNetwork(guests: [])
        let (ports, crowd) = try network.addPorts(count)
        defer { withExtendedLifetime(crowd) {} }
        let uplink = network.outside.portIndex
        progress.update("changes: loading the programs")
        let load = try network.host.run {
            try (0..<repeats).map { _ in
                try Datapath.uninstall()
                return try milliseconds { _ = try Datapath.load() }
            }
        }
        progress.update("changes: guarding \(count) ports")
        let all = try (0..<repeats).map { _ in
            try network.host.run { try Datapath.uninstall() }
            return try milliseconds { _ = try network.guardAll(uplink: uplink, guests: guests, ports: ports, way: nil) }
        }
        progress.update("changes: new addresses")
        let datapath = try network.host.run { try Datapath.open() }
        let addresses = try newAddresses(network, datapath, guests, ports)
        progress.update("changes: plugging in")
        let hotPlug = try plug(network, datapath, count: 20, after: guests.count)
        let maps = try network.host.run { try datapath.mapSizes() }
        return Changes(
            ports: count, load: Spread(load), guardAll: Spread(all), hotPlug: Spread(hotPlug), newAddresses: Spread(addresses), maps: maps)
    }

    /// Every guest in turn gets another IPv4 address while its port is attached, several times over.
    private static func newAddresses(_ network: BridgedNetwork, _ datapath: Datapath, _ guests: [Guest], _ ports: [Link]) throws -> [Double] {
        try network.host.run {
            try (1...2000).map { number in
                let place = number % guests.count
                var binding = guests[place].binding
                binding.addresses4 = Guest(number: 2000 + number).binding.addresses4
                let port = network.port(ports[place])
                return try milliseconds { try datapath.bind(binding, to: port) } * 1000
            }
        }
    }

    /// What a hot-plug script does, for one new port after another.
    private static func plug(_ network: BridgedNetwork, _ datapath: Datapath, count: Int, after present: Int) throws -> [Double] {
        try network.host.run {
            try (1...count).map { number in
                let link = try Link.create("plugged\(number)", .veth(), .up, .master(network.bridgeIndex))
                let port = network.port(link)
                return try milliseconds {
                    try datapath.close(port)
                    try datapath.bind(Guest(number: present + number).binding, to: port)
                } * 1000
            }
        }
    }
}

/// How long it takes, as a clock on the wall sees it.
private func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    try ContinuousClock().measure(body) / .milliseconds(1)
}
