import Agent
import Datapath
import EventStore
import Foundation
import Policy
import Testing

/// The kernel's counts become rows: each frame once, with its culprit's name.
@Suite(.timeLimit(.minutes(10)))
struct CollectorTests {
    @Test func `counts are the kernel's, frames are examples of them`() throws {
        let fixture = CollectorFixture()
        fixture.kernel.drop(1000, at: 7, events: 10)
        #expect(fixture.step() == .collected)
        let row = try #require(try fixture.rows().first)
        #expect(try fixture.rows().count == 1)
        #expect(row.violation == Violation(bridge: "br0", guest: "www", port: "vif1.0", direction: .fromGuest, reason: .ip4Source, wasAudited: false))
        #expect(row.count.packets == 1000 && row.count.bytes == 60_000 && row.count.last == FakeKernel.noon + FakeKernel.second)
        #expect(row.count.samples.map { $0.bytes[0] } == [0, 1, 2, 3])
        // When the first frame came, by the host's clock.
        #expect(row.count.samples.allSatisfy { $0.time == FakeKernel.noon && $0.length == 60 } && row.count.first == FakeKernel.noon)
        #expect(fixture.totals.packets == 1000 && fixture.totals.events == 10 && fixture.totals.leftOutEvents == 990)
        #expect(fixture.totals.isRecording)
        // And nothing happens twice.
        fixture.step()
        #expect(try fixture.rows() == [row])
    }

    @Test func `frames beyond the few that are kept aren't looked at`() throws {
        let fixture = CollectorFixture()
        for _ in 0..<10 {
            fixture.kernel.drop(100, at: 7, events: 100)
            fixture.step()
        }
        #expect(fixture.kernel.framesRead == 4 && fixture.totals.events == 1000)
        #expect(try fixture.rows().map(\.count.packets) == [1000])
        // In the next minute there are others.
        fixture.kernel.drop(100, at: 7, events: 100)
        fixture.step(after: 60)
        #expect(fixture.kernel.framesRead == 8)
        #expect(try fixture.rows().map(\.count.samples.count) == [4, 4])
    }

    @Test func `a step takes no more of a flooded ring than its bound`() throws {
        let fixture = CollectorFixture()
        fixture.kernel.drop(10_000, at: 7, events: 10_000)
        fixture.step()
        #expect(fixture.totals.events == 4096 && fixture.kernel.ring.count == 10_000 - 4096)
        for _ in 0..<3 { fixture.step() }
        #expect(fixture.kernel.ring.isEmpty)
        #expect(try fixture.rows().map(\.count.packets) == [10_000])
    }

    @Test func `what is merely kept from a guest isn't worth keeping, what it sends is`() throws {
        let fixture = CollectorFixture()
        fixture.kernel.drop(1, at: 7, .quiet, .toGuest)
        fixture.kernel.drop(1, at: 7, .notForGuestIP4, .toGuest)
        fixture.kernel.drop(1, at: 7, .limitBroadcast, .fromGuest)
        fixture.kernel.drop(1, at: 7, .unjudged, .toGuest)
        fixture.kernel.drop(1, at: 7, .arpMalformed, .toGuest)
        fixture.step()
        #expect(Set(try fixture.rows().map(\.violation.reason)) == [.limitBroadcast, .unjudged, .arpMalformed])
        #expect(fixture.totals.packets == 3)
    }

    @Test func `what audit mode lets pass is a row of its own`() throws {
        let fixture = CollectorFixture()
        fixture.kernel.drop(3, at: 7)
        fixture.kernel.drop(5, at: 7, wasAudited: true)
        fixture.step()
        let rows = Dictionary(uniqueKeysWithValues: try fixture.rows().map { ($0.violation.wasAudited, $0.count) })
        #expect(rows[false]?.packets == 3 && rows[true]?.packets == 5 && rows[true]?.samples.count == 1)
    }

    @Test func `what happened while no collector ran is counted once`() throws {
        let fixture = CollectorFixture()
        fixture.kernel.drop(10, at: 7)
        fixture.step()
        fixture.kernel.drop(7, at: 7)
        // Killed before it looked again; ten minutes later another one starts.
        fixture.start()
        fixture.step(after: 600)
        #expect(try fixture.rows().map(\.count.packets) == [10, 7])
        // Since when: since the counters were last read, or since the first frame of them that is known.
        #expect(try fixture.rows()[1].count.first == FakeKernel.noon + FakeKernel.second)
        fixture.start()
        fixture.step()
        #expect(try fixture.rows().map(\.count.packets) == [10, 7])
        #expect(fixture.totals.packets == 0)
    }

    @Test func `a store that can't be opened at first is told all that it missed, and nothing twice`() throws {
        let fixture = CollectorFixture()
        fixture.kernel.drop(10, at: 7)
        fixture.step()
        fixture.kernel.drop(100, at: 7)
        // A directory that can't be entered as one: the store is out of reach.
        let aside = fixture.folder.path + ".aside"
        try FileManager.default.moveItem(atPath: fixture.folder.path, toPath: aside)
        try Data().write(to: URL(filePath: fixture.folder.path))
        fixture.start()
        fixture.step()
        #expect(!fixture.totals.isRecording)
        fixture.kernel.drop(1000, at: 7)
        fixture.step()
        #expect(fixture.totals.packets == 1000)
        try FileManager.default.removeItem(atPath: fixture.folder.path)
        try FileManager.default.moveItem(atPath: aside, toPath: fixture.folder.path)
        fixture.kernel.drop(10_000, at: 7)
        fixture.step(after: 10)
        #expect(try fixture.rows().reduce(0) { $0 + $1.count.packets } == 11_110)
        #expect(fixture.totals.isRecording && fixture.totals.lostPackets == 0)
        fixture.start()
        fixture.step()
        #expect(try fixture.rows().reduce(0) { $0 + $1.count.packets } == 11_110)
    }

    @Test func `a port that has left is named by its last name, and its last frames counted as far as events tell`() throws {
        let fixture = CollectorFixture()
        fixture.kernel.drop(10, at: 7)
        fixture.step()
        fixture.kernel.seconds += 0.5
        fixture.kernel.drop(5, at: 7, events: 3)
        fixture.kernel.counters[7] = nil
        fixture.step(after: 0.5)
        let row = try #require(try fixture.rows().first)
        #expect(try fixture.rows().count == 1 && row.violation.guest == "www" && row.violation.port == "vif1.0")
        #expect(row.count.packets == 13)
        // Also by the process that comes next.
        fixture.kernel.seconds += 0.5
        fixture.kernel.drop(1, at: 7, .raGuard)
        fixture.start()
        fixture.step(after: 0.5)
        #expect(try fixture.rows().first { $0.violation.reason == .raGuard }?.violation.guest == "www")
    }

    @Test func `events older than the last reading of counters don't count again`() throws {
        let fixture = CollectorFixture()
        fixture.kernel.drop(10, at: 7, events: 0)
        fixture.step()
        // Sent before the reading, and read after it.
        fixture.kernel.seconds -= 0.5
        fixture.kernel.drop(1, at: 7)
        fixture.kernel.counters[7] = nil
        fixture.step()
        #expect(try fixture.rows().map(\.count.packets) == [10])
    }

    @Test func `an interface that nobody has ever known goes by its number`() throws {
        let fixture = CollectorFixture()
        fixture.step()
        fixture.kernel.seconds += 0.5
        fixture.kernel.drop(2, at: 99, .noBinding, events: 2)
        fixture.step()
        let row = try #require(try fixture.rows().first)
        #expect(row.violation.port == "interface 99" && row.violation.guest == nil && row.count.packets == 2)
    }

    @Test func `maps that are superseded are read to the end, and then the next ones from zero`() throws {
        let fixture = CollectorFixture()
        fixture.kernel.drop(10, at: 7)
        fixture.step()
        fixture.kernel.drop(5, at: 7)
        fixture.kernel.isInForce = false
        #expect(fixture.step() == .superseded)
        #expect(fixture.step() == .notLoaded)
        #expect(try fixture.rows().map(\.count.packets) == [15])

        let next = FakeKernel()
        next.epoch = "boot 1, other maps"
        next.seconds = fixture.kernel.seconds
        next.plug(7, "vif1.0", guest: "www")
        next.drop(3, at: 7)
        fixture.collector.watch(next)
        #expect(fixture.collector.step { next.moment(next.seconds + 1) } == .collected)
        #expect(try fixture.rows().map(\.count.packets) == [18])
    }

    @Test func `a kernel that can't be asked is asked again`() throws {
        let fixture = CollectorFixture()
        fixture.kernel.drop(10, at: 7)
        fixture.kernel.failure = .notPermitted(action: "read")
        #expect(fixture.step() == .failed(.notPermitted(action: "read")))
        fixture.kernel.failure = nil
        #expect(fixture.step() == .collected)
        #expect(try fixture.rows().map(\.count.packets) == [10])
    }

    @Test func `what waits is written at the end`() throws {
        let fixture = CollectorFixture()
        fixture.step()
        fixture.kernel.drop(10, at: 7)
        fixture.step()
        fixture.collector.finish(fixture.kernel.now)
        #expect(!FileManager.default.fileExists(atPath: fixture.folder.events + "-wal"))
        #expect(try fixture.rows().map(\.count.packets) == [10])
    }
}
