import Foundation
import Lab
import Policy

/// Hours of a host's life: mixed traffic, attacks, guests that come and go, a policy that changes, an agent that is killed;
/// and counters that must add up exactly (Documentation/testing.md).
@main
struct SoakCommand {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.contains("--help") || arguments.contains("-h") { return print(Options.usage) }
        do {
            let options = try Options(arguments)
            guard geteuid() == 0 else { return fail("the soak makes network namespaces: run it as root", status: 1) }
            Interruption.hold()
            try Soak(options).run()
        } catch let mistake as Options.Mistake {
            fail("\(mistake)\n\(Options.usage)", status: 2)
        } catch let interruption as Interruption {
            fail("interrupted; nothing is left of it", status: 128 + interruption.signal)
        } catch {
            fail("\(error)", status: 1)
        }
    }

    private static func fail(_ text: String, status: Int32) {
        FileHandle.standardError.write(Data("soak: \(text)\n".utf8))
        exit(status)
    }
}

/// One soak, from an empty host to an empty one.
final class Soak {
    private let options: Options
    private let world: World
    private let agent: SoakedAgent
    private let begun = ContinuousClock.now
    private var report = SoakReport()
    /// The agent that lives through the second half.
    private var steadyAgent: (since: ContinuousClock.Instant, memory: Int?, files: Int?)?

    init(_ options: Options) throws {
        self.options = options
        let network = try SoakNetwork(bridgeMAC: SoakPolicy.hostMAC)
        world = try World(network, policy: SoakPolicy.initial())
        agent = try SoakedAgent(options.vifguard, on: network)
    }

    func run() throws {
        defer {
            agent.close()
            if let file = options.logFile { try? Data(agent.log.utf8).write(to: URL(filePath: file)) }
        }
        say("soak: \(Int(options.seconds)) s, seed \(options.seed)")
        do {
            try soak()
        } catch let failure as Failure {
            if let file = options.logFile { agent.keepState(in: "\(file).state") }
            print(report.failure(failure, seed: options.seed, at: elapsed, trace: changes?.trace ?? [], log: agent.log))
            throw failure
        }
        print(report.table(world, agent), terminator: "")
        print("soak: all added up, none lost, nothing forged arrived (seed \(options.seed))")
    }

    /// At once, also into a file.
    private func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private var elapsed: Double { begun.duration(to: .now) / .seconds(1) }

    private func soak() throws {
        try agent.write(world.policy)
        guard try agent.policy() == world.policy else { throw Failure.invalid("the policy reads back as another") }
        let changes = Changes(world, agent, options.changes, seed: options.seed &+ 1) { [weak self] in try self?.traffic?.check() }
        self.changes = changes
        try changes.plugStage()
        try agent.start()
        try changes.settled([])
        let empty = try world.network.leftovers()
        let traffic = try Traffic(world, seed: options.seed)
        self.traffic = traffic
        report.attacks = traffic.attackCount
        traffic.start()
        defer { traffic.stop() }
        try keepChanging(changes)
        try changes.unplugAll()
        traffic.stop()
        try checkpoint()
        try judgeAgent()
        let left = try world.network.leftovers()
        guard left == empty else { throw Failure.found("in the kernel once the crowd is gone, \(left.differences(from: empty))") }
        report.changes = changes.done
        try agent.terminate()
        try world.exclusively { world in try world.check(agent.status) }
        _ = try agent.output("uninstall", "--yes")
        let pins = try world.network.leftovers().pins
        guard pins.isEmpty else { throw Failure.found("pinned after 'vifguard uninstall': \(pins.sorted())") }
    }

    private var traffic: Traffic?
    private var changes: Changes?

    /// Until the time is up: changes, checkpoints between them, and a line now and then.
    private func keepChanging(_ changes: Changes) throws {
        let interval = min(20, options.seconds / 5)
        var (nextCheckpoint, nextLine) = (elapsed + interval, 60.0)
        let deadline = elapsed + options.seconds
        let half = elapsed + options.seconds / 2
        while elapsed < deadline {
            let isSecondHalf = elapsed > half
            if isSecondHalf, steadyAgent == nil { steadyAgent = (.now, nil, nil) }
            try changes.next(sparesAgent: isSecondHalf)
            report.changes = changes.done
            if elapsed >= nextCheckpoint {
                try checkpoint()
                nextCheckpoint = elapsed + interval
            }
            if elapsed >= nextLine {
                say(report.line(world, agent, at: elapsed))
                nextLine = elapsed + 60
            }
        }
    }

    // MARK: Adding up

    /// Everything is compared with everything, while nothing changes.
    private func checkpoint() throws {
        try world.exclusively { world in
            try world.check(agent.status)
            let wrong = world.reasonFaults
            guard wrong.isEmpty else { throw Failure.found(wrong.joined(separator: "\n")) }
            // To the last frame, kills or not.
            try agent.waitUntilRecorded(world.recordable())
            let plan = try agent.output("plan")
            guard plan.contains("Nothing to do") else { throw Failure.found("'vifguard plan' has something to do: \(plan)") }
            let links = try world.network.leftovers().pins.filter { $0.hasPrefix("links/") }.count
            guard links == 2 * world.ports.count else {
                throw Failure.found("pinned links: expected \(2 * world.ports.count), got \(links)")
            }
        }
        try measureAgent()
        report.checkpoints += 1
    }

    /// Of the agent that lives through the second half: first after two minutes, or a quarter of that half; a soak of less
    /// than a minute says nothing of it, since some of what an agent has open it opens when it is first needed.
    private func measureAgent() throws {
        try agent.look()
        let figures = try agent.figures()
        let (memory, files) = (try figures.memory() / 1024, try figures.openFiles())
        (report.memory, report.files) = (memory, files)
        guard let steady = steadyAgent else { return }
        if steady.memory == nil, steady.since.duration(to: .now) >= .seconds(max(30, min(120, options.seconds / 8))) {
            steadyAgent = (steady.since, memory, files)
            (report.firstMemory, report.firstFiles) = (memory, files)
        }
    }

    private func judgeAgent() throws {
        guard let memory = report.firstMemory, let files = report.firstFiles else { return }
        guard report.memory <= 2 * memory else {
            throw Failure.found("the agent's memory: \(memory) KiB at first, \(report.memory) KiB at the end")
        }
        guard report.files == files else { throw Failure.found("the agent's open files: \(files) at first, \(report.files) at the end") }
    }
}
