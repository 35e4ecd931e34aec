import Glibc
import Netlink
import Synchronization

/// Something done on a thread of its own while others go on.
final class BackgroundJob: @unchecked Sendable {
    private var thread = pthread_t()
    private let body: @Sendable () throws -> Void
    private let outcome = Mutex<Result<Void, any Error>?>(nil)
    private var isJoined = false

    init(_ body: @escaping @Sendable () throws -> Void) throws(LabError) {
        self.body = body
        let argument = Unmanaged.passRetained(self)
        let failed = pthread_create(
            &thread, nil,
            { argument in
                let job = Unmanaged<BackgroundJob>.fromOpaque(argument!).takeRetainedValue()
                let result = Result { try job.body() }
                job.outcome.withLock { $0 = result }
                return nil
            }, argument.toOpaque())
        guard failed == 0 else {
            argument.release()
            throw LabError(action: "start a thread", errno: SystemErrorNumber(failed))
        }
    }

    var isDone: Bool { outcome.withLock { $0 != nil } }

    /// Waits for it; what it threw is thrown here.
    func finish() throws {
        if !isJoined { pthread_join(thread, nil) }
        isJoined = true
        try outcome.withLock { $0 }?.get()
    }
}
