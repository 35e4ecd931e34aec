import Agent
import Datapath
import EventStore
import Foundation
import Logging
import Policy
import Synchronization

/// Counters and a ring that a test fills, a clock that it sets, and a collector that reads them.
final class FakeKernel: ViolationSource {
    static let second: UInt64 = 1_000_000_000
    /// 2026-03-01 12:00:00 UTC, in nanoseconds since 1970; the fake host started 1000 s before.
    static let noon: UInt64 = 1_772_366_400 * second

    var epoch = "boot 1"
    var isInForce = true
    var descriptor: Int32 { -1 }
    var malformedEvents = 0
    var counters: [UInt32: DropReading] = [:]
    var ring: [GuardEvent] = []
    var failure: DatapathError?
    /// How many events had their frames read.
    private(set) var framesRead = 0
    /// Seconds after noon.
    var seconds: Double = 0

    var now: Moment { moment(seconds) }

    func moment(_ seconds: Double) -> Moment {
        let offset = UInt64(seconds * 1e9)
        return Moment(monotonic: 1000 * Self.second + offset, time: Self.noon + offset)
    }

    func events(atMost limit: Int, where isWanted: (GuardEvent) -> Bool) throws(DatapathError) -> (events: [GuardEvent], taken: Int) {
        if let failure { throw failure }
        let taken = Array(ring.prefix(limit))
        ring.removeFirst(taken.count)
        let wanted = taken.filter { event in
            var head = event
            head.frame = []
            return isWanted(head)
        }
        framesRead += wanted.count
        return (wanted, taken.count)
    }

    func readings() throws(DatapathError) -> [DropReading] {
        if let failure { throw failure }
        return counters.values.sorted { $0.port.index < $1.port.index }
    }

    // MARK: Traffic

    func plug(_ interface: UInt32, _ port: String, guest: String?) {
        counters[interface] = DropReading(
            port: Port(index: interface, name: port, bridgeIndex: 2, bridgeName: "br0"), guest: guest, tallies: [])
    }

    /// Counts frames of 60 bytes, and sends the first `events` of them to the ring.
    func drop(
        _ packets: UInt64, at interface: UInt32, _ reason: Reason = .ip4Source, _ direction: Direction = .fromGuest, events: Int = 1,
        wasAudited: Bool = false
    ) {
        let bytes = packets * 60
        if var tallies = counters[interface]?.tallies {
            let place = tallies.firstIndex { $0.reason == reason && $0.direction == direction }
            var tally = place.map { tallies[$0] } ?? DropTally(direction: direction, reason: reason, counts: DropTally.Counts())
            if wasAudited {
                tally.counts.audited = Counters.Count(packets: tally.counts.audited.packets + packets, bytes: tally.counts.audited.bytes + bytes)
            } else {
                tally.counts.dropped = Counters.Count(packets: tally.counts.dropped.packets + packets, bytes: tally.counts.dropped.bytes + bytes)
            }
            if let place { tallies[place] = tally } else { tallies.append(tally) }
            counters[interface]?.tallies = tallies
        }
        for number in 0..<events {
            ring.append(
                GuardEvent(
                    time: now.monotonic, port: interface, bridge: 2, direction: direction, reason: reason, wasAudited: wasAudited,
                    frameLength: 60, frame: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 60),
                    leftOut: number == 0 ? UInt32(packets) - UInt32(events) : 0))
        }
    }
}

/// A collector on a fake kernel, with a store in a folder that goes with the test.
final class CollectorFixture {
    let kernel = FakeKernel()
    let folder: StateFolder
    let log = Log()
    private(set) var collector: Collector!
    private let url: URL

    init() {
        url = FileManager.default.temporaryDirectory.appending(path: "vifguard-collector-\(UUID().uuidString)")
        folder = StateFolder(url.path)
        kernel.plug(7, "vif1.0", guest: "www")
        start()
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// A new process: what the former one had in memory is gone.
    func start() {
        collector = Collector(recorder: EventRecorder(folder) { _ in }, journal: ViolationJournal(log.logger))
        collector.watch(kernel)
    }

    @discardableResult
    func step(after seconds: Double = 1) -> Collector.Outcome {
        kernel.seconds += seconds
        return collector.step { kernel.now }
    }

    var reader: EventReader { EventReader(folder) }
    func rows() throws -> [StoredViolation] { try reader.violations() }
    var totals: CollectorTotals.Values { collector.totals.values }
}

/// What a journal was told.
final class Log: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let mutex = Mutex<[Line]>([])
    var lines: [Line] { mutex.withLock { $0 } }
    /// Those about rules that were broken.
    var violations: [[String: String]] { lines.map(\.metadata).filter { $0["reason"] != nil } }

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: Log
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).mapValues { "\($0)" }
            log.mutex.withLock { $0.append(Line(level: event.level, message: "\(event.message)", metadata: metadata)) }
        }
    }
}
