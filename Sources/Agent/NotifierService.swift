import Logging
import Reporting
import ServiceLifecycle

/// Tells the service manager that the agent is alive, as long as each of its threads is.
struct NotifierService: Service {
    let notifier: ServiceNotifier
    /// By the threads' names.
    let pulses: [(name: String, pulse: Pulse)]
    let log: Logger

    /// A thread that hasn't gone round for so long hangs. The service manager then ends the agent and starts another; the
    /// guard stays in force meanwhile.
    private static let patience = Duration.seconds(60)

    func run() async throws {
        let interval = notifier.watchdogInterval ?? .seconds(3600)
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let hung = pulses.filter { $0.pulse.age > Self.patience }
            if hung.isEmpty {
                notifier.alive()
            } else {
                log.error(
                    "a thread hangs: the service manager isn't told that all is well",
                    metadata: ["threads": "\(hung.map(\.name).joined(separator: ", "))"])
            }
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
        }
        notifier.stopping()
    }
}
