import Addresses
import EventStore
import Foundation
import Lab
import Packets
import Policy

/// All that is known of the guarded bridge: who is plugged in, what policy.md says of each frame (by `GuardModel`, which
/// knows nothing of the kernel's programs), what was sent, what has arrived, and so what must have been counted.
///
/// Guarded by `lock`: traffic and changes go on at once, and a frame is sent while it is clear which of them came first.
final class World: @unchecked Sendable {
    let network: SoakNetwork
    private let lock = NSLock()

    var policy: HostPolicy { didSet { remodel() } }
    private(set) var model: GuardModel
    private(set) var ports: [String: WatchedPort] = [:]
    /// The guest's number, of the crowd's.
    private(set) var plugged: Set<Int> = []
    var sent = 0, arrived = 0
    /// Of what the frames themselves were meant to break: independent of the model, and of where they went.
    var declared: [Reason: Int] = [:]
    /// Counters of ports that are gone, by direction.
    var retired: [Direction: Tally] = [:]
    private var clock: UInt64 = 1

    init(_ network: SoakNetwork, policy: HostPolicy) throws {
        self.network = network
        self.policy = policy
        model = GuardModel(policy, places: [])
        ports[SoakNetwork.bridge] = try WatchedPort(SoakNetwork.bridge, network.bridgeIndex, .bridge)
        ports[SoakNetwork.uplink] = try WatchedPort(SoakNetwork.uplink, network.uplinkIndex, .uplink, in: network.outside)
        remodel()
    }

    /// Keeps traffic and changes apart while the body runs.
    func exclusively<T>(_ body: (World) throws -> T) rethrows -> T {
        lock.lock()
        defer { lock.unlock() }
        return try body(self)
    }

    var uplink: WatchedPort { ports[SoakNetwork.uplink]! }

    // MARK: Who is there

    func add(_ port: WatchedPort) {
        ports[port.name] = port
        remodel()
    }

    func remove(_ name: String) {
        ports[name] = nil
        remodel()
    }

    private func remodel() {
        let places = ports.values.map { port in
            GuardModel.Place(name: port.name, index: port.index, bridge: SoakNetwork.bridge, kind: port.kind, mac: macByTap(port.name))
        }
        let host = GuardModel.HostAddresses(macs: [SoakPolicy.hostMAC])
        model = model.updated(policy, places: places, hostAddresses: [SoakNetwork.bridge: host])
        plugged = Set((1...SoakPolicy.crowd).filter { ports[SoakPolicy.port($0)] != nil })
    }

    /// Ports of those who come and go, by name.
    var comers: [String] { ports.keys.filter { name in !Site.guests.contains { $0.port == name } && ports[name]?.kind == .guest } }

    private func macByTap(_ name: String) -> MACAddress? {
        (1...SoakPolicy.crowd).first { SoakPolicy.isKnownByMAC($0) && SoakPolicy.port($0) == name }.map(SoakPolicy.mac)
    }

    /// The binding that is meant for a port; nil for one that nobody vouches for.
    func binding(of port: WatchedPort) -> Binding? { model.ports[port.index]?.binding }

    // MARK: Sending

    /// Where a frame goes that passed as it entered: to all others, or to the one that has its MAC.
    private func exits(of bytes: [UInt8], from port: WatchedPort) throws -> [WatchedPort] {
        if bytes[0] & 1 != 0 { return ports.values.filter { $0.name != port.name } }
        let mac = MACAddress(bytes: Array(bytes[..<6]))!
        if mac == SoakPolicy.hostMAC { return [ports[SoakNetwork.bridge]!] }
        let owner = ports.values.first { binding(of: $0)?.macs.contains(mac) ?? false }
        // What is beyond the uplink, known or not: guests' ports aren't flooded to.
        let exit = owner ?? uplink
        return exit === port ? [] : [exit]
    }

    /// What becomes of a frame: the verdict as it enters, and at each port that it comes to after that.
    func fate(of shot: Shot) throws -> (entry: Judgement, exits: [(port: WatchedPort, verdict: Judgement?)]) {
        guard let port = ports[shot.port] else { return (model.judge(Frame(bytes: []), port: 0, direction: .fromGuest, time: 0), []) }
        // A second between any two frames: no limit is reached.
        clock += 1_000_000_000
        let frame = Frame(bytes: shot.bytes)
        let entry = model.judge(frame, port: port.index, direction: port.direction.into, time: clock)
        if entry.isDropped { return (entry, []) }
        let exits = try exits(of: shot.bytes, from: port).map { exit -> (WatchedPort, Judgement?) in
            if exit.phase == .changing { return (exit, nil) }
            return (exit, model.judge(frame, port: exit.index, direction: exit.direction.out, stamp: .stamped, time: clock))
        }
        return (entry, exits)
    }

    /// Sends a frame, and writes down what must come of it. One whose verdict isn't the one it is sent for ends the soak:
    /// then either the catalogue or `judge` is wrong.
    ///
    /// - Returns: false where it wasn't sent, since a port that leaves would count something that nobody records any more.
    @discardableResult
    func send(_ shot: Shot) throws -> Bool {
        guard let port = ports[shot.port], port.phase == .steady else { return false }
        let before = ports.values.contains { $0.phase == .leaving } ? model : nil
        let fate = try fate(of: shot)
        guard fate.entry.reason == shot.reason else {
            let verdicts = "sent for \(word(shot.reason)), judged \(word(fate.entry.reason))"
            throw Failure.found("\(shot.name) from \(shot.port): \(verdicts): \(Failure.frame(shot.bytes))")
        }
        if let exit = shot.exit {
            let verdict = fate.exits.first { $0.port.name == exit.port }?.verdict
            guard verdict?.reason == exit.reason else {
                throw Failure.found("\(shot.name): to \(exit.port) sent for \(exit.reason), judged \(word(verdict?.reason))")
            }
        }
        if let before, fate.exits.contains(where: { $0.port.phase == .leaving && isRecorded($0.verdict?.reason, $0.port.direction.out) }) {
            model = before
            return false
        }
        port.into.count(fate.entry.reason, isDropped: fate.entry.isDropped)
        if let reason = shot.reason { declared[reason, default: 0] += 1 }
        for (exit, verdict) in fate.exits {
            guard let verdict else {
                exit.doubtOut.sent += 1
                exit.possible[shot.bytes] = exit.name
                continue
            }
            exit.out.count(verdict.reason, isDropped: verdict.isDropped)
            if !verdict.isDropped, exit.sniffer != nil { exit.awaited[shot.bytes, default: 0] += 1 }
        }
        sent += 1
        try port.sender?.send(shot.bytes)
        return true
    }

    /// Sends a frame of unknown verdict to the gateway.
    func sendInDoubt(_ bytes: [UInt8], from port: WatchedPort, droppedFor reasons: Set<Reason>) throws {
        port.doubtInto.sent += 1
        port.doubtReasons.formUnion(reasons)
        uplink.possible[bytes] = port.name
        sent += 1
        try port.sender?.send(bytes)
    }

    func isRecorded(_ reason: Reason?, _ direction: Direction) -> Bool { reason.map { Violation.isWorthKeeping($0, direction) } ?? false }

    private func word(_ reason: Reason?) -> String { reason?.name ?? "passing" }

    // MARK: Receiving

    /// Takes what has arrived. What mustn't have ends the soak.
    func listen() throws {
        for port in ports.values {
            guard let sniffer = port.sniffer else { continue }
            let frames: [CapturedFrame]
            do { frames = try sniffer.take() } catch { throw Failure.invalid("\(error)") }
            for frame in frames { try take(frame.bytes, at: port) }
        }
    }

    private func take(_ bytes: [UInt8], at port: WatchedPort) throws {
        arrived += 1
        if let left = port.awaited[bytes] {
            port.awaited[bytes] = left > 1 ? left - 1 : nil
            return
        }
        guard let source = port.possible.removeValue(forKey: bytes) else {
            throw Failure.found("this must not have arrived at \(port.name): \(Failure.frame(bytes))")
        }
        if source == port.name { port.doubtOut.arrived += 1 } else { ports[source]?.doubtInto.arrived += 1 }
    }

    var isAllArrived: Bool { ports.values.allSatisfy(\.awaited.isEmpty) }

    /// Waits until all that must arrive has.
    func settle() throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            try listen()
            if isAllArrived { return }
            if ContinuousClock.now > deadline { break }
            usleep(1000)
        }
        for port in ports.values {
            guard let (bytes, count) = port.awaited.first else { continue }
            try failInvalidIfLost()
            let all = port.awaited.values.reduce(0, +)
            throw Failure.found("\(all) frames never arrived at \(port.name), \(count) of them \(Failure.frame(bytes))")
        }
    }

    /// Frames that the machine's own queues have lost would be put down to the guard.
    func failInvalidIfLost() throws {
        let lost = try network.lostFrames()
        if lost > 0 { throw Failure.invalid("the machine lost \(lost) frames in its own queues: it is too busy") }
    }
}
