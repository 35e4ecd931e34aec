import Datapath
import Enforcement
import Foundation
import Logging
import Netlink
import Policy
import PolicyText
import Reporting
import Synchronization

/// Keeps a host as its policy wants it: shuts ports that join guarded bridges, binds them where it is known who is behind
/// them, lets go of those that leave, and puts right what other programs change. All that it knows but the policy is in
/// the kernel: killed at any moment, nothing ends and nothing opens, and the next one goes on.
///
/// One thread runs it, that of `run`. From others: `request` and `stop`.
final class Reconciler {
    let options: AgentOptions
    let log: Logger
    let record: ReconcilerRecord
    let inbox: Inbox
    var source: PolicySource
    var schedule: Schedule
    var reports: ReportLog
    /// nil while nothing is loaded.
    var datapath: Datapath?
    var monitor: LinkMonitor
    /// Bridges that were guarded when the host was last looked at, by number.
    var guardedBridges: [InterfaceIndex: String] = [:]
    /// How ports were set by this agent, until the kernel tells of it.
    var ownSettings: [InterfaceIndex: BridgePort.Settings] = [:]
    /// nil while nothing is loaded, or no policy has been read.
    var leases: LeaseKeeper?
    let guests: (any GuestSource)?
    /// Why ports aren't bound that a hypervisor tells of, and what of its files can't be read: told of once.
    var refusals: [InterfaceIndex: String] = [:]
    var unreadable: Set<String> = []
    /// How many lines leases may take in the log.
    let leaseLines = TokenBucket(rate: 10, burst: 100)
    var leaseLinesFullAt: UInt64 = 0
    private let watch: PolicyWatch
    /// Ports of which the hypervisor has said something else, and that haven't been looked at since.
    var describedAnew: Set<String> = []
    /// Whether the hypervisor may have something new to say.
    var guestsHaveNews = true
    private var policyDue: ContinuousClock.Instant?

    /// What other threads want of it.
    final class Inbox: Sendable {
        private let wishes = Mutex<(trigger: Trigger?, isStopped: Bool)>((nil, false))
        let wakeup: Wakeup

        init() throws(AgentError) { wakeup = try Wakeup() }

        /// Asks for a whole run; with `.asked` also for the policy to be read again, whatever its files look like.
        func request(_ trigger: Trigger) {
            wishes.withLock { if $0.trigger != .asked { $0.trigger = trigger } }
            wakeup.wake()
        }

        func stop() {
            wishes.withLock { $0.isStopped = true }
            wakeup.wake()
        }

        var isStopped: Bool { wishes.withLock { $0.isStopped } }

        fileprivate func takeRequest() -> Trigger? {
            wishes.withLock { state in
                defer { state.trigger = nil }
                return state.trigger
            }
        }
    }

    init(_ options: AgentOptions, inbox: Inbox, record: ReconcilerRecord, log: Logger) throws {
        self.options = options
        self.log = log
        self.record = record
        self.inbox = inbox
        source = PolicySource(path: options.policyPath)
        schedule = Schedule(interval: options.interval, now: .now)
        reports = ReportLog(log)
        watch = try PolicyWatch(path: options.policyPath)
        guests = try options.guests?()
        // Before the host is looked at: nothing that happens meanwhile is missed.
        monitor = try LinkMonitor()
    }

    /// Goes on until `stop`.
    ///
    /// - Parameter ready: called once, after the first run.
    func run(ready: () -> Void) {
        readPolicy()
        lookAtHost()
        ready()
        while !inbox.isStopped {
            wait()
            record.pulse.beat()
            followLinks()
            followLeases()
            followPolicy()
            followGuests()
            if let trigger = inbox.takeRequest() {
                if trigger == .asked { source.forget() }
                schedule.request(trigger, isUrgent: trigger == .asked, now: .now)
            }
            if schedule.isDue(now: .now) { lookAtHost() }
        }
    }

    private func wait() {
        let now = ContinuousClock.now
        var delay = min(schedule.delay(now: now), .seconds(5))
        if let policyDue { delay = min(delay, max(.zero, now.duration(to: policyDue))) }
        if let leaseDelay { delay = min(delay, leaseDelay) }
        var awaited = [monitor.descriptor, watch.descriptor, inbox.wakeup.descriptor, leases?.descriptor ?? -1, guests?.descriptor ?? -1].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        _ = poll(&awaited, nfds_t(awaited.count), Int32((delay / .milliseconds(1)).rounded(.up)))
        if awaited[1].revents != 0 {
            watch.clear()
            // Whoever edits a policy may write several files.
            policyDue = .now + .milliseconds(200)
        }
        if awaited[2].revents != 0 { inbox.wakeup.clear() }
        if awaited[4].revents != 0 { guestsHaveNews = true }
    }

    // MARK: The policy

    private func followPolicy() {
        guard let due = policyDue, ContinuousClock.now >= due else { return }
        policyDue = nil
        if readPolicy() { schedule.request(.policyChanged, isUrgent: true, now: .now) }
    }

    /// - Returns: whether its files are others than before.
    @discardableResult
    private func readPolicy() -> Bool {
        guard source.refresh() else { return false }
        for problem in source.problems { log.error("policy: \(problem.line.visible)") }
        if source.problems.isEmpty, let policy = source.policy {
            for warning in source.configuration?.warnings ?? [] { log.warning("policy: \(warning.line.visible)") }
            log.info(
                "policy read",
                metadata: ["path": "\(source.path.visible)", "bridges": "\(policy.bridges.count)", "interfaces": "\(policy.interfaces.count)"])
        } else {
            log.error(
                "the policy isn't taken; what is in force stays", metadata: ["path": "\(source.path.visible)", "errors": "\(source.problems.count)"])
        }
        let (loaded, problems) = (source.loaded, source.problems.map(\.line))
        record.note {
            $0.policyLoaded = loaded
            $0.policyProblems = problems
        }
        return true
    }

    // MARK: The whole host

    /// One whole run: compares, and puts right what differs.
    func lookAtHost() {
        let begun = ContinuousClock.now
        readPolicy()
        let triggers = schedule.begin(now: begun)
        do {
            let report = try reconcile()
            tell(report, because: triggers, isWhole: true)
            note(report, triggers)
            bindUnknown()
        } catch {
            reports.tell("\(error)")
            record.note {
                $0.runs["failed", default: 0] += 1
                $0.lastError = "\(error)"
            }
            if Self.meansAnotherLoaded(error) {
                (datapath, leases) = (nil, nil)
                schedule.request(.again, now: .now)
            }
        }
        let ended = ContinuousClock.now
        schedule.end(begun, now: ended)
        record.note {
            $0.lastSeconds = begun.duration(to: ended) / .seconds(1)
            $0.seconds += $0.lastSeconds
            $0.lastRun = Date()
        }
    }

    private func reconcile() throws -> Report {
        guard let configuration = source.configuration else {
            // What is in force is kept in force, and ports that join are shut: that takes no policy.
            datapath = try datapath ?? Self.openIfLoaded(options.pins)
            try findGuardedBridges()
            return Report(plan: Plan())
        }
        if datapath.map({ $0.stampBit != configuration.stampBit || $0.maximumPorts < configuration.maximumPorts }) ?? true {
            let loaded = try Loading.load(
                configuration.policy, pins: options.pins, stampBit: configuration.stampBit, ports: configuration.maximumPorts)
            if let move = loaded.move { log.warning("\(move)") }
            // On the same maps what is open goes on, and so does its keeper of leases, who knows what clients wait for.
            if datapath?.maximumPorts != loaded.datapath.maximumPorts { (datapath, leases) = (loaded.datapath, nil) }
        }
        keepLeases(by: configuration.policy)
        // A lease whose renewal is waiting hasn't expired.
        followLeases()
        guard let datapath else { return Report(plan: Plan()) }
        let report = try Apply.perform(configuration.policy, datapath: datapath)
        try findGuardedBridges()
        return report
    }

    /// Tells of it, and remembers what the kernel is going to tell of it.
    func tell(_ report: Report, because triggers: [Trigger], isWhole: Bool = false) {
        let undone = Set(report.failures.map(\.step))
        for case .setPort(let port, let settings) in report.plan.steps where !undone.contains(.setPort(port, settings)) {
            ownSettings[port.index] = settings
        }
        reports.tell(report, because: triggers, isWhole: isWhole)
    }

    private func findGuardedBridges() throws {
        var bridges: [InterfaceIndex: String] = [:]
        if let datapath {
            for link in monitor.links.values where link.isBridge {
                if let record = try datapath.port(link.index, withTraffic: false), record.kind == .bridge { bridges[link.index] = link.name }
            }
        }
        guardedBridges = bridges
    }

    private func note(_ report: Report, _ triggers: [Trigger]) {
        let undone = Set((report.failures + report.departed).map(\.step))
        let done = report.plan.steps.filter { !undone.contains($0) }
        let isDrift = triggers.allSatisfy(\.meansDrift)
        record.note { facts in
            facts.runs[report.succeeded ? (done.isEmpty ? "unchanged" : "changed") : "failed", default: 0] += 1
            for step in done { facts.steps[step.name, default: 0] += 1 }
            if isDrift { facts.drift += UInt64(done.count) }
            facts.failures += UInt64(report.failures.count)
            facts.lastError = report.failures.first?.description
            facts.faults = report.plan.faults.map(\.description)
        }
    }

    static func openIfLoaded(_ pins: PinFolder) throws -> Datapath? {
        do throws(DatapathError) { return try Datapath.open(pins: pins) } catch .notLoaded { return nil }
    }

    /// Another vifguard has replaced the maps, or taken them away.
    static func meansAnotherLoaded(_ error: any Error) -> Bool {
        switch error {
        case EnforcementError.datapath(.superseded), EnforcementError.datapath(.notLoaded), DatapathError.superseded, DatapathError.notLoaded: true
        default: false
        }
    }
}
