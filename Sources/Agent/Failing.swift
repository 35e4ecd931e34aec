import Synchronization

/// Why a thread ended, for the one who waits for it.
final class Failing: Sendable {
    private let error = Mutex<(any Error)?>(nil)

    func set(_ failure: any Error) { error.withLock { $0 = failure } }

    func rethrow() throws { if let failure = error.withLock({ $0 }) { throw failure } }
}
