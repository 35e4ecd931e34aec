import CLinux
import Glibc
import Packets
import Policy

/// The proof that the guard guards: a throw-away network twice over, one without and one with the guard, on which every
/// attack of the catalogue and every kind of legitimate traffic is tried.
///
/// Needs root and the kernel, nothing else of the machine: the networks are in namespaces of their own, with pins of
/// their own, which go with the process however it ends.
public enum Proof {
    public struct Options: Sendable {
        /// Only cases whose name or reason contains this; nil for all.
        public var filter: String?
        /// What guards the second network.
        public var engine: Engine
        /// A folder for a pcap file of each attack's frames; nil for none.
        public var captures: String?

        public init(filter: String? = nil, engine: Engine = .ebpf, captures: String? = nil) {
            self.filter = filter
            self.engine = engine
            self.captures = captures
        }
    }

    /// - Parameter progress: is told of each case once it is decided, in order, on another thread.
    /// - Throws: `LabError` and others if the networks can't be built, so that nothing could be tried.
    public static func run(_ options: Options = Options(), progress: (ProofReport.Entry) -> Void = { _ in }) throws -> ProofReport {
        let thread = try NamespaceThread()
        defer { thread.end() }
        return try thread.run {
            // What one CPU sends first arrives first.
            guard clinux_pin_to_this_cpu() == 0 else { throw LabError(action: "keep a thread on one CPU") }
            return try runHere(options, progress)
        }
    }

    private static func runHere(_ options: Options, _ progress: (ProofReport.Entry) -> Void) throws -> ProofReport {
        if let folder = options.captures {
            try writeCaptures(of: Catalogue.attacks.filter { options.wants($0.name, $0.reason) }, to: folder)
        }
        let start = ContinuousClock.now
        let bare = ProofPass(network: try ProofNetwork(), guardian: nil)
        let guarded = try ProofPass.guarded(by: options.engine)
        var report = ProofReport(engine: options.engine)
        func add(_ entry: ProofReport.Entry) {
            report.entries.append(entry)
            progress(entry)
        }
        for attack in Catalogue.attacks where options.wants(attack.name, attack.reason) { add(compare(attack, bare, guarded, options.engine)) }
        for scenario in Scenario.all where options.wants(scenario.name, scenario.reason) { add(compare(scenario, bare, guarded, options.engine)) }
        for traffic in LegitimateTraffic.all where options.wants(traffic.name, nil) { add(compare(traffic, bare, guarded, options.engine)) }
        report.seconds = start.duration(to: .now) / .seconds(1)
        return report
    }

    // MARK: Both passes of one case

    private static func compare(_ attack: Attack, _ bare: ProofPass, _ guarded: ProofPass, _ engine: Engine) -> ProofReport.Entry {
        let without = Result { try bare.trial.carryOut(attack) }
        let with = Result { try guarded.trial.carryOut(attack) }
        return entry(
            attack.name, attack.rule, attack.reason, engine, without: without, with: with, isCounted: { $0 >= attack.leastCount },
            countedAt: attack.countedAt)
    }

    private static func compare(_ scenario: Scenario, _ bare: ProofPass, _ guarded: ProofPass, _ engine: Engine) -> ProofReport.Entry {
        entry(
            scenario.name, scenario.rule, scenario.reason, engine, without: Result { try bare.carryOut(scenario) },
            with: Result { try guarded.carryOut(scenario) }, isCounted: { $0 > 0 }, countedAt: scenario.countedAt)
    }

    private static func entry(
        _ name: String, _ rule: String, _ reason: Reason?, _ engine: Engine, without: Result<Trial.Outcome, any Error>,
        with: Result<Trial.Outcome, any Error>,
        isCounted: (UInt64) -> Bool, countedAt place: CountingPlace
    ) -> ProofReport.Entry {
        var fault: String?
        var counted: UInt64 = 0
        let before: String, after: String
        switch without {
        case .success(let outcome) where outcome.succeeded: before = "succeeded"
        case .success(let outcome):
            before = "failed"
            fault =
                "proves nothing: without the guard there is no \(outcome.effects.filter { !$0.cameAbout }.map(\.effect.description).joined(separator: ", "))"
        case .failure(let error):
            before = "error"
            fault = "without the guard: \(error)"
        }
        switch with {
        case .success(let outcome):
            counted = outcome.counted
            after = outcome.failed ? "blocked" : "succeeded"
            if !outcome.failed {
                fault = "got through: \(outcome.effects.filter(\.cameAbout).map(\.effect.description).joined(separator: ", "))"
            } else if let reason, fault == nil, engine == .ebpf, !isCounted(counted) {
                fault = "blocked, but \(reason.name) \(place) was counted \(counted) times"
            }
        case .failure(let error):
            after = "error"
            fault = fault ?? "with the guard: \(error)"
        }
        return ProofReport.Entry(
            engine: engine, kind: .attack, name: name, rule: rule, reason: reason?.name, without: before, with: after, counted: counted,
            isProven: fault == nil, fault: fault)
    }

    private static func compare(_ traffic: LegitimateTraffic, _ bare: ProofPass, _ guarded: ProofPass, _ engine: Engine) -> ProofReport.Entry {
        func fault(_ pass: ProofPass) -> String? {
            do {
                try traffic.body(pass)
                return nil
            } catch { return "\(error)" }
        }
        let without = fault(bare), with = fault(guarded)
        return ProofReport.Entry(
            engine: engine, kind: .legitimate, name: traffic.name, rule: nil, reason: nil, without: without == nil ? "passed" : "failed",
            with: with == nil ? "passed" : "failed", counted: 0, isProven: without == nil && with == nil,
            fault: with.map { "with the guard: \($0)" } ?? without.map { "without the guard: \($0)" })
    }

    // MARK: Captures

    private static func writeCaptures(of attacks: [Attack], to folder: String) throws(LabError) {
        guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { throw LabError(action: "make the folder \(folder)") }
        for attack in attacks {
            let path = "\(folder)/\(attack.name).pcap"
            let bytes = CaptureFile(packets: attack.frames.map { CaptureFile.Packet(bytes: $0.bytes) }).pcap()
            guard let file = fopen(path, "we") else { throw LabError(action: "write \(path)") }
            defer { fclose(file) }
            guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw LabError(action: "write \(path)") }
        }
    }
}

extension Proof.Options {
    fileprivate func wants(_ name: String, _ reason: Reason?) -> Bool {
        guard let filter else { return true }
        return [name, reason?.name].contains { $0?.contains(filter: filter) ?? false }
    }
}

extension String {
    fileprivate func contains(filter: String) -> Bool {
        let text = Array(utf8), wanted = Array(filter.utf8)
        guard text.count >= wanted.count else { return false }
        return (0...text.count - wanted.count).contains { text[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }
}

extension Attack {
    /// How often its reason must be counted at least: once a frame, but for those that limits let pass.
    fileprivate var leastCount: UInt64 {
        let passed = effects.reduce(0) { count, effect in
            if case .floods(_, let more) = effect { max(count, more) } else { count }
        }
        return UInt64(frames.count - passed)
    }
}
