import CLinux
import Glibc
import ServiceLifecycle
import Synchronization

/// A thread of its own for work that blocks: netlink, locks, the disk. The concurrency pool has a thread a core, and one
/// that waits for the kernel would be missing there.
final class WorkerThread: Sendable {
    private let finished = Mutex<(isDone: Bool, waiter: CheckedContinuation<Void, Never>?)>((false, nil))

    /// Starts `body` at once.
    ///
    /// - Parameter name: at most 15 bytes, as `ps -L` and `top -H` show it.
    init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(AgentError) {
        final class Work {
            let name: String
            let body: @Sendable () -> Void
            init(_ name: String, _ body: @escaping @Sendable () -> Void) { (self.name, self.body) = (name, body) }
        }
        let work = Work(name) { [self] in
            body()
            finish()
        }
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(work)
        let failed = pthread_create(
            &thread, nil,
            { argument in
                let work = Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue()
                clinux_name_thread(work.name)
                work.body()
                return nil
            }, argument.toOpaque())
        guard failed == 0 else {
            argument.release()
            throw .system(action: "start a thread", failed)
        }
        pthread_detach(thread)
    }

    /// Waits until the body has returned, which it is asked to by `stop` as soon as the agent is to end, by itself or because
    /// one of its services couldn't go on. For one waiter.
    func run(until stop: @escaping @Sendable () -> Void) async {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await join()
            } onGracefulShutdown: {
                stop()
            }
        } onCancel: {
            stop()
        }
    }

    private func finish() {
        let waiter = finished.withLock { state in
            defer { state = (true, nil) }
            return state.waiter
        }
        waiter?.resume()
    }

    private func join() async {
        await withCheckedContinuation { continuation in
            let isDone = finished.withLock { state in
                if !state.isDone { state.waiter = continuation }
                return state.isDone
            }
            if isDone { continuation.resume() }
        }
    }
}
