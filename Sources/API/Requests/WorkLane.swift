import Dispatch
import Synchronization

/// A thread for work that waits for the kernel, for locks or for a disk, one piece after another. What waits is bounded.
final class WorkLane: Sendable {
    /// Where a piece of work is done: on the lane's own thread, if not within it on another, which knows another network.
    typealias Place = @Sendable (() -> Void) -> Void

    private let queue: DispatchQueue
    private let place: Place
    private let room: Mutex<Int>

    init(_ name: String, waiting: Int, place: @escaping Place = { $0() }) {
        queue = DispatchQueue(label: "vifguard.api.\(name)")
        self.place = place
        room = Mutex(waiting)
    }

    /// - Throws: `Problem` with status 503 if too much waits; what `body` throws.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        guard enter() else { throw Problem.busy }
        defer { leave() }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { [place] in place { continuation.resume(with: Result { try body() }) } }
        }
    }

    /// As `run`, for what waits for other programs in between.
    func runTask<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        guard enter() else { throw Problem.busy }
        defer { leave() }
        return try await withTaskExecutorPreference(self) { try await body() }
    }

    private func enter() -> Bool {
        room.withLock { room in
            guard room > 0 else { return false }
            room -= 1
            return true
        }
    }

    private func leave() { room.withLock { $0 += 1 } }
}

extension WorkLane: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// The kinds of work, each with a thread of its own: whoever changes the host waits for others who do, and nobody who only
/// looks at it waits for them, or for somebody's large capture or policy.
struct WorkLanes: Sendable {
    let changes: WorkLane
    let readings: WorkLane
    let metrics: WorkLane
    let events: WorkLane
    let judging: WorkLane
    let checking: WorkLane
    let diagnosis: WorkLane

    init(_ limits: APILimits, place: @escaping WorkLane.Place = { $0() }) {
        changes = WorkLane("changes", waiting: limits.waiting, place: place)
        readings = WorkLane("readings", waiting: limits.waiting, place: place)
        metrics = WorkLane("metrics", waiting: limits.waiting, place: place)
        events = WorkLane("events", waiting: limits.waiting, place: place)
        judging = WorkLane("judging", waiting: limits.waiting, place: place)
        checking = WorkLane("checking", waiting: limits.waiting, place: place)
        diagnosis = WorkLane("diagnosis", waiting: 2, place: place)
    }
}
