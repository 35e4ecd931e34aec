import Logging
import ServiceLifecycle

/// The reconciler as a service: its thread from the start to the graceful end.
struct ReconcilerService: Service {
    let options: AgentOptions
    let inbox: Reconciler.Inbox
    let record: ReconcilerRecord
    let log: Logger
    /// Called once the host has been looked at for the first time.
    let ready: @Sendable () -> Void

    func run() async throws {
        let failure = Failing()
        let thread = try WorkerThread("reconciler") {
            do {
                // Made on the thread that uses it.
                try Reconciler(options, inbox: inbox, record: record, log: log).run(ready: ready)
            } catch {
                failure.set(error)
            }
        }
        await thread.run { inbox.stop() }
        try failure.rethrow()
    }
}
