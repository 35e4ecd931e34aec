import API
import EventStore
import Foundation
import Logging
import Policy
import PolicyText
import Reporting
import ServiceLifecycle
import UnixSignals

/// An agent's life: its services, from the start until SIGTERM or SIGINT.
public enum AgentRun {
    /// Goes on until it is told to end. Enforcement doesn't end with it.
    ///
    /// - Throws: `AgentError` and what the services throw where they can't begin.
    public static func run(_ options: AgentOptions, log: Logger) async throws {
        guard PolicyFiles.engine(options.policyPath) == .ebpf else { throw AgentError.classicEngine(policy: options.policyPath) }
        guard let lock = try AgentLock.take(in: options.state) else { throw AgentError.otherAgent(folder: options.state.path) }
        defer { withExtendedLifetime(lock) {} }
        let notifier = ServiceNotifier(environment: ProcessInfo.processInfo.environment)
        let inbox = try Reconciler.Inbox()
        let record = ReconcilerRecord()
        let reconciler = ReconcilerService(options: options, inbox: inbox, record: record, log: log) {
            log.info("the agent watches over the host", metadata: ["policy": "\(options.policyPath.visible)"])
            notifier.ready(status: "watching over the host")
        }
        let collector = CollectorService(
            pins: options.pins, folder: options.state, limits: options.eventLimits, totals: CollectorTotals(), pulse: Pulse(), log: log)
        let api = APIService(
            configuration: APIConfiguration(
                pins: options.pins, policyPath: options.policyPath, stateFolder: options.state.path, runFolder: options.runFolder,
                group: options.group, listen: options.listen, tokenFile: options.tokenFile),
            agent: AgentInformation(
                health: { AgentHealth(record, collector.totals, options.state) }, reconcile: { inbox.request(.changedByAPI) }), logger: log)
        // They end in the other order: the API last, which may have answers to wait for, and the store is closed by then.
        let services: [any Service] = [
            api, reconciler, collector, ReloadService(inbox: inbox, notifier: notifier, log: log),
            NotifierService(notifier: notifier, reconciler: record.pulse, collector: collector.pulse, log: log),
        ]
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: log))
        try await group.run()
        log.info("the agent has ended; the guard stays in force")
    }
}

/// SIGHUP: the policy is read again.
private struct ReloadService: Service {
    let inbox: Reconciler.Inbox
    let notifier: ServiceNotifier
    let log: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            log.info("SIGHUP: reading the policy again")
            notifier.reloading()
            inbox.request(.asked)
            notifier.ready(status: "watching over the host")
        }
    }
}
