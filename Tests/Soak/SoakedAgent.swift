import Datapath
import Foundation
import Lab
import PolicyText
import Policy

/// The command that is tried, and its agent: started, killed, started again. Its policy, state and sockets are in a folder
/// that goes with it.
final class SoakedAgent {
    let network: SoakNetwork
    private let binary: String
    private let folder: URL
    private(set) var process: RunningCommand?
    private(set) var kills = 0
    /// Where in the log the present one began.
    private var beginning: UInt64 = 0
    /// What was said in all, once the folder is gone.
    private var lastLog = ""

    private var policyFile: URL { folder.appending(path: "policy.yaml") }
    /// A file: one who waits for a command doesn't read pipes, and an agent that can't log waits.
    private var logFile: String { folder.appending(path: "log").path }
    private var state: String { folder.appending(path: "state").path }
    private var runtime: String { folder.appending(path: "run").path }

    init(_ binary: String, on network: SoakNetwork) throws {
        guard access(binary, X_OK) == 0 else { throw Failure.invalid("there is no command \(binary): build it first") }
        self.network = network
        self.binary = binary
        folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-soak-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Puts everything away. An agent that was killed while it attached programs has left a setting of the host's changed,
    /// which the next to attach or detach some puts back: so the last thing is to take them off.
    func close() {
        try? terminate()
        process?.stop()
        process = nil
        _ = try? run("uninstall", "--yes")
        lastLog = log
        try? FileManager.default.removeItem(at: folder)
    }

    // MARK: The policy

    func write(_ policy: HostPolicy) throws { try write(SoakPolicy.yaml(policy)) }

    /// Put in place at once, as an editor does.
    func write(_ text: String) throws { try Data(text.utf8).write(to: policyFile, options: .atomic) }

    /// As the file says it.
    func policy() throws -> HostPolicy { try PolicyFiles.load(policyFile.path).policy }

    // MARK: The process

    func launch() throws {
        // It doesn't outlive the soak, whatever ends that.
        let command = ["setpriv", "--pdeathsig", "KILL", "sh", "-c", #"exec "$@" 2>>"$0""#, logFile]
        beginning = (try? FileManager.default.attributesOfItem(atPath: logFile)[.size] as? UInt64) ?? 0
        process = try network.host.start(command + [binary, "agent", "--policy", policyFile.path, "--state", state, "--run", runtime])
    }

    /// Starts it, and waits until it watches.
    func start() throws {
        try launch()
        try waitUntilWatching()
    }

    func waitUntilWatching() throws {
        try wait(for: "the agent to watch", pause: 10_000) {
            try look()
            return said.contains("the agent watches over the host")
        }
    }

    func kill() {
        guard let process else { return }
        process.stop()
        kills += 1
        self.process = nil
    }

    func terminate() throws {
        guard let process else { return }
        process.signal(SIGTERM)
        let result = try process.wait(atMost: .seconds(60))
        self.process = nil
        guard result.succeeded else {
            throw Failure.found("ended by SIGTERM, the agent's status was \(result.status)")
        }
    }

    /// Sees that it lives.
    func look() throws {
        if let process, ProcessFigures(process.processID).isOver { throw Failure.found("the agent ended by itself and said: \(log.suffix(2000))") }
    }

    /// What the present one has said.
    private var said: String {
        guard let file = FileHandle(forReadingAtPath: logFile) else { return "" }
        defer { try? file.close() }
        guard (try? file.seek(toOffset: beginning)) != nil, let bytes = try? file.readToEnd() else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What it, and those before it, have said.
    var log: String { (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? lastLog }

    /// What it takes.
    func figures() throws -> ProcessFigures {
        guard let process else { throw Failure.found("there is nothing to be read of the agent: none runs") }
        return ProcessFigures(process.processID)
    }

    /// The events' store as it is, for whoever looks into a failure.
    func keepState(in folder: String) { try? FileManager.default.copyItem(atPath: state, toPath: folder) }

    // MARK: Commands

    func run(_ arguments: String...) throws -> CommandResult { try execute(arguments) }

    private func execute(_ arguments: [String]) throws -> CommandResult {
        let more =
            switch arguments[0] {
            case "plan", "apply": ["--policy", policyFile.path]
            case "events", "status", "uninstall": ["--state", state]
            default: [] as [String]
            }
        return try network.host.execute([binary] + arguments + more, atMost: .seconds(60))
    }

    /// What the command prints; it must succeed.
    func output(_ arguments: String...) throws -> String {
        let result = try execute(arguments)
        guard result.succeeded else {
            let said = result.errors + result.output
            throw Failure.found("'vifguard \(arguments.joined(separator: " "))' ended with status \(result.status): \(said)")
        }
        return result.output
    }

    func status() throws -> Reading {
        var reading = try Reading(output("status", "--json"))
        let nobodys = try network.host.run { try Datapath.open().countersWithoutRecord() }
        reading.nobodys = [nobodys.into, nobodys.out].flatMap(\.dropped.values).reduce(0) { $0 + Int($1.packets) }
        return reading
    }

    /// What the store has, of one port or of all.
    func recorded(port: String? = nil) throws -> [Recorded: Int] {
        let arguments = ["events", "--summary", "--json", "--limit", "1000000", "--since", "7d"] + (port.map { ["--port", $0] } ?? [])
        let result = try execute(arguments)
        // Before an agent's first second there is none.
        guard result.succeeded else { return [:] }
        return try RecordedTotal.read(result.output).reduce(into: [:]) {
            $0[Recorded(direction: $1.direction, verdict: $1.verdict, reason: $1.reason), default: 0] += $1.packets
        }
    }

    /// Waits until the store has exactly that. It is written once a second; a disk that is busy holds that up, and nothing else.
    func waitUntilRecorded(_ expected: [Recorded: Int], port: String? = nil, _ look: () throws -> Void = {}) throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while true {
            try look()
            let got = try recorded(port: port)
            if got == expected { return }
            guard ContinuousClock.now < deadline else {
                let differing = Set(got.keys).union(expected.keys).filter { got[$0] != expected[$0] }
                let faults = differing.map {
                    "recorded\(port.map { " of \($0)" } ?? ""), \($0.direction), \($0.verdict) \($0.reason): "
                        + "expected \(expected[$0] ?? 0), got \(got[$0] ?? 0)"
                }
                throw Failure.found(faults.sorted().joined(separator: "\n"))
            }
            usleep(100_000)
        }
    }
}
