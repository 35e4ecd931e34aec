import Glibc

/// Keeps the store through everything: opens it, sets aside what can't be used, waits while there is no room, goes on when
/// there is. Nothing it does throws, and what it holds in memory is bounded: who enforces must not be held up by who records.
///
/// Not Sendable: one thread records.
public final class EventRecorder {
    /// What happened to the store that its operator should know.
    public enum Notice: Sendable, Hashable, CustomStringConvertible {
        /// A file was put out of the way, and a new store begun.
        case setAside(why: EventStoreError, path: String)
        /// It can't be opened or written: what happens meanwhile waits in memory as long as that has room.
        case unwritable(EventStoreError)
        /// It can be written again.
        case writable
        /// Somebody has removed the file or put another one in its place.
        case replaced(path: String)

        public var description: String {
            switch self {
            case .setAside(let why, let path): "\(why): it is now at \(path), and a new one begins"
            case .unwritable(let why): "\(why): until then what happens is counted, and kept as long as memory allows"
            case .writable: "the event store can be written again"
            case .replaced(let path): "the event store \(path) is no longer the file it was: a new one begins"
            }
        }
    }

    private let folder: StateFolder
    private let limits: EventLimits
    private let tell: (Notice) -> Void
    private(set) var store: EventStore?
    private var backlog = EventBacklog()
    private var isWritable = true
    /// Monotonic nanoseconds.
    private var nextAttempt: UInt64 = 0
    private var nextPruning: UInt64 = 0
    /// The store in use doesn't know the baselines that an earlier one knew.
    private var isNew = false
    /// Whether there was a store before: the baselines of the first are those to go on from.
    private var hadStore = false
    /// How often in a row the file turned out to be damaged although it could be opened.
    private var damages = 0

    /// SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM: nothing that opening the file again would mend.
    private static let mayPassByItself: Set<Int32> = [5, 6, 7]
    private static let pause: UInt64 = 5_000_000_000
    private static let pruningInterval: UInt64 = 60_000_000_000

    /// - Parameter tell: called on the recording thread.
    public init(_ folder: StateFolder, limits: EventLimits = EventLimits(), tell: @escaping (Notice) -> Void) {
        self.folder = folder
        self.limits = limits
        self.tell = tell
    }

    /// Frames that the store will never know of, because memory was full before the store was written again.
    public var lost: UInt64 { backlog.lost }

    /// Whether nothing waits.
    public var isUpToDate: Bool { backlog.violations.isEmpty }

    /// What the counters said when the store was last written; empty ones if that was in another epoch or never, nil while
    /// the store can't be read.
    ///
    /// - Parameter monotonic: nanoseconds of CLOCK_MONOTONIC, as everywhere here.
    public func baselines(epoch: String, monotonic: UInt64) -> Baselines? {
        guard let store = opened(monotonic) else { return nil }
        do throws(EventStoreError) {
            let baselines = try store.baselines(epoch: epoch) ?? Baselines(epoch: epoch)
            succeeded()
            return baselines
        } catch {
            failed(error, monotonic)
            return nil
        }
    }

    public func add(_ violation: Violation, _ count: ViolationCount) { backlog.add(violation, count) }

    /// Writes what waits together with the baselines, and prunes now and then.
    ///
    /// - Parameters:
    ///   - baselines: gone on from those that the store has (`baselines(epoch:monotonic:)`), or what is written counts twice.
    ///   - time: nanoseconds since 1970.
    ///   - isLast: tries even if it failed a moment ago.
    /// - Returns: whether it is written; what it told the store of the baselines is then no longer among their changes.
    @discardableResult
    public func flush(_ baselines: inout Baselines, monotonic: UInt64, time: UInt64, isLast: Bool = false) -> Bool {
        guard let store = opened(isLast ? .max : monotonic) else { return false }
        do throws(EventStoreError) {
            if isNew { baselines.changeAll() }
            do throws(EventStoreError) {
                try store.write(backlog.violations, baselines)
            } catch {
                // Taking rows out makes room within the store's own bound, and none on a disk that is full.
                guard case .full = error, try store.isNearBound() else { throw error }
                try store.pruneInNeed()
                try store.write(backlog.violations, baselines)
            }
            backlog.clear()
            baselines.changes = Baselines.Changes()
            isNew = false
            damages = 0
            succeeded()
            if monotonic >= nextPruning {
                nextPruning = monotonic &+ Self.pruningInterval
                try store.prune(now: time)
            }
            return true
        } catch {
            failed(error, monotonic)
            return false
        }
    }

    public func close() {
        store?.close()
        store = nil
    }

    // MARK: Opening

    private func opened(_ now: UInt64) -> EventStore? {
        if let store, !store.isInPlace {
            tell(.replaced(path: store.path))
            drop()
        }
        guard now >= nextAttempt else { return nil }
        if let store { return store }
        do throws(EventStoreError) {
            let opened = try openedAnyhow()
            store = opened
            isNew = hadStore
            hadStore = true
            return opened
        } catch {
            failed(error, now)
            return nil
        }
    }

    private func openedAnyhow() throws(EventStoreError) -> EventStore {
        do throws(EventStoreError) {
            return try EventStore(folder, limits: limits)
        } catch {
            switch error {
            case .damaged: tell(.setAside(why: error, path: try EventStore.setAside(folder, as: "damaged")))
            case .newer: tell(.setAside(why: error, path: try EventStore.setAside(folder, as: "newer")))
            default: throw error
            }
            return try EventStore(folder, limits: limits)
        }
    }

    private func drop() {
        store?.close()
        store = nil
    }

    private func failed(_ error: EventStoreError, _ now: UInt64) {
        switch error {
        case .damaged:
            drop()
            damages += 1
            // Opening looks at the pages, not at all that is in them.
            if damages > 1, let path = try? EventStore.setAside(folder, as: "damaged") {
                damages = 0
                tell(.setAside(why: error, path: path))
            }
        case .database(_, let code, _) where !Self.mayPassByItself.contains(code & 0xff): drop()
        case .full, .database: break
        default: drop()
        }
        nextAttempt = now &+ Self.pause
        guard isWritable else { return }
        isWritable = false
        tell(.unwritable(error))
    }

    private func succeeded() {
        guard !isWritable else { return }
        isWritable = true
        tell(.writable)
    }
}
