import Datapath
import Enforcement
import Foundation
import Lab
import Netlink
import Policy
import PolicyText

/// A host with guests on a bridge, and the agent's command that watches over it: of its own are the policy's file, the
/// state and the runtime folder, which go with it.
final class AgentHost {
    let binary: String
    let network: BridgedNetwork
    /// What the policy's file says, as it was read back.
    let policy: HostPolicy
    private(set) var agent: RunningCommand?
    private let folder: URL

    private var policyFile: String { folder.appending(path: "policy.yaml").path }
    private var state: String { folder.appending(path: "state").path }
    private var runtime: String { folder.appending(path: "run").path }

    init(binary: String, network: BridgedNetwork, policy: HostPolicy) throws {
        self.binary = binary
        self.network = network
        folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "policy.yaml")
        do {
            try Data(PolicyWriter.yaml(for: HostConfiguration(policy: policy)).utf8).write(to: file)
            self.policy = try PolicyFiles.load(file.path).policy
        } catch {
            try? FileManager.default.removeItem(at: folder)
            throw error
        }
    }

    deinit {
        agent?.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    // MARK: The agent

    /// Starts it, and waits until it watches: how long that took, in milliseconds.
    @discardableResult
    func start() throws -> Double {
        let begun = ContinuousClock.now
        let agent = try network.host.start([binary, "agent", "--policy", policyFile, "--state", state, "--run", runtime])
        self.agent = agent
        try wait(for: "the agent to watch", every: 500) {
            let log = agent.errorsSoFar
            // One that has ended waits to be reaped.
            if ProcessFigures(agent.processID).isOver { throw LabError(action: "start the agent", reason: "it ended and said: \(log)") }
            return log.contains("the agent watches over the host")
        }
        return milliseconds(since: begun)
    }

    func stop() throws {
        guard let agent else { return }
        agent.signal(SIGTERM)
        let result = try agent.wait(atMost: .seconds(60))
        self.agent = nil
        guard result.succeeded else { throw LabError(action: "end the agent", reason: "status \(result.status): \(result.errors)") }
    }

    /// What the command prints, in the host's namespace.
    func output(of arguments: String...) throws -> String { try network.host.output(of: [binary] + arguments, atMost: .seconds(60)) }

    /// As `output`; an agent's state goes with it.
    func events(since: String) throws -> String { try output(of: "events", "--json", "--since", since, "--state", state) }

    /// Waits until the agent has had nothing to do for longer than it waits for more to happen.
    func waitUntilQuiet() throws {
        let process = try process
        var (last, since) = (try process.nanoseconds(ofThread: "reconciler"), ContinuousClock.now)
        while since.duration(to: .now) < .milliseconds(350) {
            try Interruption.check()
            usleep(20_000)
            // What it says has to be taken, or it would have to wait.
            _ = agent?.errorsSoFar
            let now = try process.nanoseconds(ofThread: "reconciler")
            if now != last { (last, since) = (now, .now) }
        }
    }

    var process: ProcessFigures {
        get throws {
            guard let agent else { throw LabError(action: "look at the agent", reason: "none runs") }
            return ProcessFigures(agent.processID)
        }
    }

    // MARK: The host

    /// What the kernel has. The agent has loaded it.
    func datapath() throws -> Datapath { try network.host.run { try Datapath.open() } }

    /// Whether the host is as the policy wants it.
    func isSettled(_ datapath: Datapath) throws -> Bool {
        let policy = policy
        return try network.host.run {
            // A port that goes while it is looked at: look again.
            guard let state = try? HostState.observe(datapath: datapath) else { return false }
            return Plan(policy, on: state).isEmpty
        }
    }

    /// The inode of each pinned link: one attached anew is pinned anew, and has another.
    func links() throws -> [String: UInt64] {
        try network.host.run {
            let folder = "/sys/fs/bpf/vifguard/links"
            return try FileManager.default.contentsOfDirectory(atPath: folder).reduce(into: [:]) { links, name in
                var status = stat()
                guard lstat("\(folder)/\(name)", &status) == 0 else { throw LabError(action: "look at link \(name)", reason: "it is gone") }
                links[name] = UInt64(status.st_ino)
            }
        }
    }
}

/// - Parameter pause: in microseconds, between two looks.
func wait(for what: String, every pause: UInt32, until condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(120)
    while try !condition() {
        guard ContinuousClock.now < deadline else { throw LabError(action: "wait for \(what)", reason: "it hasn't come about within two minutes") }
        try Interruption.check()
        usleep(pause)
    }
}

func milliseconds(since begun: ContinuousClock.Instant) -> Double { begun.duration(to: .now) / .milliseconds(1) }
