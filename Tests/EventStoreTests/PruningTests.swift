import Foundation
import GRDB
import Policy
import Testing

@testable import EventStore

/// The store stays within its bounds, whatever is written.
@Suite(.timeLimit(.minutes(10)))
struct PruningTests {
    typealias Fixture = StoreFixture
    private static let day: UInt64 = 24 * 60 * Fixture.minute

    @Test func `what is older than its days goes, with its frames`() throws {
        let fixture = StoreFixture()
        let store = try fixture.store(EventLimits(days: 3))
        for age in 0..<6 {
            let time = Fixture.noon - UInt64(age) * Self.day
            try store.write([Fixture.violation(): Fixture.count(UInt64(age + 1), at: time, samples: [Fixture.sample(1, at: time)])], nil)
        }
        // The third day's row is exactly as old as may be.
        #expect(try store.prune(now: Fixture.noon) == 2)
        #expect(try fixture.reader.violations().map(\.count.packets) == [4, 3, 2, 1])
        #expect(try fixture.reader.samples().count == 4)
        #expect(try store.prune(now: Fixture.noon) == 0)
        #expect(try store.prune(now: Fixture.noon + Fixture.minute) == 1)
    }

    @Test func `what is too much goes, the oldest first, and the file keeps its bound`() throws {
        let fixture = StoreFixture()
        let bound = 1 << 20
        let recorder = fixture.recorder(EventLimits(bytes: bound))
        let samples = (1...4).map { SampleFrame(time: Fixture.noon, bytes: [UInt8](repeating: $0, count: 128), length: 1514) }
        var minutes = 0
        for batch in 0..<100 {
            for number in 0..<100 {
                let time = Fixture.noon + UInt64(batch) * Fixture.minute
                recorder.add(Fixture.violation(port: "vif\(number).0"), Fixture.count(1, at: time, samples: samples))
            }
            minutes += 1
            #expect(fixture.flush(recorder, at: Fixture.noon + UInt64(batch) * Fixture.minute))
            #expect(try fixture.size() <= bound, "after \(minutes) minutes")
        }
        recorder.close()
        #expect(try fixture.size() <= bound && fixture.size() > bound / 2)
        #expect(fixture.notices.isEmpty && recorder.lost == 0)
        let rows = try fixture.reader.violations(limit: 20_000)
        // What is left are the newest: the last minute whole, and no gap before it.
        #expect(rows.count > 300 && rows.suffix(100).allSatisfy { $0.minute == Int64(Fixture.noon / Fixture.minute) + 99 })
        let left = Set(rows.map(\.minute)).sorted()
        #expect(left.last! - left.first! + 1 == Int64(left.count))
    }

    @Test func `a file that was allowed more shrinks to less, the newest stay`() throws {
        let fixture = StoreFixture()
        let samples = (1...4).map { SampleFrame(time: Fixture.noon, bytes: [UInt8](repeating: $0, count: 128), length: 1514) }
        let former = try fixture.store(EventLimits(bytes: 16 << 20))
        for minute in 0..<50 {
            let time = Fixture.noon + UInt64(minute) * Fixture.minute
            let rows = (0..<100).map { (Fixture.violation(port: "vif\($0).0"), Fixture.count(1, at: time, samples: samples)) }
            try former.write(Dictionary(uniqueKeysWithValues: rows), nil)
        }
        former.close()
        let bound = 1 << 20
        #expect(try fixture.size() > 2 * bound)
        let store = try fixture.store(EventLimits(bytes: bound))
        #expect(try store.prune(now: Fixture.noon) > 1000)
        store.close()
        #expect(try fixture.size() <= bound)
        let minutes = Set(try fixture.reader.violations(limit: 20_000).map(\.minute)).sorted()
        let first = Int64(Fixture.noon / Fixture.minute)
        #expect(minutes.last == first + 49 && minutes.count > 5 && minutes.first! == first + 50 - Int64(minutes.count))
    }

    @Test func `a file that has been emptied shrinks`() throws {
        let fixture = StoreFixture()
        let store = try fixture.store(EventLimits(days: 1))
        for minute in 0..<20 {
            let time = Fixture.noon + UInt64(minute) * Fixture.minute
            let rows = (0..<100).map {
                (Fixture.violation(port: "vif\($0).0"), Fixture.count(1, at: time, samples: [Fixture.sample(1), Fixture.sample(2)]))
            }
            try store.write(Dictionary(uniqueKeysWithValues: rows), nil)
        }
        _ = try store.queue.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        let full = try fixture.size()
        #expect(try store.prune(now: Fixture.noon + 2 * Self.day) == 2000)
        #expect(try fixture.size() < full / 5, "\(full)")
        #expect(try store.queue.read { try Int.fetchOne($0, sql: "PRAGMA auto_vacuum") } == 2)
    }
}
