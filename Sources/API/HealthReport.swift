import Reporting

/// What `/v1/health` answers.
struct HealthReport: Encodable {
    enum Status: String, Encodable {
        case ok
        /// Something has to be looked after. What is in force stays in force.
        case degraded
    }

    struct PolicyFiles: Encodable {
        var valid: Bool
        var errors: Int
        var loaded: String?
    }

    struct Reconciler: Encodable {
        struct Runs: Encodable {
            var unchanged: UInt64
            var changed: UInt64
            var failed: UInt64
        }

        var runs: Runs
        var stepFailures: UInt64
        var drift: UInt64
        var faults: [String]
        var linkOverruns: UInt64
        var lastRun: String?
        var lastSeconds: Double
        var lastError: String?
    }

    struct Collector: Encodable {
        var recording: Bool
        var read: String?
        var eventsRead: UInt64
        var eventsLeftOut: UInt64
        var eventsMalformed: UInt64
        var eventsLost: UInt64
        var storeBytes: UInt64?
    }

    var status: Status
    /// What has to be looked after.
    var problems: [String]
    var version = VersionFacts.current
    var started: String
    var policy: PolicyFiles
    var reconciler: Reconciler
    var collector: Collector

    /// The counters are read once a second: after this long something holds that up.
    private static let longestSilence: UInt64 = 15_000_000_000
    /// The reconciler's thread goes round every few seconds, and a run on a large host takes a second.
    private static let longestRun: UInt64 = 60_000_000_000
    /// That are told of.
    private static let mostFaults = 100

    /// - Parameter now: nanoseconds since 1970.
    init(_ health: AgentHealth, now: UInt64) {
        problems = Self.problems(health, now: now)
        status = problems.isEmpty ? .ok : .degraded
        started = WallClock(nanoseconds: health.startedAt).universal
        policy = PolicyFiles(valid: health.policy.isValid, errors: health.policy.errors, loaded: Self.time(health.policy.loadedAt))
        let runs = health.reconciler
        reconciler = Reconciler(
            runs: Reconciler.Runs(unchanged: runs.unchanged, changed: runs.changed, failed: runs.failed), stepFailures: runs.stepFailures,
            drift: runs.drift, faults: runs.faults.prefix(Self.mostFaults).map(\.visible),
            linkOverruns: runs.linkOverruns, lastRun: Self.time(runs.lastRunAt), lastSeconds: runs.lastSeconds,
            lastError: runs.lastError?.visible)
        let collected = health.collector
        collector = Collector(
            recording: collected.isRecording, read: Self.time(collected.readAt), eventsRead: collected.eventsRead,
            eventsLeftOut: collected.eventsLeftOut, eventsMalformed: collected.eventsMalformed, eventsLost: collected.eventsLost,
            storeBytes: collected.storeBytes)
    }

    private static func time(_ nanoseconds: UInt64) -> String? {
        nanoseconds == 0 ? nil : WallClock(nanoseconds: nanoseconds).universal
    }

    private static func problems(_ health: AgentHealth, now: UInt64) -> [String] {
        var problems: [String] = []
        if !health.policy.isValid { problems.append("the policy isn't taken: 'vifguard check' says what is wrong with it") }
        if health.reconciler.lastRunAt == 0 { problems.append("the host has not been made to match the policy yet") }
        if let error = health.reconciler.lastError { problems.append("the host doesn't match the policy: \(error.visible)") }
        if !health.reconciler.faults.isEmpty {
            problems.append("\(counted(health.reconciler.faults.count, "thing")) the policy wants couldn't be carried out: 'vifguard plan' says why")
        }
        if now > max(health.reconciler.seenAt, health.startedAt) + longestRun {
            problems.append("the reconciler hangs: its last sign of life is older than a minute")
        }
        let silence = now - min(now, max(health.collector.readAt, health.startedAt))
        if silence > longestSilence { problems.append("counters were last read \(silence / 1_000_000_000) seconds ago") }
        if !health.collector.isRecording { problems.append("events aren't recorded: the agent's log says why") }
        return problems
    }
}
