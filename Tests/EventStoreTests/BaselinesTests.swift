import Datapath
import Policy
import Testing

@testable import EventStore

/// Counters go on while nobody looks; nothing of them is counted twice, and nothing left out.
@Suite(.timeLimit(.minutes(10)))
struct BaselinesTests {
    typealias Fixture = StoreFixture

    private func advance(_ baselines: inout Baselines, _ readings: DropReading..., at seconds: UInt64 = 1) -> [Baselines.Difference] {
        baselines.advance(to: readings, monotonic: seconds * Fixture.second, time: Fixture.noon + seconds * Fixture.second)
    }

    @Test func `what is above the baseline is new`() {
        var baselines = Baselines(epoch: "a")
        let first = advance(&baselines, Fixture.reading(dropped: 5, audited: 2))
        #expect(first.map(\.packets) == [5, 2] && first.map(\.violation.wasAudited) == [false, true] && first.map(\.bytes) == [210, 84])
        #expect(advance(&baselines, Fixture.reading(dropped: 5, audited: 2)).isEmpty)
        let later = advance(&baselines, Fixture.reading(dropped: 9, audited: 2))
        #expect(later == [Baselines.Difference(violation: Fixture.violation(port: "vif7.0"), interface: 7, packets: 4, bytes: 168)])
    }

    @Test func `a counter below its baseline has started anew`() {
        var baselines = Baselines(epoch: "a")
        _ = advance(&baselines, Fixture.reading(dropped: 100))
        #expect(advance(&baselines, Fixture.reading(dropped: 3)).map(\.packets) == [3])
        #expect(advance(&baselines, Fixture.reading(dropped: 4)).map(\.packets) == [1])
    }

    @Test func `an interface that isn't found for a moment isn't counted anew, one that is gone for a minute is forgotten`() {
        var baselines = Baselines(epoch: "a")
        _ = advance(&baselines, Fixture.reading(dropped: 100), at: 1)
        #expect(advance(&baselines, at: 2).isEmpty)
        #expect(advance(&baselines, Fixture.reading(dropped: 101), at: 3).map(\.packets) == [1])
        #expect(advance(&baselines, at: 4).isEmpty)
        #expect(baselines.names[7]?.port == "vif7.0")
        #expect(advance(&baselines, at: 65).isEmpty)
        #expect(baselines.names.isEmpty && baselines.tallies.isEmpty)
        #expect(advance(&baselines, Fixture.reading(dropped: 102), at: 66).map(\.packets) == [102])
    }

    @Test func `a guest is named only if it can have been no other`() {
        func culprits(_ before: String?, _ now: String?, _ reason: Reason = .arpSenderIP) -> [String?] {
            var baselines = Baselines(epoch: "a")
            _ = advance(&baselines, Fixture.reading(guest: before, reason, dropped: 1))
            return advance(&baselines, Fixture.reading(guest: now, reason, dropped: 2)).map(\.violation.guest)
        }
        #expect(culprits("www", "www") == ["www"])
        #expect(culprits(nil, "www") == ["www"])
        #expect(culprits("www", nil) == ["www"])
        #expect(culprits("www", "mail") == [nil])
        // Without a binding there is no guest.
        #expect(culprits(nil, "www", .noBinding) == [nil])
        #expect(culprits("www", nil, .noBinding) == [nil])
    }

    /// A process after another, on the same counters.
    @Test func `after a crash the store goes on from what it has written`() throws {
        let fixture = StoreFixture()
        var baselines = Baselines(epoch: "a")
        for difference in advance(&baselines, Fixture.reading(dropped: 10), Fixture.reading(8, guest: "mail", dropped: 1), at: 1) {
            try fixture.store().write([difference.violation: Fixture.count(difference.packets)], baselines)
        }
        // Advanced, and never written: the process was killed.
        _ = advance(&baselines, Fixture.reading(dropped: 15), at: 2)

        let store = try fixture.store()
        var stored = try #require(try store.baselines(epoch: "a"))
        #expect(stored.readAt == Fixture.second && stored.readAtTime == Fixture.noon + Fixture.second)
        #expect(stored.names[8] == Baselines.Name(port: "vif8.0", bridge: "br0", guest: "mail"))
        let missed = advance(&stored, Fixture.reading(dropped: 22), Fixture.reading(8, guest: "mail", dropped: 1), at: 9)
        #expect(missed.map(\.packets) == [12])
        try store.write([missed[0].violation: Fixture.count(12)], stored)
        #expect(try fixture.reader.totals().map(\.packets) == [22, 1])
        #expect(try fixture.store().baselines(epoch: "a")?.tallies == stored.tallies)
    }

    @Test func `counters of another boot or other maps count from zero, and push out the former's`() throws {
        let fixture = StoreFixture()
        let store = try fixture.store()
        var former = Baselines(epoch: "a")
        _ = advance(&former, Fixture.reading(dropped: 10), Fixture.reading(8, dropped: 1))
        try store.write([:], former)
        #expect(try store.baselines(epoch: "b") == nil)
        var next = Baselines(epoch: "b")
        _ = advance(&next, Fixture.reading(dropped: 2))
        try store.write([:], next)
        #expect(try store.baselines(epoch: "a") == nil)
        let stored = try #require(try store.baselines(epoch: "b"))
        #expect(stored.tallies == next.tallies && stored.names.keys.sorted() == [7])
    }

    @Test func `what is forgotten leaves the store, too`() throws {
        let fixture = StoreFixture()
        let store = try fixture.store()
        var baselines = Baselines(epoch: "a")
        _ = advance(&baselines, Fixture.reading(dropped: 10), Fixture.reading(8, dropped: 1), at: 1)
        try store.write([:], baselines)
        baselines.changes = Baselines.Changes()
        _ = advance(&baselines, Fixture.reading(dropped: 10), at: 2)
        _ = advance(&baselines, Fixture.reading(dropped: 10), at: 62)
        try store.write([:], baselines)
        let stored = try #require(try store.baselines(epoch: "a"))
        #expect(stored.names.keys.sorted() == [7] && Set(stored.tallies.keys.map(\.interface)) == [7])
    }
}
