import Datapath
import Enforcement
import Lab
import Netlink
import Policy

/// How long changes take: loading, guarding a whole host, one port, new addresses. Times are this machine's.
struct Changes: Codable {
    /// How many ports there were meanwhile.
    let ports: Int
    /// Programs verified and loaded, maps made, all of it pinned: milliseconds.
    let load: Spread
    /// `apply`: every port guarded from nothing, with forwarding entries and flags: milliseconds.
    let applyFirst: Spread
    /// `apply` where all is as the policy says: milliseconds.
    let applyAgain: Spread
    /// `attach` of a port that has just been plugged in, with all that belongs to it: milliseconds.
    let attach: Spread
    /// Of that, the kernel's side of the port alone, closed and then bound: milliseconds.
    let closeAndBind: Spread
    /// New addresses for a guest that is running, on its port alone: microseconds.
    let newAddresses: Spread
    /// Bytes of kernel memory of each map.
    let maps: [String: UInt64]
    let frames: [Continuity]

    var memory: UInt64 { maps.values.reduce(0, +) }
}

/// A guarded bridge whose guests come, go and change.
struct ChangingNetwork {
    let guests: [Guest]
    let progress: Progress
    let network: BridgedNetwork
    let ports: [Link]
    let crowd: NetworkNamespace

    /// - Parameter size: how many ports; no fewer than speak.
    init(ports size: Int, progress: Progress) throws {
        let count = max(size, Watch.guests)
        progress.update("changes: building a network of \(count) ports")
        guests = Guest.all(count)
        self.progress = progress
        network = try BridgedNetwork(guests: [])
        (ports, crowd) = try network.addPorts(count)
    }

    func measure(repeats: Int) throws -> Changes {
        progress.update("changes: loading the programs")
        let load = try load(repeats)
        progress.update("changes: guarding \(guests.count) ports")
        let (first, again) = try apply(repeats)
        progress.update("changes: ports plugged in, new addresses")
        let (network, datapath) = (network, try network.host.run { try Datapath.open() })
        return Changes(
            ports: guests.count, load: Spread(load), applyFirst: Spread(first), applyAgain: Spread(again),
            attach: try Spread(attach(datapath)), closeAndBind: try Spread(closeAndBind(datapath)),
            newAddresses: try Spread(newAddresses(datapath)), maps: try network.host.run { try datapath.mapSizes() },
            frames: try watchFrames(repeats: repeats))
    }

    private func load(_ repeats: Int) throws -> [Double] {
        try network.host.run {
            try (0..<repeats).map { _ in
                try Datapath.uninstall()
                return try milliseconds { _ = try Datapath.load() }
            }
        }
    }

    /// From nothing, and once more.
    private func apply(_ repeats: Int) throws -> (first: [Double], again: [Double]) {
        let (network, policy) = (network, network.policy(guests, ports))
        var (first, again): ([Double], [Double]) = ([], [])
        for _ in 0..<repeats {
            let times = try network.host.run {
                _ = try Uninstall.perform()
                let datapath = try Datapath.load()
                return try [0, 1].map { _ in try milliseconds { _ = try network.apply(policy, datapath) } }
            }
            first.append(times[0])
            again.append(times[1])
        }
        return (first, again)
    }

    /// A port that has joined its bridge a moment ago, and the guest it is for.
    private func plug(_ name: String, _ number: Int) throws -> (Guest, Link) {
        (Guest(number: guests.count + number), try Link.create(name, .veth(), .up, .master(network.bridgeIndex)))
    }

    private func attach(_ datapath: Datapath) throws -> [Double] {
        let bridge = network.policy([], []).bridges[0]
        return try network.host.run {
            try (1...10).map { number in
                let (guest, link) = try plug("attached\(number)", number)
                return try milliseconds {
                    let report = try Hotplug.attach(link.name, to: bridge, guest.binding, datapath: datapath)
                    if let failure = report.failures.first { throw LabError(action: "attach \(link.name)", reason: failure.message) }
                }
            }
        }
    }

    private func closeAndBind(_ datapath: Datapath) throws -> [Double] {
        try network.host.run {
            try (11...20).map { number in
                let (guest, link) = try plug("bound\(number)", number)
                let port = network.port(link)
                return try milliseconds {
                    try datapath.close(port)
                    try datapath.bind(guest.binding, to: port)
                }
            }
        }
    }

    /// Every guest in turn gets another IPv4 address while its port is attached.
    private func newAddresses(_ datapath: Datapath) throws -> [Double] {
        try network.host.run {
            try (1...2000).map { number in
                let place = number % guests.count
                var binding = guests[place].binding
                binding.addresses4 = Guest(number: 2000 + number).binding.addresses4
                let port = network.port(ports[place])
                return try microseconds { try datapath.bind(binding, to: port) }
            }
        }
    }
}

/// How long it takes, as a clock on the wall sees it.
private func time(_ body: () throws -> Void) throws -> Duration {
    try Interruption.check()
    return try ContinuousClock().measure(body)
}

private func milliseconds(_ body: () throws -> Void) throws -> Double { try time(body) / .milliseconds(1) }
private func microseconds(_ body: () throws -> Void) throws -> Double { try time(body) / .microseconds(1) }
