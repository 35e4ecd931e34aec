import Logging
import Reporting
import ServiceLifecycle

/// Tells the service manager that the agent is alive, as long as the reconciler is. A collector that hangs, as on a disk that
/// doesn't answer, is told of and costs records: ending the agent for it would cost new ports their bindings.
struct NotifierService: Service {
    let notifier: ServiceNotifier
    let reconciler: Pulse
    let collector: Pulse
    let log: Logger

    /// A thread that hasn't gone round for so long hangs. The service manager ends an agent whose reconciler does, and starts
    /// another; the guard stays in force meanwhile.
    private static let patience = Duration.seconds(60)

    func run() async throws {
        let interval = notifier.watchdogInterval ?? .seconds(30)
        var isCollecting = true
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            if reconciler.age <= Self.patience {
                notifier.alive()
            } else {
                log.error("the reconciler hangs: the service manager isn't told that all is well")
            }
            if isCollecting, collector.age > Self.patience { log.error("the collector hangs: nothing is recorded until the disk answers") }
            isCollecting = collector.age <= Self.patience
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
        }
        notifier.stopping()
    }
}
