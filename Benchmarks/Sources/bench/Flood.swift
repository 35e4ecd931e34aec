import Foundation
import Lab
import Netlink
import Policy

/// What a guest's neighbour and the agent have of a guest that floods with somebody else's address.
struct Flood: Codable {
    let ports: Int
    let rounds: Int
    /// The neighbour's frames a second from outside with the flood, as a ratio to those without, in the same round.
    let plain: Spread
    let guarded: Spread
    /// The neighbour's frames a second on the guarded bridge, as a ratio to the plain one.
    let quiet: Spread
    let flooded: Spread
    /// Frames a second, of this machine: the neighbour's on either, without and with the flood.
    let rates: [String: Spread]
    /// Spoofed frames a second, into the guarded bridge.
    let spoofs: Spread
    /// Of a core, of this machine, while it is flooded; and while it isn't.
    let agentCPU: Spread
    let agentCPUQuiet: Double
    /// Bytes, before the floods and after them.
    let memoryBefore: Int
    let memoryAfter: Int
    /// Seconds from the first frame until each names the guest.
    let seenByTop: Spread
    let seenInEvents: Spread
}

/// A bridge with a guest that floods, its neighbour, and others who are silent.
private final class FloodedNetwork {
    let network: BridgedNetwork
    let ports: [Link]
    private let crowd: NetworkNamespace
    private let flooder: FrameSender
    private let outside: FrameSender
    private let spoof: [UInt8]
    private let honest: [UInt8]
    static let guests = Guest.all(16)

    init() throws {
        let (first, second) = (Self.guests[0], Self.guests[1])
        network = try BridgedNetwork(guests: [first.mac, second.mac])
        let (bulk, crowd) = try network.addPorts(Self.guests.count - 2)
        self.crowd = crowd
        let network = network
        ports = try network.host.run { try network.guests.map { try Link.numbered($0.portIndex) } } + bulk
        flooder = try network.guests[0].sender()
        outside = try network.outside.sender()
        let spoofs = Traffic.all(guest: first, other: nil, stranger: second).filter { if case .spoofed(.ipv4) = $0.kind { true } else { false } }
        let toSecond = Traffic.all(guest: second, other: nil, stranger: first).filter {
            if case .forwarded(.uplinkToGuest, .ipv4) = $0.kind { true } else { false }
        }
        guard let spoof = spoofs.first, let honest = toSecond.first else { throw LabError(action: "flood", reason: "there is no such frame") }
        (self.spoof, self.honest) = (spoof.frame, honest.frame)
        let uplink = try network.host.run { try Link.named(network.outside.port) }
        try network.settle(Self.guests, ports, uplink)
    }

    func startFlood() -> FrameStream { FrameStream(spoof, from: flooder) }

    /// Frames a second that arrive at the neighbour's card.
    func rate(flooded: Bool, seconds: Double) throws -> Double {
        try Interruption.check()
        let flood = flooded ? startFlood() : nil
        let stream = FrameStream(honest, from: outside)
        usleep(50_000)
        let (before, begun) = (try received(), ContinuousClock.now)
        usleep(UInt32(seconds * 1e6))
        let (after, ended) = (try received(), ContinuousClock.now)
        try stream.stop()
        try flood?.stop()
        return Double(after - before) / (begun.duration(to: ended) / .seconds(1))
    }

    private func received() throws -> Int {
        let neighbour = network.guests[1]
        return try neighbour.namespace.run {
            try Link.named(neighbour.interface).count("rx")
        }
    }
}

/// Two of them, one with nothing that guards it and one with the agent.
final class FloodComparison {
    private let plain: FloodedNetwork
    private let guarded: FloodedNetwork
    private let host: AgentHost
    private let progress: Progress

    init(binary: String, progress: Progress) throws {
        progress.update("flood: building two networks")
        self.progress = progress
        plain = try FloodedNetwork()
        guarded = try FloodedNetwork()
        host = try AgentHost(binary: binary, network: guarded.network, policy: guarded.network.policy(FloodedNetwork.guests, guarded.ports))
        try host.start()
        try host.waitUntilQuiet()
    }

    func measure(rounds: Int, floods: Int) throws -> Flood {
        let memoryBefore = try host.process.memory()
        let idle = try cpu(seconds: 5)
        let rates = try compare(rounds)
        var (cpus, spoofs, top, events): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        for number in 1...floods {
            progress.update("flood: \(number) of \(floods), until it is seen")
            // Those before must be over for as long as events are looked for.
            for _ in 0..<13 {
                try Interruption.check()
                _ = host.agent?.errorsSoFar
                sleep(1)
            }
            events.append(try seconds { try host.events(since: "10s").split(separator: "\n").contains(where: namesFlooder) })
            top.append(try seconds { try topNamesFlooder() })
            let flood = guarded.startFlood()
            let begun = ContinuousClock.now
            cpus.append(try cpu(seconds: 5))
            spoofs.append(Double(flood.count) / (begun.duration(to: .now) / .seconds(1)))
            try flood.stop()
        }
        func ratios(_ one: Case, _ other: Case) -> Spread { Spread(zip(rates[one, default: []], rates[other, default: []]).map(/)) }
        return Flood(
            ports: FloodedNetwork.guests.count, rounds: rounds, plain: ratios(.plainFlooded, .plain), guarded: ratios(.guardedFlooded, .guarded),
            quiet: ratios(.guarded, .plain), flooded: ratios(.guardedFlooded, .plainFlooded),
            rates: Dictionary(uniqueKeysWithValues: rates.map { ($0.key.rawValue, Spread($0.value)) }), spoofs: Spread(spoofs),
            agentCPU: Spread(cpus), agentCPUQuiet: idle, memoryBefore: memoryBefore, memoryAfter: try host.process.memory(),
            seenByTop: Spread(top), seenInEvents: Spread(events))
    }

    private enum Case: String, CaseIterable { case plain, plainFlooded, guarded, guardedFlooded }

    /// Each once a round, another one first each time.
    private func compare(_ rounds: Int) throws -> [Case: [Double]] {
        var rates: [Case: [Double]] = [:]
        for round in 0..<rounds {
            progress.update("flood: round \(round + 1) of \(rounds)")
            for place in Case.allCases.indices {
                let one = Case.allCases[(place + round) % Case.allCases.count]
                let network = one == .plain || one == .plainFlooded ? plain : guarded
                rates[one, default: []].append(try network.rate(flooded: one == .plainFlooded || one == .guardedFlooded, seconds: 0.5))
            }
        }
        return rates
    }

    /// Of a core, by the agent.
    private func cpu(seconds: UInt32) throws -> Double {
        let process = try host.process
        let (before, begun) = (try process.seconds(), ContinuousClock.now)
        sleep(seconds)
        return try (process.seconds() - before) / (begun.duration(to: .now) / .seconds(1))
    }

    /// From a flood's first frame until the condition holds.
    private func seconds(until isSeen: () throws -> Bool) throws -> Double {
        let flood = guarded.startFlood()
        let begun = ContinuousClock.now
        try wait(for: "the flood to be seen", every: 10_000, until: isSeen)
        let seconds = milliseconds(since: begun) / 1000
        try flood.stop()
        return seconds
    }

    private struct Event: Decodable {
        var guest: String?
        var packets: UInt64
    }

    /// Whether the event tells of the flood: more than a few frames of that guest.
    private func namesFlooder(_ line: Substring) throws -> Bool {
        let event = try JSONDecoder().decode(Event.self, from: Data(line.utf8))
        return event.guest == FloodedNetwork.guests[0].binding.guest && event.packets >= 1000
    }

    private struct Snapshot: Decodable {
        struct Port: Decodable {
            struct Side: Decodable {
                struct Rate: Decodable { var packetsPerSecond: Double }
                var dropped: Rate
            }
            var guest: String?
            var sent: Side
        }
        var ports: [Port]
    }

    /// A thousand a second are what `top` calls a flood.
    private func topNamesFlooder() throws -> Bool {
        let text = try host.output(of: "top", "--once", "--json", "--interval", "1")
        let snapshot = try JSONDecoder().decode(Snapshot.self, from: Data(text.utf8))
        return snapshot.ports.contains { $0.guest == FloodedNetwork.guests[0].binding.guest && $0.sent.dropped.packetsPerSecond >= 1000 }
    }
}
