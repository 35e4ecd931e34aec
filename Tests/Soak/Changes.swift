import Datapath
import Enforcement
import Foundation
import Lab
import Netlink
import Policy
import RepeatableChance

/// What happens to the host while traffic flows: guests come, go and change, the policy's file is edited, broken and mended,
/// the agent is killed and started, commands run beside it. One thing after the other; which, the seed says.
final class Changes {
    enum Kind: String, CaseIterable {
        case plug, unplug, move, audit, apply, kill, restart
        case breakPolicy = "break"
        case killWhilePlugging = "kill-plugging"
        case killWhileMoving = "kill-moving"
        case unplugWhileDead = "unplug-dead"

        /// As the command line has them.
        static let names = "                   " + allCases.map(\.rawValue).joined(separator: ",")

        /// Whether an agent doesn't survive it.
        var endsAgent: Bool {
            switch self {
            case .kill, .killWhilePlugging, .killWhileMoving, .unplugWhileDead, .restart: true
            case .plug, .unplug, .move, .audit, .breakPolicy, .apply: false
            }
        }

        var title: String {
            switch self {
            case .plug: "guests plugged in"
            case .unplug: "guests unplugged"
            case .move: "addresses moved to another guest"
            case .audit: "audit mode on or off"
            case .breakPolicy: "policy broken and mended"
            case .apply: "vifguard apply beside the agent"
            case .kill: "agent killed"
            case .killWhilePlugging: "agent killed while guests are plugged in"
            case .killWhileMoving: "agent killed while addresses move"
            case .unplugWhileDead: "guests unplugged while no agent runs"
            case .restart: "agent ended and started again"
            }
        }
    }

    private let world: World
    private let agent: SoakedAgent
    private let check: () throws -> Void
    private let kinds: [Kind]
    private var chance: Chance
    /// The last ones, for whoever looks into a failure.
    private(set) var trace: [String] = []
    private(set) var done: [Kind: Int] = [:]
    /// Of the programs that are in force; none before the agent has loaded them.
    private var datapath: Datapath?

    /// - Parameters:
    ///   - kinds: which of them happen.
    ///   - check: what is called while something is waited for.
    init(_ world: World, _ agent: SoakedAgent, _ kinds: [Kind], seed: UInt64, check: @escaping () throws -> Void) {
        (self.world, self.agent, self.kinds, self.check) = (world, agent, kinds, check)
        chance = Chance(seed: seed)
    }

    private var network: SoakNetwork { world.network }

    /// Something happens.
    ///
    /// - Parameter sparesAgent: the agent goes on.
    func next(sparesAgent: Bool) throws {
        let kinds = kinds.filter { !sparesAgent || !$0.endsAgent }
        guard !kinds.isEmpty else { return try rest(upTo: 1000) }
        // Each once, in any order, before chance alone decides: a short soak has all of them.
        let kind = chance.pick(kinds.filter { done[$0] == nil }.isEmpty ? kinds : kinds.filter { done[$0] == nil })
        tell(kind.rawValue)
        try carryOut(kind)
        done[kind, default: 0] += 1
    }

    private func carryOut(_ kind: Kind) throws {
        switch kind {
        case .plug: try plug()
        case .unplug: try unplug()
        case .move: try move()
        case .audit: try audit()
        case .breakPolicy: try breakPolicy()
        case .apply: _ = try agent.output("apply")
        case .kill: try withoutAgent { try rest(upTo: 1500) }
        case .killWhilePlugging: try plug(killing: true)
        case .killWhileMoving: try move(killing: true)
        case .unplugWhileDead: try unplug(killing: true)
        case .restart:
            try agent.terminate()
            try rest(upTo: 1000)
            try agent.start()
        }
    }

    private func tell(_ what: String) {
        trace.append("\(Date().formatted(.iso8601.time(includingFractionalSeconds: true))) \(what)")
        trace = trace.suffix(20)
    }

    // MARK: Coming and going

    /// The stage's guests and the stranger, to begin with.
    func plugStage() throws {
        for site in Site.guests {
            let index = try network.makePort(site.port, mac: nil)
            try network.join([index])
            world.add(try WatchedPort(site.port, index, .guest, in: network.crowd))
        }
    }

    private func plug(killing: Bool = false) throws {
        let absent = world.exclusively { world in
            (1...SoakPolicy.crowd).map(SoakPolicy.port).filter { world.ports[$0] == nil }
                + SoakPolicy.strangers.filter { world.ports[$0] == nil }
        }
        // More than eight at once the agent treats in another way.
        let names = absent.shuffled(using: &chance).prefix(chance.pick([1, 2, 3, 12]))
        tell("  plugged in: \(names.joined(separator: " "))")
        let newcomers = try names.map { name in
            let number = (1...SoakPolicy.crowd).first { SoakPolicy.port($0) == name && SoakPolicy.isKnownByMAC($0) }
            let index = try network.makePort(name, mac: number.map(SoakPolicy.tapMAC))
            return try WatchedPort(name, index, .guest, in: network.crowd, phase: .changing)
        }
        try world.exclusively { world in
            try world.settle()
            try network.join(newcomers.map(\.index))
            for newcomer in newcomers { world.add(newcomer) }
        }
        if killing { try killSoon() }
        try settled(Array(names))
    }

    private func unplug(killing: Bool = false) throws {
        let leaving = world.exclusively(\.comers).sorted().shuffled(using: &chance).prefix(chance.pick([1, 2, 5]))
        try remove(Array(leaving), killing: killing)
    }

    /// All of the crowd.
    func unplugAll() throws {
        try remove(world.exclusively(\.comers))
    }

    private func remove(_ names: [String], killing: Bool = false) throws {
        guard !names.isEmpty else { return }
        tell("  unplugged: \(names.joined(separator: " "))")
        world.exclusively { world in for name in names { world.ports[name]?.phase = .leaving } }
        // What a port did after the agent last looked is known by a few frames alone: the agent is given time to look.
        try recorded(names)
        if killing { agent.kill() }
        try world.exclusively { world in
            try world.check(agent.status)
            let indexes = names.compactMap { world.ports[$0]?.index }
            world.retire(names)
            try network.remove(indexes)
        }
        if killing {
            try rest(upTo: 500)
            try agent.start()
        }
        try settled([])
    }

    /// Waits until the agent's store has what these ports have counted.
    private func recorded(_ names: [String]) throws {
        try world.exclusively { world in try world.check(agent.status) }
        for name in names {
            let expected = world.exclusively { world in world.ports[name].map { world.recordable(at: $0) } ?? [:] }
            let before = formerly[name, default: [:]]
            let all = expected.merging(before, uniquingKeysWith: +)
            try agent.waitUntilRecorded(all, port: name, look)
            formerly[name] = all
        }
    }

    /// What was recorded of ports of these names that are gone.
    private var formerly: [String: [Recorded: Int]] = [:]

    // MARK: The policy

    private func move(killing: Bool = false) throws {
        let numbers = Array(1...SoakPolicy.crowd).shuffled(using: &chance)
        let plugged = world.exclusively(\.plugged)
        // One that is there, and one that may be.
        guard let one = numbers.first(where: plugged.contains), let other = numbers.first(where: { $0 != one }) else { return try plug() }
        try edit([one, other], killing: killing) { SoakPolicy.exchange(one, other, in: &$0) }
    }

    private func audit() throws {
        let number = Int.random(in: 1...SoakPolicy.crowd, using: &chance)
        try edit([number]) { SoakPolicy.toggleAudit(of: number, in: &$0) }
    }

    /// Writes another policy that makes a difference to these guests alone.
    private func edit(_ numbers: [Int], killing: Bool = false, _ change: (inout HostPolicy) -> Void) throws {
        let names = numbers.map(SoakPolicy.port)
        tell("  changed: \(names.joined(separator: " "))")
        let policy = try world.exclusively { world in
            try world.settle()
            for name in names { world.ports[name]?.phase = .changing }
            var policy = world.policy
            change(&policy)
            world.policy = policy
            return policy
        }
        try agent.write(policy)
        if killing { try killSoon() }
        try settled(names)
    }

    private func breakPolicy() throws {
        let policy = world.exclusively(\.policy)
        var broken = policy
        // Two guests with one address, or what is no YAML at all.
        broken.interfaces[0].binding.addresses4 = broken.interfaces[1].binding.addresses4
        try agent.write(chance.once(in: 2) ? SoakPolicy.yaml(broken) : "bridges: [\n")
        try rest(upTo: 1500)
        let refused = try agent.run("apply")
        guard refused.status == 1 else { throw Failure.found("'vifguard apply' of a broken policy ended with status \(refused.status)") }
        try rest(upTo: 500)
        try agent.write(policy)
        try settled([])
    }

    // MARK: The agent

    private func withoutAgent(_ body: () throws -> Void) throws {
        agent.kill()
        tell("  killed")
        try body()
        try agent.start()
        tell("  it watches again")
    }

    /// At any moment of what the agent does now, and for a while none runs.
    private func killSoon() throws {
        try rest(upTo: 400)
        try withoutAgent { try rest(upTo: 800) }
    }

    // MARK: Waiting

    private func rest(upTo milliseconds: Int) throws {
        let deadline = ContinuousClock.now + .milliseconds(Int.random(in: 0...milliseconds, using: &chance))
        while ContinuousClock.now < deadline {
            try look()
            usleep(5000)
        }
    }

    private func look() throws {
        try Interruption.check()
        try agent.look()
        try check()
    }

    /// Waits until the host is as the policy wants it; then the ports that have changed are sure of their identity.
    func settled(_ names: [String]) throws {
        let policy = try agent.policy()
        try wait(for: "the host to be as the policy wants it", pause: 10_000) {
            try look()
            return try isSettled(policy)
        }
        world.exclusively { world in for name in names { world.ports[name]?.phase = .steady } }
    }

    private func isSettled(_ policy: HostPolicy) throws -> Bool {
        let datapath = try datapath ?? network.host.run { try Datapath.open() }
        self.datapath = datapath
        return try network.host.run {
            // A port that goes while it is looked at: look again.
            guard let state = try? HostState.observe(datapath: datapath) else { return false }
            let plan = Plan(policy, on: state)
            return plan.isEmpty && plan.faults.isEmpty
        }
    }
}
