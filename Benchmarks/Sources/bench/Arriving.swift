import Addresses
import Datapath
import Lab
import Netlink
import Policy

/// How long after a port has joined a bridge the agent is done with it, in milliseconds of this machine.
struct Joins: Codable {
    /// How many ports were on the bridge before.
    let ports: Int
    let joins: Int
    /// Both programs are there: a port that nobody knows.
    let closed: Spread
    /// Bound: a port that the policy names.
    let boundByName: Spread
    /// Bound: a tap whose MAC says whose it is.
    let boundByMAC: Spread
    /// Of all those times, the kernel's own for the request to join.
    let request: Spread
}

/// Many ports at once, in milliseconds.
struct Storm: Codable {
    let passing: Int
    let staying: Int
    /// Until every port that stayed was closed, and until nothing was left to do: from when the last had joined.
    let closed: Spread
    let settled: Spread
}

/// The agent comes to a host that is guarded.
struct Start: Codable {
    let ports: Int
    let ready: Spread
    /// Links that were attached anew.
    let attachedAnew: Int
    /// Bytes.
    let memory: Spread
    /// All the while, those without an agent included.
    let frames: Continuity
}

/// A bridge that ports join while the agent watches.
final class ArrivingPorts {
    private let guests: [Guest]
    private let host: AgentHost
    private let progress: Progress
    /// Where the other ends are.
    private let crowd: NetworkNamespace
    private let joins: Int

    private var network: BridgedNetwork { host.network }

    /// - Parameter joins: of each kind.
    init(ports count: Int, joins: Int, binary: String, progress: Progress) throws {
        progress.update("agent: building a network of \(count) ports")
        self.progress = progress
        self.joins = joins
        guests = Guest.all(count)
        let network = try BridgedNetwork(guests: [])
        let (ports, crowd) = try network.addPorts(count)
        self.crowd = crowd
        var policy = network.policy(guests, ports)
        for number in 1...joins {
            let (named, tap) = (Guest(number: count + number), Guest(number: count + joins + number))
            policy.interfaces.append(GuestInterface(port: "named\(number)", bridge: network.bridge, binding: named.binding))
            policy.interfaces.append(GuestInterface(port: nil, bridge: network.bridge, binding: tap.binding))
        }
        host = try AgentHost(binary: binary, network: network, policy: policy)
        try host.start()
    }

    // MARK: One by one

    func measureJoins() throws -> Joins {
        let datapath = try host.datapath()
        var requests: [Double] = []
        func times(_ kind: String, mac: (Int) -> MACAddress?, until isDone: @escaping @Sendable (InterfaceIndex) throws -> Bool) throws -> Spread {
            let ports = try plugIn(kind, mac)
            return Spread(
                try ports.enumerated().map { number, port in
                    progress.update("agent, \(guests.count) ports: \(kind), join \(number + 1) of \(ports.count)")
                    try host.waitUntilQuiet()
                    let (request, total) = try join(port, until: isDone)
                    requests.append(request)
                    return total
                })
        }
        let closed = try times("stranger", mac: { _ in nil }) { try datapath.attachments(of: $0).count == Hook.allCases.count }
        let isBound: @Sendable (InterfaceIndex) throws -> Bool = { try datapath.port($0, withTraffic: false)?.binding != nil }
        let named = try times("named", mac: { _ in nil }, until: isBound)
        let taps = try times("tap", mac: tapMAC, until: isBound)
        return Joins(ports: guests.count, joins: joins, closed: closed, boundByName: named, boundByMAC: taps, request: Spread(requests))
    }

    /// As libvirt makes it: the guest's, with `fe` in front.
    private func tapMAC(_ number: Int) -> MACAddress {
        let mac = Guest(number: guests.count + joins + number).mac
        return MACAddress(rawValue: 0xfe00_0000_0000 | (mac.rawValue & 0xff_ffff_ffff))
    }

    /// Ports in no bridge yet.
    private func plugIn(_ kind: String, _ mac: (Int) -> MACAddress?) throws -> [Link] {
        let macs = (1...joins).map(mac)
        let crowd = crowd.descriptor
        return try network.host.run {
            try macs.enumerated().map { place, mac in
                let name = "\(kind)\(place + 1)"
                let link = try Link.create(name, .veth(peer: name, namespace: crowd))
                if let mac { try link.change(.macAddress(mac)) }
                try link.change(.up)
                return link
            }
        }
    }

    /// Joins, waits and leaves: milliseconds of the request, and of all of it.
    private func join(_ port: Link, until isDone: @escaping @Sendable (InterfaceIndex) throws -> Bool) throws -> (request: Double, total: Double) {
        let bridge = network.bridgeIndex
        return try network.host.run {
            let begun = ContinuousClock.now
            try port.change(.master(bridge))
            let request = milliseconds(since: begun)
            try wait(for: "\(port.name) to be guarded", every: 20) { try isDone(port.index) }
            let total = milliseconds(since: begun)
            try port.change(.noMaster)
            return (request, total)
        }
    }

    // MARK: All at once

    func measureStorm(repeats: Int) throws -> Storm {
        let (passing, staying) = (500, 250)
        let datapath = try host.datapath()
        var (closed, settled): ([Double], [Double]) = ([], [])
        for number in 1...repeats {
            progress.update("agent: storm \(number) of \(repeats)")
            try host.waitUntilQuiet()
            // The namespace goes at once, and with it the other ends and the ports.
            _ = try joinAtOnce("passing", passing)
            let (ports, ends) = try joinAtOnce("staying", staying)
            let begun = ContinuousClock.now
            try network.host.run {
                try wait(for: "every port to be closed", every: 1000) {
                    try ports.allSatisfy { try datapath.attachments(of: $0).count == Hook.allCases.count }
                }
            }
            closed.append(milliseconds(since: begun))
            try wait(for: "nothing to be left to do", every: 20_000) { try isPast("passing") && host.isSettled(datapath) }
            settled.append(milliseconds(since: begun))
            withExtendedLifetime(ends) {}
            try network.host.run { for port in ports { try Link.numbered(port).delete() } }
        }
        return Storm(passing: passing, staying: staying, closed: Spread(closed), settled: Spread(settled))
    }

    private func joinAtOnce(_ name: String, _ count: Int) throws -> (ports: [InterfaceIndex], ends: NetworkNamespace) {
        let ends = try NetworkNamespace(name)
        let bridge = network.bridgeIndex
        let ports = try network.host.run {
            let names = (1...count).map { "\(name)\($0)" }
            let requests = names.map { name in
                Link.request(creating: name, .veth(peer: name, namespace: ends.descriptor), [.up, .master(bridge)])
            }
            if let error = try NetlinkSocket().performAll(requests).compactMap(\.self).first { throw error }
            return try Link.ports(of: bridge).filter { $0.name.hasPrefix(name) }.map(\.index)
        }
        return (ports, ends)
    }

    /// Whether the ports of that name are gone: the kernel takes its time with a namespace.
    private func isPast(_ name: String) throws -> Bool {
        let bridge = network.bridgeIndex
        return try network.host.run { try !Link.ports(of: bridge).contains { $0.name.hasPrefix(name) } }
    }

    // MARK: Starting

    func measureStart(repeats: Int) throws -> Start {
        try host.waitUntilQuiet()
        let before = try host.links()
        var (ready, memory): ([Double], [Double]) = ([], [])
        let frames = try Watch(network, crowd).during("the agent ended and started", times: repeats) { number in
            progress.update("agent: start \(number + 1) of \(repeats)")
            try host.stop()
            ready.append(try host.start())
            try host.waitUntilQuiet()
            memory.append(Double(try host.process.memory()))
        }
        let after = try host.links()
        let anew = after.filter { before[$0.key] != $0.value }.count
        return Start(ports: guests.count, ready: Spread(ready), attachedAnew: anew, memory: Spread(memory), frames: frames)
    }
}
