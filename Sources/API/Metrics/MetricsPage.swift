import Datapath
import Enforcement
import Reporting

/// What `/metrics` answers: counters of all ports, what is in force, and how the agent fares. Always in the same order.
struct MetricsPage {
    private(set) var text: String

    /// Looks at what is loaded; where nothing is, only the agent is told of.
    init(_ health: AgentHealth, pins: PinFolder) throws {
        do {
            let datapath = try Datapath.open(pins: pins)
            self.init(health, host: try HostStatus.observe(datapath), entries: try datapath.entryCounts())
        } catch DatapathError.notLoaded {
            self.init(health, host: nil, entries: [:])
        }
    }

    /// - Parameter entries: how many entries the kernel's maps have, by name, as far as that is known.
    init(_ health: AgentHealth, host: HostStatus?, entries: [String: Int]) {
        var page = MetricsText()
        page.addAgent(health)
        page.add("vifguard_loaded", .gauge, "Whether the kernel's programs and maps are loaded.", host != nil)
        if let host { page.addHost(host, entries: entries) }
        text = page.text
    }
}

extension MetricsText {
    fileprivate mutating func addAgent(_ health: AgentHealth) {
        add(
            "vifguard_build_info", .gauge, "Which vifguard this is.",
            [MetricsSample(1, MetricsLabels(["version": VersionFacts.current]))])
        add("vifguard_agent_up", .gauge, "Whether the agent runs.", 1)
        add("vifguard_agent_start_time_seconds", .gauge, "When the agent was started, since 1970.", Self.seconds(health.startedAt))
        add("vifguard_policy_valid", .gauge, "Whether the policy's files are sound.", health.policy.isValid)
        add("vifguard_policy_errors", .gauge, "Errors in the policy's files.", health.policy.errors)
        add(
            "vifguard_policy_load_timestamp_seconds", .gauge, "When a sound policy was last read, since 1970.",
            Self.seconds(health.policy.loadedAt))
        add(health.reconciler)
        add(health.collector)
    }

    private mutating func add(_ reconciler: AgentHealth.Reconciler) {
        let runs = [("changed", reconciler.changed), ("failed", reconciler.failed), ("unchanged", reconciler.unchanged)]
        add(
            "vifguard_reconcile_total", .counter, "Runs that made the host match the policy, by what came of them.",
            runs.map { MetricsSample($0.1, MetricsLabels(["result": $0.0])) })
        add(
            "vifguard_reconcile_steps_total", .counter, "Steps that such runs carried out.",
            reconciler.steps.sorted { $0.key < $1.key }.map { MetricsSample($0.value, MetricsLabels(["step": $0.key])) })
        add("vifguard_reconcile_failures_total", .counter, "Steps that failed.", reconciler.stepFailures)
        let count = reconciler.unchanged &+ reconciler.changed &+ reconciler.failed
        add(
            "vifguard_reconcile_duration_seconds", .summary, "How long such runs took.",
            [MetricsSample(reconciler.seconds, suffix: "_sum"), MetricsSample(count, suffix: "_count")])
        add("vifguard_reconcile_timestamp_seconds", .gauge, "When the last run ended, since 1970.", Self.seconds(reconciler.lastRunAt))
        add("vifguard_drift_total", .counter, "Steps that put right what others had changed.", reconciler.drift)
        let ports = [("bound", reconciler.portsBound), ("closed", reconciler.portsClosed), ("released", reconciler.portsReleased)]
        add(
            "vifguard_ports_handled_total", .counter, "Ports that joined or left, by what was done.",
            ports.map { MetricsSample($0.1, MetricsLabels(["action": $0.0])) })
        add("vifguard_reconcile_faults", .gauge, "What of the policy couldn't be carried out in the last run.", reconciler.faults.count)
        add("vifguard_link_overruns_total", .counter, "Times that news of links were lost, and all was looked at anew.", reconciler.linkOverruns)
    }

    private mutating func add(_ collector: AgentHealth.Collector) {
        add("vifguard_events_read_total", .counter, "Events taken out of the kernel's ring.", collector.eventsRead)
        add("vifguard_events_left_out_total", .counter, "Frames that broke a rule and had no event: events are samples.", collector.eventsLeftOut)
        add("vifguard_events_malformed_total", .counter, "Entries of the kernel's ring that are no events.", collector.eventsMalformed)
        add("vifguard_events_lost_total", .counter, "Frames that broke a rule and will never be in the store of events.", collector.eventsLost)
        add(
            "vifguard_counters_read_timestamp_seconds", .gauge, "When the kernel's counters were last read, since 1970.",
            Self.seconds(collector.readAt))
        add("vifguard_store_writable", .gauge, "Whether the store of events can be written.", collector.isRecording)
        if let bytes = collector.storeBytes { add("vifguard_store_bytes", .gauge, "What the store of events takes on the disk.", bytes) }
    }

    private static func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds / 1_000_000) / 1000 }
}
