import Datapath
import Foundation
import Packets
import Policy

@testable import EventStore

/// A state folder that goes with the test.
final class StoreFixture {
    let folder: StateFolder
    let url: URL
    private(set) var notices: [EventRecorder.Notice] = []
    private(set) var baselines = Baselines(epoch: "test")
    private var monotonic: UInt64 = 0

    /// 2026-03-01 12:00:00 UTC, in nanoseconds since 1970.
    static let noon: UInt64 = 1_772_366_400 * second
    static let second: UInt64 = 1_000_000_000
    static let minute: UInt64 = 60 * second

    init() {
        url = FileManager.default.temporaryDirectory.appending(path: "vifguard-store-\(UUID().uuidString)")
        folder = StateFolder(url.path)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func store(_ limits: EventLimits = EventLimits()) throws -> EventStore { try EventStore(folder, limits: limits) }
    var reader: EventReader { EventReader(folder) }

    func recorder(_ limits: EventLimits = EventLimits()) -> EventRecorder {
        EventRecorder(folder, limits: limits) { [unowned self] in notices.append($0) }
    }

    /// Writes, ten seconds after the last time: longer than a recorder waits after a failure.
    @discardableResult
    func flush(_ recorder: EventRecorder, at time: UInt64 = noon) -> Bool {
        monotonic += 10 * Self.second
        return recorder.flush(&baselines, monotonic: monotonic, time: time)
    }

    func size(_ suffix: String = "") throws -> Int {
        try FileManager.default.attributesOfItem(atPath: folder.events + suffix)[.size] as? Int ?? 0
    }

    static func violation(
        _ guest: String? = "www", port: String = "vif1.0", _ reason: Reason = .arpSenderIP, _ direction: Direction = .fromGuest,
        wasAudited: Bool = false
    ) -> Violation {
        Violation(bridge: "br0", guest: guest, port: port, direction: direction, reason: reason, wasAudited: wasAudited)
    }

    static func count(_ packets: UInt64, at time: UInt64 = noon, samples: [SampleFrame] = []) -> ViolationCount {
        ViolationCount(packets: packets, bytes: packets * 42, first: time, last: time, samples: samples)
    }

    static func sample(_ number: UInt8, at time: UInt64 = noon) -> SampleFrame {
        SampleFrame(time: time, bytes: [UInt8](repeating: number, count: 42), length: 42)
    }

    /// What a port's counters say: packets of 42 bytes that were dropped.
    static func reading(
        _ interface: UInt32 = 7, guest: String? = "www", _ reason: Reason = .arpSenderIP, dropped: UInt64, audited: UInt64 = 0
    ) -> DropReading {
        DropReading(
            port: Port(index: interface, name: "vif\(interface).0", bridgeIndex: 2, bridgeName: "br0"), guest: guest,
            tallies: [
                DropTally(
                    direction: .fromGuest, reason: reason,
                    counts: DropTally.Counts(
                        dropped: Counters.Count(packets: dropped, bytes: dropped * 42),
                        audited: Counters.Count(packets: audited, bytes: audited * 42)))
            ])
    }
}
