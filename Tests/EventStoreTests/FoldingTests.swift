import EventStore
import Foundation
import Packets
import Policy
import Testing

@testable import EventStore

/// What is written comes back, added up by minute.
@Suite(.timeLimit(.minutes(10)))
struct FoldingTests {
    typealias Fixture = StoreFixture

    @Test func `the same violation of one minute is one row, with exact sums, first and last time`() throws {
        let fixture = StoreFixture()
        let store = try fixture.store()
        let (noon, second) = (Fixture.noon, Fixture.second)
        try store.write([Fixture.violation(): ViolationCount(packets: 3, bytes: 126, first: noon + 5 * second, last: noon + 6 * second)], nil)
        try store.write([Fixture.violation(): ViolationCount(packets: 4, bytes: 200, first: noon + second, last: noon + 59 * second)], nil)
        let rows = try fixture.reader.violations()
        #expect(rows.map(\.count) == [ViolationCount(packets: 7, bytes: 326, first: noon + second, last: noon + 59 * second)])
        #expect(rows.map(\.violation) == [Fixture.violation()] && rows.map(\.minute) == [Int64(noon / Fixture.minute)])
    }

    @Test func `anything that differs is a row of its own`() throws {
        let fixture = StoreFixture()
        let store = try fixture.store()
        var other = Fixture.violation()
        other.bridge = "br1"
        let kinds = [
            Fixture.violation(), Fixture.violation("mail"), Fixture.violation(nil), Fixture.violation(port: "vif2.0"),
            Fixture.violation("www", .arpSenderMAC),
            Fixture.violation("www", .arpMalformed, .toGuest), Fixture.violation("www", wasAudited: true), other,
        ]
        try store.write(Dictionary(uniqueKeysWithValues: kinds.map { ($0, Fixture.count(1)) }), nil)
        try store.write([Fixture.violation(): Fixture.count(1, at: Fixture.noon + Fixture.minute)], nil)
        let rows = try fixture.reader.violations()
        #expect(rows.count == 9 && rows.allSatisfy { $0.count.packets == 1 })
        #expect(Set(rows.map(\.violation)) == Set(kinds))
    }

    @Test func `four frames a minute are kept, 128 bytes of each, with their tags`() throws {
        let fixture = StoreFixture()
        let store = try fixture.store()
        let tagged = SampleFrame(
            time: Fixture.noon, bytes: [UInt8](repeating: 9, count: 200), tag: VLANTag(tpid: .vlan, tci: 0xe064), length: 1514)
        try store.write([Fixture.violation(): Fixture.count(3, samples: [tagged, Fixture.sample(1), Fixture.sample(2)])], nil)
        try store.write([Fixture.violation(): Fixture.count(9, samples: (3...9).map { Fixture.sample($0) })], nil)
        let samples = try #require(try fixture.reader.violations().first).count.samples
        #expect(samples.count == 4 && samples[1...] == [Fixture.sample(1), Fixture.sample(2), Fixture.sample(3)])
        #expect(samples[0].bytes == [UInt8](repeating: 9, count: 128) && samples[0].length == 1514)
        #expect(samples[0].tag?.vid == 100 && samples[0].tag?.pcp == 7 && samples[0].tag?.tpid == .vlan)
        #expect(try fixture.reader.samples(EventFilter(guest: "www")).map(\.sample) == samples)
    }

    @Test func `frames that were counted before join their row, and make none`() throws {
        let fixture = StoreFixture()
        let store = try fixture.store()
        let late = ViolationCount(packets: 0, bytes: 0, first: Fixture.noon, last: Fixture.noon, samples: [Fixture.sample(1)])
        try store.write([Fixture.violation(): late], nil)
        #expect(try fixture.reader.violations().isEmpty)
        try store.write([Fixture.violation(): Fixture.count(5)], nil)
        try store.write([Fixture.violation(): late], nil)
        #expect(try fixture.reader.violations().map(\.count) == [Fixture.count(5, samples: [Fixture.sample(1)])])
    }

    @Test func `names are data, whatever they hold`() throws {
        let fixture = StoreFixture()
        let store = try fixture.store()
        let names = [
            "'); DROP TABLE violations; --", "\u{1b}[2J\u{202e}", "?1 OR 1=1", "%_*", "Ünïcode ☃", String(repeating: "x", count: 5000),
        ]
        for name in names {
            var violation = Fixture.violation(name, port: name)
            violation.bridge = name
            try store.write([violation: Fixture.count(1)], nil)
        }
        for name in names {
            let rows = try fixture.reader.violations(EventFilter(guest: name, port: name, bridge: name))
            #expect(rows.map(\.violation.guest) == [name] && rows.map(\.violation.bridge) == [name], "\(name)")
        }
        #expect(try fixture.reader.violations().count == names.count)
    }

    @Test func `counts beyond 63 bits stop there`() throws {
        let fixture = StoreFixture()
        try fixture.store().write([Fixture.violation(): ViolationCount(packets: .max, bytes: .max, first: 0, last: .max)], nil)
        #expect(try fixture.reader.violations().map(\.count.packets) == [UInt64(Int64.max)])
    }
}
