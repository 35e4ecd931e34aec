import Foundation
import Policy
import Testing

@testable import EventStore

/// What the store is asked, and what it answers.
@Suite(.timeLimit(.minutes(10)))
struct QueryTests {
    typealias Fixture = StoreFixture

    /// An hour of one violation a minute, by two guests in turn, and one notice.
    private func filled(_ fixture: StoreFixture) throws -> EventStore {
        let store = try fixture.store()
        for number in 1...60 {
            let time = Fixture.noon + UInt64(number) * Fixture.minute
            let guest = number % 2 == 0 ? "www" : "mail"
            let violation = Fixture.violation(guest, port: number % 2 == 0 ? "vif1.0" : "vif2.0", number <= 30 ? .arpSenderIP : .truncated)
            try store.write([violation: Fixture.count(UInt64(number), at: time, samples: [Fixture.sample(UInt8(number), at: time)])], nil)
        }
        try store.write([Fixture.violation(nil, port: "vif3.0", .noBinding, wasAudited: true): Fixture.count(7)], nil)
        return store
    }

    @Test func `filters ask for what they say`() throws {
        let fixture = StoreFixture()
        _ = try filled(fixture)
        let reader = fixture.reader
        #expect(try reader.violations(EventFilter(guest: "www")).allSatisfy { $0.violation.guest == "www" && $0.violation.port == "vif1.0" })
        #expect(try reader.violations(EventFilter(guest: "www")).count == 30)
        #expect(try reader.violations(EventFilter(port: "vif2.0", reason: .truncated)).count == 15)
        #expect(try reader.violations(EventFilter(severity: .violation)).count == 30)
        #expect(try reader.violations(EventFilter(severity: .malformed)).count == 30)
        #expect(try reader.violations(EventFilter(severity: .notice)).map(\.violation.port) == ["vif3.0"])
        #expect(try reader.violations(EventFilter(bridge: "br1")).isEmpty)
        #expect(try reader.violations(EventFilter(direction: .toGuest)).isEmpty)
        #expect(try reader.violations(EventFilter(wasAudited: true)).count == 1)
        // From 12:10:00 to 12:19:00, both among them.
        let window = EventFilter(since: Fixture.noon + 10 * Fixture.minute, until: Fixture.noon + 19 * Fixture.minute)
        #expect(try reader.violations(window).map(\.count.packets) == (10...19).map { UInt64($0) })
        // A nanosecond later, and earlier: without them.
        let narrower = EventFilter(since: Fixture.noon + 10 * Fixture.minute + 1, until: Fixture.noon + 19 * Fixture.minute - 1)
        #expect(try reader.violations(narrower).map(\.count.packets) == (11...18).map { UInt64($0) })
    }

    @Test func `both orders can be read page by page`() throws {
        let fixture = StoreFixture()
        _ = try filled(fixture)
        for newestFirst in [false, true] {
            let all = try fixture.reader.violations(newestFirst: newestFirst)
            #expect(all.count == 61 && all.map(\.minute) == all.map(\.minute).sorted(by: newestFirst ? (>) : (<)))
            var pages: [StoredViolation] = []
            while true {
                let page = try fixture.reader.violations(newestFirst: newestFirst, after: pages.last?.place, limit: 7)
                pages += page
                if page.count < 7 { break }
            }
            #expect(pages == all)
        }
        let place = try #require(try fixture.reader.place(before: 10))
        #expect(try fixture.reader.violations(after: place).map(\.count.packets) == (51...60).map { UInt64($0) })
        #expect(try fixture.reader.place(before: 61) == nil)
    }

    @Test func `totals add up by guest and reason, the greatest first`() throws {
        let fixture = StoreFixture()
        _ = try filled(fixture)
        let totals = try fixture.reader.totals()
        let sums = Dictionary(grouping: 1...60) { "\($0 % 2 == 0 ? "www" : "mail") \($0 <= 30 ? "arp-sender-ip" : "truncated")" }
            .mapValues { UInt64($0.reduce(0, +)) }
        for (name, sum) in sums {
            #expect(totals.first { "\($0.guest ?? "") \($0.reason.name)" == name }?.packets == sum, "\(name)")
        }
        #expect(totals.count == 5 && totals.map(\.packets) == totals.map(\.packets).sorted(by: >))
        let nobody = try #require(totals.first { $0.guest == nil })
        #expect(nobody.port == "vif3.0" && nobody.wasAudited && nobody.packets == 7)
        let late = try fixture.reader.totals(EventFilter(guest: "mail", since: Fixture.noon + 58 * Fixture.minute))
        #expect(late.map(\.packets) == [59] && late.map(\.first) == [Fixture.noon + 59 * Fixture.minute])
    }

    @Test func `samples are read newest first, too, and page by page`() throws {
        let fixture = StoreFixture()
        _ = try filled(fixture)
        let newest = try fixture.reader.samples(EventFilter(guest: "www"), newestFirst: true, limit: 3)
        #expect(newest.map { $0.sample.bytes[0] } == [60, 58, 56])
        let next = try fixture.reader.samples(EventFilter(guest: "www"), newestFirst: true, after: newest.last?.id, limit: 1)
        #expect(next.map { $0.sample.bytes[0] } == [54])
    }

    @Test func `a follower sees each change once, as it is`() throws {
        let fixture = StoreFixture()
        let store = try filled(fixture)
        let start = try fixture.reader.lastChange()
        #expect(try fixture.reader.changes(after: start).isEmpty)
        try store.write([Fixture.violation(port: "vif3.0"): Fixture.count(2), Fixture.violation(nil): Fixture.count(1)], nil)
        let changes = try fixture.reader.changes(after: start)
        #expect(changes.count == 2 && changes.allSatisfy { $0.change == start + 1 })
        try store.write([Fixture.violation(nil): Fixture.count(4)], nil)
        #expect(try fixture.reader.changes(after: start + 1).map(\.count.packets) == [5])
        #expect(try fixture.reader.lastChange() == start + 2)
        // What one change brought stays together.
        #expect(try fixture.reader.changes(after: start, limit: 1).count == 1)
        try store.write([Fixture.violation(port: "vif4.0"): Fixture.count(2), Fixture.violation(port: "vif5.0"): Fixture.count(1)], nil)
        #expect(try fixture.reader.changes(after: start + 2, limit: 1).count == 2)
    }

    @Test func `events are read while they are written`() throws {
        let fixture = StoreFixture()
        let store = try filled(fixture)
        let reader = fixture.reader
        // A reader in the middle of its transaction holds up no writer, and sees what was there when it began.
        let other = EventReader(fixture.folder)
        for round in 0..<20 {
            try store.write([Fixture.violation("late"): Fixture.count(1, at: Fixture.noon + 90 * Fixture.minute)], nil)
            #expect(try reader.violations(EventFilter(guest: "late")).map(\.count.packets) == [UInt64(round + 1)])
            #expect(try other.totals(EventFilter(guest: "late")).map(\.packets) == [UInt64(round + 1)])
        }
    }

    @Test func `without a writer the store is read all the same, and not changed`() throws {
        let fixture = StoreFixture()
        try filled(fixture).close()
        let before = try Data(contentsOf: URL(filePath: fixture.folder.events))
        #expect(try fixture.reader.violations().count == 61)
        #expect(try Data(contentsOf: URL(filePath: fixture.folder.events)) == before)
    }

    @Test func `a reader is told what isn't there, and what it can't read`() throws {
        let fixture = StoreFixture()
        #expect(try !fixture.reader.exists())
        #expect(throws: EventStoreError.missing(path: fixture.folder.events)) { try fixture.reader.violations() }
        try fixture.folder.make()
        try Data("not a database at all, but long enough to be one".utf8).write(to: URL(filePath: fixture.folder.events))
        #expect {
            try fixture.reader.violations()
        } throws: {
            if case .damaged = $0 as? EventStoreError { true } else { false }
        }
        // What the agent has made but not filled yet.
        try Data().write(to: URL(filePath: fixture.folder.events))
        #expect(throws: EventStoreError.older(path: fixture.folder.events)) { try fixture.reader.violations() }
    }

    @Test func `a reader finds the store that took the place of the one it read`() throws {
        let fixture = StoreFixture()
        let store = try filled(fixture)
        let reader = fixture.reader
        #expect(try reader.violations().count == 61)
        store.close()
        _ = try EventStore.setAside(fixture.folder, as: "damaged")
        try fixture.store().write([Fixture.violation(): Fixture.count(1)], nil)
        #expect(try reader.violations().count == 1)
    }

    @Test func `a reader in the writer's process leaves the writer's locks alone`() throws {
        let fixture = StoreFixture()
        let store = try filled(fixture)
        // Of this process on this file (proc_locks(5)): "1: POSIX  ADVISORY  READ 4711 fe:00:1234 ...".
        func locks() throws -> Int {
            let file = try #require(EventStore.identity(fixture.folder.events))
            return try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n").count { line in
                let words = line.split(separator: " ")
                return words.contains("\(getpid())") && words.contains { $0.hasSuffix(":\(file.node)") }
            }
        }
        // Another process that closes the file last would else take its journal away, and what the writer goes on writing.
        let before = try locks()
        #expect(before > 0)
        #expect(try fixture.reader.violations().count == 61)
        #expect(try locks() >= before)
        store.close()
    }
}
