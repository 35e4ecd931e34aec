import Datapath
import EventStore
import Logging
import Reporting
import ServiceLifecycle
import Synchronization

/// The collector as a service: reads counters and events on a thread of its own, where a slow disk holds up nothing else.
struct CollectorService: Service {
    let pins: PinFolder
    let folder: StateFolder
    let limits: EventLimits
    let totals: CollectorTotals
    let pulse: Pulse
    let log: Logger

    func run() async throws {
        let stopping = Stopping()
        let thread = try WorkerThread("collector") { collect(until: stopping) }
        await thread.run { stopping.begin() }
    }

    private func collect(until stopping: Stopping) {
        let log = log
        let recorder = EventRecorder(folder, limits: limits) { notice in
            log.log(level: notice == .writable ? .notice : .error, "\(notice.description.visible)")
        }
        let collector = Collector(recorder: recorder, journal: ViolationJournal(log), totals: totals)
        var said: String?
        while !stopping.hasBegun {
            switch collector.step() {
            case .collected: said = nil
            case .notLoaded, .superseded:
                // Where nothing is loaded yet there is nothing to say: the reconciler does.
                if let datapath = try? Datapath.open(pins: pins) { try? collector.watch(datapath) }
            case .failed(let error):
                if said != "\(error)" { log.error("counters can't be read: \("\(error)".visible)") }
                said = "\(error)"
            }
            pulse.beat()
            collector.wait()
        }
        collector.finish()
    }
}

/// Tells a thread to end.
final class Stopping: Sendable {
    private let flag = Atomic(false)

    func begin() { flag.store(true, ordering: .relaxed) }
    var hasBegun: Bool { flag.load(ordering: .relaxed) }
}

/// When a thread was last seen going round.
final class Pulse: Sendable {
    private let last = Mutex(ContinuousClock.now)

    func beat() { last.withLock { $0 = .now } }

    /// How long ago.
    var age: Duration { last.withLock { $0 }.duration(to: .now) }
}
