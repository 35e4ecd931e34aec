import API
import EventStore
import Foundation

extension AgentHealth {
    /// What the agent's threads have noted.
    init(_ record: ReconcilerRecord, _ collector: CollectorTotals, _ store: StateFolder) {
        let facts = record.facts
        self.init(startedAt: Self.nanoseconds(facts.started))
        policy.isValid = facts.policyLoaded != nil && facts.policyProblems.isEmpty
        policy.errors = facts.policyProblems.count
        policy.loadedAt = facts.policyLoaded.map(Self.nanoseconds) ?? 0
        reconciler = Reconciler(facts, seen: record.pulse.age)
        self.collector = Collector(collector.values, store)
    }

    fileprivate static func nanoseconds(_ date: Date) -> UInt64 { UInt64(max(0, date.timeIntervalSince1970) * 1e9) }
}

extension AgentHealth.Reconciler {
    fileprivate init(_ facts: ReconcilerRecord.Facts, seen age: Duration) {
        self.init()
        unchanged = facts.runs["unchanged", default: 0]
        changed = facts.runs["changed", default: 0]
        failed = facts.runs["failed", default: 0]
        steps = facts.steps
        stepFailures = facts.failures
        drift = facts.drift
        portsBound = facts.portsBound
        portsClosed = facts.portsClosed
        portsReleased = facts.portsReleased
        seconds = facts.seconds
        lastSeconds = facts.lastSeconds
        lastRunAt = facts.lastRun.map(AgentHealth.nanoseconds) ?? 0
        lastError = facts.lastError
        faults = facts.faults
        linkOverruns = facts.overruns
        let now = AgentHealth.nanoseconds(Date())
        seenAt = now - min(now, UInt64(max(0, age / .nanoseconds(1))))
    }
}

extension AgentHealth.Collector {
    fileprivate init(_ totals: CollectorTotals.Values, _ store: StateFolder) {
        self.init()
        eventsRead = totals.events
        eventsLeftOut = totals.leftOutEvents
        eventsMalformed = totals.malformedEvents
        eventsLost = totals.lostPackets
        readAt = totals.readAt
        isRecording = totals.isRecording
        var status = stat()
        storeBytes = stat(store.events, &status) == 0 ? UInt64(max(0, status.st_size)) : nil
    }
}
