import Datapath
import EventStore
import Glibc
import Packets
import Policy

/// Reads what the kernel counted and sent, and hands it to the store and the journal: exact counts from the counters,
/// a few frames from the ring.
///
/// Not Sendable: one thread makes it and calls it. `totals` may be read by any.
public final class Collector {
    public enum Outcome: Sendable, Hashable {
        case collected
        /// There is nothing to read: `watch` what is loaded, once it is.
        case notLoaded
        /// Other maps have taken the place of those that were read, to the last: `watch` what is loaded now.
        case superseded
        /// The kernel couldn't be asked; the next step tries again.
        case failed(DatapathError)
    }

    /// Entries of the ring that one step takes: nearly a full ring.
    private static let eventsAtOnce = 4096
    /// The shortest time between two steps that events bring about: a flood must not cost more.
    private static let pause: UInt64 = 250_000_000
    /// The baselines are written this often even if nothing has happened: when something does, it is known since when.
    private static let longestSilence: UInt64 = 60_000_000_000

    public let totals: CollectorTotals
    private let recorder: EventRecorder
    private let journal: ViolationJournal
    private var source: (any ViolationSource)?
    private var malformedBefore = 0
    /// nil until the first step.
    private var progress: Progress?
    private var sampling = Sampling()
    /// Monotonic nanoseconds.
    private var lastStep: UInt64 = 0
    private var lastFlush: UInt64?

    private struct Progress {
        var baselines: Baselines
        /// What was read first, as long as it isn't known what the store had before.
        var first: (readings: [DropReading], at: Moment)?
    }

    public init(recorder: EventRecorder, journal: ViolationJournal, totals: CollectorTotals = CollectorTotals()) {
        self.totals = totals
        self.recorder = recorder
        self.journal = journal
    }

    /// Goes on with what is loaded.
    public func watch(_ datapath: Datapath) throws(DatapathError) { watch(try KernelViolations(datapath)) }

    package func watch(_ source: any ViolationSource) {
        self.source = source
        malformedBefore = 0
        if progress?.baselines.epoch != source.epoch { progress = nil }
    }

    // MARK: Steps

    /// Takes in what happened since the last step. To be called about once a second, or when `wait` returns.
    public func step() -> Outcome { step(Moment.now) }

    package func step(_ clock: () -> Moment) -> Outcome {
        guard let source else {
            settle(clock())
            return .notLoaded
        }
        do throws(DatapathError) {
            lastStep = clock().monotonic
            // In this order: what has been superseded is read to its end, and every frame in the ring is counted already.
            let isInForce = source.isInForce
            resume(source, clock())
            let events = try take(source, clock())
            let readings = try source.readings()
            let now = clock()
            collect(events, readings, now)
            settle(now)
            if isInForce { return .collected }
            self.source = nil
            return .superseded
        } catch {
            settle(clock())
            return .failed(error)
        }
    }

    /// Waits until there is something to do: events, or the next second.
    public func wait(atMost limit: Duration = .seconds(1)) {
        let deadline = Moment.now().monotonic &+ UInt64(max(limit / .nanoseconds(1), 0))
        let earliest = min(lastStep &+ Self.pause, deadline)
        Self.sleep(until: earliest)
        let now = Moment.now().monotonic
        guard now < deadline else { return }
        var awaited = pollfd(fd: source?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
        _ = poll(&awaited, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1))
    }

    /// Writes what waits and closes the store.
    public func finish() { finish(Moment.now()) }

    package func finish(_ now: Moment) {
        settle(now, isLast: true)
        recorder.close()
    }

    private static func sleep(until time: UInt64) {
        let now = Moment.now().monotonic
        if time > now { usleep(UInt32(clamping: (time - now) / 1000)) }
    }

    // MARK: Events

    private func take(_ source: any ViolationSource, _ now: Moment) throws(DatapathError) -> [GuardEvent] {
        sampling.begin(now, countingSince: progress?.baselines.readAt ?? now.monotonic)
        let (events, taken) = try source.events(atMost: Self.eventsAtOnce) { sampling.isWanted($0) }
        let malformed = source.malformedEvents - malformedBefore
        malformedBefore = source.malformedEvents
        let leftOut = sampling.leftOut
        totals.update {
            $0.events &+= UInt64(taken)
            $0.malformedEvents &+= UInt64(malformed)
            $0.leftOutEvents &+= leftOut
        }
        return events
    }

    // MARK: Counts

    private func collect(_ events: [GuardEvent], _ readings: [DropReading], _ now: Moment) {
        var (differences, since) = advance(readings, now)
        differences += departed(Set(readings.map(\.port.index)))
        var samples: [Violation: [SampleFrame]] = [:]
        for event in events { samples[violation(event), default: []].append(SampleFrame(event, now)) }
        var packets: UInt64 = 0
        for difference in differences where Violation.isWorthKeeping(difference.violation.reason, difference.violation.direction) {
            let frames = samples.removeValue(forKey: difference.violation) ?? []
            let count = ViolationCount(
                packets: difference.packets, bytes: difference.bytes, first: min(frames.map(\.time).min() ?? since, now.time),
                last: now.time, samples: Array(frames.prefix(SampleFrame.perMinute)))
            packets &+= count.packets
            recorder.add(difference.violation, count)
            journal.note(difference.violation, count, now: now.monotonic)
        }
        // Of frames that were counted by an earlier step.
        for (violation, frames) in samples {
            recorder.add(violation, ViolationCount(packets: 0, bytes: 0, first: now.time, last: now.time, samples: frames))
        }
        totals.update {
            $0.packets &+= packets
            $0.readAt = now.time
        }
        lastStep = now.monotonic
    }

    /// Goes on from what the store knows of these counters.
    private func resume(_ source: any ViolationSource, _ now: Moment) {
        guard progress == nil, let stored = recorder.baselines(epoch: source.epoch, monotonic: now.monotonic) else { return }
        progress = Progress(baselines: stored)
    }

    /// What was counted since the last step, or since somebody last wrote the store; and since when that is.
    private func advance(_ readings: [DropReading], _ now: Moment) -> ([Baselines.Difference], since: UInt64) {
        guard let before = progress?.baselines else {
            // The store can't be read: it isn't known what of this is news.
            var baselines = Baselines(epoch: source?.epoch ?? "")
            _ = baselines.advance(to: readings, monotonic: now.monotonic, time: now.time)
            progress = Progress(baselines: baselines, first: (readings, now))
            return ([], now.time)
        }
        let differences = progress?.baselines.advance(to: readings, monotonic: now.monotonic, time: now.time) ?? []
        guard let first = progress?.first, var stored = recorder.baselines(epoch: before.epoch, monotonic: now.monotonic) else {
            return (differences, Self.since(before, now))
        }
        let missed = stored.advance(to: first.readings, monotonic: first.at.monotonic, time: first.at.time)
        let since = Self.since(stored, first.at)
        // What came after the first reading is among the differences of its own steps.
        _ = stored.advance(to: readings, monotonic: now.monotonic, time: now.time)
        progress = Progress(baselines: stored)
        return (missed + differences, since)
    }

    /// Counters that were never read before count since the host started.
    private static func since(_ stored: Baselines, _ now: Moment) -> UInt64 {
        stored.readAtTime > 0 ? min(stored.readAtTime, now.time) : now.time(of: 0)
    }

    /// What was done at interfaces that have no counters of their own any more, as far as events tell: those sent after the
    /// counters were last read.
    private func departed(_ present: Set<UInt32>) -> [Baselines.Difference] {
        sampling.uncounted.filter { !present.contains($0.key.port) }.map { key, count in
            Baselines.Difference(
                violation: violation(key, bridge: count.bridge), interface: key.port, packets: count.packets, bytes: count.bytes)
        }
    }

    private func violation(_ event: GuardEvent) -> Violation { violation(Sampling.Key(event), bridge: event.bridge) }

    /// By the last name that its port had.
    private func violation(_ key: Sampling.Key, bridge: UInt32) -> Violation {
        let names = progress?.baselines.names ?? [:]
        let name = names[key.port]
        return Violation(
            bridge: name?.bridge ?? names[bridge]?.bridge ?? "interface \(bridge)", guest: key.reason == .noBinding ? nil : name?.guest,
            port: name?.port ?? "interface \(key.port)", direction: key.direction, reason: key.reason, wasAudited: key.wasAudited)
    }

    // MARK: Writing

    private func settle(_ now: Moment, isLast: Bool = false) {
        journal.look(now: now.monotonic)
        let isDue = isLast || lastFlush.map { now.monotonic &- $0 >= Self.longestSilence } ?? true
        if progress != nil, progress?.first == nil, !recorder.isUpToDate || isDue {
            let isWritten = recorder.flush(&progress!.baselines, monotonic: now.monotonic, time: now.time, isLast: isLast)
            if isWritten { lastFlush = now.monotonic }
            totals.update { $0.isRecording = isWritten }
        } else if progress?.first != nil {
            totals.update { $0.isRecording = false }
        }
        totals.update {
            $0.lostPackets = recorder.lost
        }
    }
}

extension SampleFrame {
    fileprivate init(_ event: GuardEvent, _ now: Moment) {
        self.init(
            time: now.time(of: event.time), bytes: event.frame,
            tag: event.tagProtocol.map { VLANTag(tpid: EtherType(rawValue: $0), tci: event.tagControl) }, length: event.frameLength)
    }
}
