import Addresses
import Glibc
import Netlink
import Packets
import Policy

/// Carries out attacks on one network, and says what came of each.
///
/// Frames that one CPU sends arrive in the order sent, so nothing is waited for in vain: behind each attack go two honest
/// frames, into the bridge and out of it, and when those have arrived, what hasn't arrived never will.
struct Trial {
    /// Where programs listen for what must not reach them.
    static let listeningPort: UInt16 = 4242
    private static let patience = Duration.seconds(30)

    let network: ProofNetwork
    let guardian: (any ProofGuardian)?

    /// What an attack came to.
    struct Outcome {
        /// The effects that were asked for, each with whether it came about.
        var effects: [(effect: Effect, cameAbout: Bool)]
        /// How often the guard counted the reason meanwhile.
        var counted: UInt64

        var succeeded: Bool { effects.allSatisfy(\.cameAbout) }
        var failed: Bool { effects.allSatisfy { !$0.cameAbout } }
    }

    /// Without the guard an attack that fails is tried again: an honest machine may have spoken in between, and have taken
    /// back what was stolen.
    func carryOut(_ attack: Attack) throws -> Outcome {
        for _ in 0..<(guardian == nil ? 4 : 0) {
            let outcome = try carryOutOnce(attack)
            if outcome.succeeded { return outcome }
        }
        return try carryOutOnce(attack)
    }

    private func carryOutOnce(_ attack: Attack) throws -> Outcome {
        try reset(attack)
        let undo = try prepare(attack)
        defer { undo() }
        for injection in attack.before { try network.send(injection) }
        try settle()
        let listener = try attack.effects.contains { if case .delivers = $0 { true } else { false } } ? Listener(network) : nil
        let before = try count(attack)
        for site in observers(of: attack) { try network.sniffer(at: site).clear() }
        for frame in attack.frames { try network.send(frame) }
        for frame in attack.after { try network.send(frame) }
        try settle()
        let effects = try attack.effects.map { ($0, try cameAbout($0, attack, listener)) }
        return Outcome(effects: effects, counted: try count(attack) &- before)
    }

    private func observers(of attack: Attack) -> Set<Site> {
        Set(
            attack.effects.compactMap { effect in
                switch effect {
                case .arrives, .floods, .hears: effect.site
                default: nil
                }
            })
    }

    private func count(_ attack: Attack) throws -> UInt64 {
        guard let guardian, let reason = attack.reason else { return 0 }
        return try guardian.count(of: reason, at: attack.countedAt)
    }

    // MARK: Order

    /// Returns once everything sent so far has been dealt with. A storm may have filled a queue, which drops what shows
    /// its end too: that is sent again.
    private func settle() throws {
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            if try settle(within: .seconds(2)) { return }
        }
        throw LabError(action: "prove anything", reason: "honest frames between \(Honest.guest.site.rawValue) and outside didn't arrive")
    }

    private func settle(within limit: Duration) throws -> Bool {
        let into = Honest.frame(from: Honest.guest, to: Stage.outside), out = Honest.frame(from: Stage.outside, to: Honest.guest)
        let outside = try network.sniffer(at: .outside), inside = try network.sniffer(at: Honest.guest.site)
        try network.send(into)
        try network.send(out)
        for (frame, sniffer) in [(into, outside), (out, inside)] {
            guard try sniffer.first(within: limit, where: { $0.bytes == frame.bytes }) != nil else { return false }
        }
        return true
    }

    // MARK: Before and after

    private func reset(_ attack: Attack) throws {
        try network.forgetForwarding()
        for effect in attack.effects {
            switch effect {
            case .poisons(let site, _, _), .redirects(let site, _, _): try network.forgetNeighbours(of: site)
            case .installsRoute(let site, _): try network.forgetAdvertisedRoutes(of: site)
            default: break
            }
        }
    }

    /// Makes the network ready, and gives what takes that back. It is taken back whatever happens, and best so: an error
    /// there shows in the next attack.
    private func prepare(_ attack: Attack) throws -> () -> Void {
        var undo: [() throws -> Void] = []
        for effect in attack.effects {
            switch effect {
            case .hears: undo.append { [network] in try network.forgetMulticastRouters() }
            case .installsRoute(let site, _): undo.append { [network] in try network.forgetAdvertisedRoutes(of: site) }
            case .redirects(let site, _, _): undo.append { [network] in try network.forgetRedirects(of: site) }
            default: break
            }
        }
        for preparation in attack.preparations {
            switch preparation {
            case .joins:
                try network.join(.stranger)
                undo.append { [network] in try network.leave(.stranger) }
            case .closes:
                try network.join(.stranger)
                undo.append { [network, guardian] in
                    try network.leave(.stranger)
                    try guardian?.apply()
                }
                try guardian?.apply()
            case .forwards(let mac, let site):
                try network.addForwardingEntry(mac, to: site)
                undo.append { [network] in try network.removeForwardingEntry(mac, of: site) }
            case .detectsDuplicates(let site, let address):
                undo.append { [network] in try network.restore(address, of: site) }
                try network.startDetection(of: address, at: site)
            }
        }
        return { for step in undo.reversed() { try? step() } }
    }

    // MARK: Effects

    private func cameAbout(_ effect: Effect, _ attack: Attack, _ listener: Listener?) throws -> Bool {
        switch effect {
        case .arrives(let site):
            return try arrived(attack.frames, at: site) == attack.frames.count
        case .floods(let site, let more):
            return try arrived(attack.frames, at: site) > more
        case .hears(let site):
            return try arrived(attack.after, at: site) == attack.after.count
        case .delivers:
            return try listener?.heard(within: guardian == nil ? Self.patience : .zero) ?? false
        case .poisons(let site, let address, let mac):
            return try network.neighbours(of: site).contains { $0.address == address && $0.macAddress == mac }
        case .moves(let mac, let site):
            let port = network.port(of: site)
            return try network.forwardingEntries().contains { $0.macAddress == mac && $0.port == port }
        case .installsRoute(let site, let router):
            return try network.advertisedRouters(of: site).contains(.v6(router))
        case .redirects(let site, let destination, let router):
            return try network.nextHop(of: site, to: destination) == router
        case .takesAway(let site, let address):
            return try network.losesAddress(address, at: site, within: Self.patience)
        }
    }

    /// How many of the frames arrived; equal ones count as often as they were sent.
    private func arrived(_ frames: [Injection], at site: Site) throws -> Int {
        let sniffer = try network.sniffer(at: site)
        try sniffer.drain()
        var heard: [[UInt8]: Int] = [:]
        for frame in sniffer.frames { heard[frame.bytes, default: 0] += 1 }
        return frames.reduce(0) { count, frame in
            guard let left = heard[frame.bytes], left > 0 else { return count }
            heard[frame.bytes] = left - 1
            return count + 1
        }
    }
}

/// Honest frames that mark a moment: echo replies that nobody has asked for, so that nobody answers.
enum Honest {
    /// Nobody steals its MAC, which it would take back by speaking.
    static let guest = Stage.v4only
    private static nonisolated(unsafe) var number: UInt32 = 0

    static func frame(from sender: Party, to receiver: Party) -> Injection {
        number &+= 1
        let bytes = stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
        return Injection(sender.site, sender.ip4(to: receiver, .icmp(0, rest: [0x70, 0x76] + bytes + Array("honest".utf8))))
    }
}

/// A program on the host that waits for datagrams.
private final class Listener {
    private let socket: InternetSocket

    init(_ network: ProofNetwork) throws {
        socket = try network.host.run { try InternetSocket(.datagram, family: .v4, port: Trial.listeningPort) }
    }

    func heard(within limit: Duration) throws -> Bool { try socket.receive(within: limit) != nil }
}
