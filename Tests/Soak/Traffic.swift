import Addresses
import Foundation
import Lab
import Packets
import Policy
import RepeatableChance

/// Sends on a thread of its own until it is told to stop: honest and forged frames between all who are there, in an order
/// that the seed gives.
final class Traffic: @unchecked Sendable {
    /// Between two handfuls of frames, in microseconds: the kernel's queues must never fill.
    private static let pause: UInt32 = 4000

    private let world: World
    private let catalogue: CatalogueShots
    private var chance: Chance
    private var serial = Serial()
    private let ended = DispatchSemaphore(value: 0)
    private var isStarted = false
    // Guarded by the world's lock.
    private var isEnding = false
    private var failure: (any Error)?

    /// - Parameter world: settled, with the stage's guests plugged in.
    init(_ world: World, seed: UInt64) throws {
        self.world = world
        chance = Chance(seed: seed)
        catalogue = try CatalogueShots(world)
        // A catalogue that was silently left out would prove nothing.
        guard catalogue.volleys.count > 200 else {
            throw Failure.invalid("only \(catalogue.volleys.count) of the catalogue's \(Catalogue.attacks.count) attacks can be sent")
        }
    }

    var attackCount: Int { catalogue.volleys.count }

    func start() {
        isStarted = true
        Thread { [self] in
            while world.exclusively({ _ in step() }) { usleep(Self.pause) }
            ended.signal()
        }.start()
    }

    func stop() {
        world.exclusively { _ in isEnding = true }
        if isStarted { ended.wait() }
        isStarted = false
    }

    /// - Throws: what has ended it.
    func check() throws { if let failure = world.exclusively({ _ in failure }) { throw failure } }

    /// A handful of frames; false if there are to be no more.
    private func step() -> Bool {
        if isEnding { return false }
        do {
            switch Int.random(in: 0...9, using: &chance) {
            case 0...4: for _ in 0..<Int.random(in: 1...4, using: &chance) { try sendHonest() }
            case 5: try sendFromOutside()
            case 6: try sendVolley()
            case 7: try sendInDoubt()
            case 8 where chance.once(in: 4): try sendFromClosed()
            default: for _ in 0..<Int.random(in: 1...3, using: &chance) { try sendForged() }
            }
            try world.listen()
            return true
        } catch {
            failure = error
            return false
        }
    }

    // MARK: What is sent

    private func send(_ name: String, from port: String, _ frame: Frame, _ reason: Reason? = nil) throws {
        var shot = Shot(name, from: port, frame, reason)
        shot.bytes += serial.next()
        try world.send(shot)
    }

    /// Everybody whose identity is sure at the moment, in an order that is always the same.
    private func speakers() -> [Speaker] {
        world.ports.values.filter { $0.phase == .steady && $0.kind == .guest && $0.name != Site.limited.port }
            .sorted { $0.name < $1.name }.compactMap { port in world.binding(of: port).map { Speaker(port: port.name, $0) } }
    }

    private func sendHonest() throws {
        let guests = speakers()
        let all = guests + [SoakPolicy.gateway]
        let (from, to) = (chance.pick(all), chance.pick(all))
        let kind = chance.pick(HonestTraffic.kinds)
        guard from != to, let frame = kind.make(from, to) else { return }
        try send(kind.name, from: from.port, frame)
    }

    /// One of the crowd's guests, or two of the stage's that nobody's attacks in the catalogue count on.
    private func sendForged() throws {
        let guests = speakers()
        let (from, victim) = (chance.pick(guests), chance.pick(guests))
        let kind = chance.pick(ForgedTraffic.fromGuests)
        // The kinds are about guests of both families that have no special role and may claim link-local addresses.
        guard from != victim, isPlain(from), isPlain(victim), let frame = kind.make(Cast(from: from, victim: victim)) else { return }
        try send(kind.name, from: from.port, frame, kind.reason)
    }

    private func isPlain(_ speaker: Speaker) -> Bool {
        guard speaker.ip4 != nil, speaker.ip6 != nil, let port = world.ports[speaker.port] else { return false }
        let binding = world.binding(of: port)
        return binding?.roles.isEmpty ?? false && binding?.linkLocalMode == .claim
    }

    /// As one of the crowd's, plugged in or not.
    private func sendFromOutside() throws {
        let number = Int.random(in: 1...SoakPolicy.crowd, using: &chance)
        let usurped = Speaker(
            port: SoakPolicy.port(number), mac: SoakPolicy.mac(number), ip4: SoakPolicy.main4(number), ip6: SoakPolicy.main6(number))
        let kind = chance.pick(ForgedTraffic.fromOutside)
        let victim = chance.pick(speakers())
        guard victim.mac != usurped.mac, let frame = kind.make(Cast(from: usurped, victim: victim)) else { return }
        try send(kind.name, from: SoakNetwork.uplink, frame, kind.reason)
    }

    /// A port that nobody vouches for speaks as the first of the crowd.
    private func sendFromClosed() throws {
        let closed = world.ports.values.filter { $0.phase == .steady && $0.kind == .guest && world.binding(of: $0) == nil }
        guard let port = closed.min(by: { $0.name < $1.name }) else { return }
        let speaker = Speaker(port: port.name, mac: SoakPolicy.mac(1), ip4: SoakPolicy.main4(1), ip6: SoakPolicy.main6(1))
        let kind = chance.pick(HonestTraffic.kinds)
        guard let frame = kind.make(speaker, SoakPolicy.gateway) else { return }
        try send("\(kind.name) from a closed port", from: port.name, frame, .noBinding)
    }

    private func sendVolley() throws {
        let volley = chance.pick(catalogue.volleys)
        for shot in volley.before { try world.send(shot) }
        for (shot, takesSerial) in volley.frames {
            var shot = shot
            if takesSerial { shot.bytes += serial.next() }
            try world.send(shot)
        }
    }

    /// What nobody can know the verdict of: frames of ports that change just now, and a storm against a limit.
    private func sendInDoubt() throws {
        let limited = Speaker(port: Site.limited.port, Stage.binding(of: .limited)!)
        if let port = world.ports[limited.port] {
            guard let frame = HonestTraffic.kinds.first(where: { $0.name == "arp reply" })?.make(limited, SoakPolicy.gateway) else { return }
            for _ in 0..<Int.random(in: 1...8, using: &chance) {
                try world.sendInDoubt(frame.bytes + serial.next(), from: port, droppedFor: [.limitNeighbor])
            }
        }
        for port in world.ports.values.filter({ $0.phase == .changing }).sorted(by: { $0.name < $1.name }) {
            for _ in 0..<Int.random(in: 1...3, using: &chance) { try sendInDoubt(from: port) }
        }
    }

    /// By turns from the address that stays, and from all those that move.
    private func sendInDoubt(from port: WatchedPort) throws {
        let number = (1...SoakPolicy.crowd).first { SoakPolicy.port($0) == port.name } ?? 1
        let source = chance.once(in: 2) ? SoakPolicy.main4(number) : SoakPolicy.movable4(Int.random(in: 1...SoakPolicy.crowd, using: &chance)).address
        let gateway = SoakPolicy.gateway
        let frame = Frame.ethernet(
            from: SoakPolicy.mac(number), to: gateway.mac, .ipv4(from: source, to: gateway.ip4!, .udp(from: 9, to: 9, payload: [0xdd])))
        try world.sendInDoubt(frame.bytes + serial.next(), from: port, droppedFor: [.noBinding, .ip4Source])
    }
}
