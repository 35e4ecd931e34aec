import CBPF
import Policy
import PolicyText
import Testing

@testable import Datapath

/// Maps that are made for as many ports as the host asks for.
@Suite(.timeLimit(.minutes(2)))
struct PortRoomTests {
    private static func entries(_ datapath: Datapath) throws -> [String: UInt32] {
        try datapath.maps.descriptors.mapValues { descriptor in
            var description = cbpf_map()
            try #require(cbpf_map_describe(descriptor.number, &description) == 0)
            return description.max_entries
        }
    }

    private static func made(for ports: Int) throws -> (entries: [String: UInt32], bytes: [String: UInt64], room: Int) {
        let fixture = try DatapathFixture()
        return try fixture.run {
            let datapath = try Datapath.load(pins: fixture.pins, ports: ports)
            return (try entries(datapath), try datapath.mapSizes(), datapath.maximumPorts)
        }
    }

    @Test func `maps are as large as is asked for, and take memory accordingly`() throws {
        let (small, large) = (try Self.made(for: 1024), try Self.made(for: 16_384))
        #expect(small.room == 1024 && large.room == 16_384)
        // Two records, two sides of 48 reasons, 4 leases of IPv4 and 8 of IPv6.
        let each: [String: UInt32] = [
            "port_index_more": 1, "records": 2, "labels": 1, "tallies": 96, "passed": 2, "states": 1, "leases": 12,
        ]
        #expect(small.entries.count == 22 && large.entries.count == 22)
        for (name, entries) in small.entries {
            if let each = each[name] {
                #expect(entries == 1024 * each && large.entries[name] == 16_384 * each, "\(name)")
            } else {
                #expect(entries == large.entries[name], "\(name)")
            }
        }
        // A record has 384 bytes, a counter 48, a state 64 (guard.h). Before Linux 6.4 a key's 4 bytes are reckoned in.
        for (name, bytes) in [("records", 2 * 384), ("tallies", 96 * 48), ("states", 64)] as [(String, UInt64)] {
            let more = try #require(large.bytes[name]) - #require(small.bytes[name])
            #expect(more >= 15_360 * bytes && more <= 15_360 * bytes * 5 / 4, "\(name): \(more)")
        }
        #expect(try #require(large.bytes["ledger"]) > #require(small.bytes["ledger"]))
    }

    @Test func `whoever opens the maps knows their room, and exchanged programs keep it`() throws {
        let fixture = try DatapathFixture()
        try fixture.run {
            let ports = try DatapathFixture.makePorts(["vif1.0"])
            let first = try Datapath.load(pins: fixture.pins, ports: 1024)
            try first.bind(DatapathFixture.binding(1), to: ports[0])
            let entries = try Self.entries(first)
            #expect(try Datapath.open(pins: fixture.pins).maximumPorts == 1024)
            // Another bit of the mark is another program; the room is for new maps alone.
            for room in [4096, 16_384] {
                let again = try Datapath.load(pins: fixture.pins, stampBit: 29, ports: room)
                #expect(again.maximumPorts == 1024 && again.stampBit == 29)
                #expect(try Self.entries(again) == entries)
                #expect(try again.testRun().run(.fromGuest, .init(arpRequest(from: 2), at: ports[0].index)).reason == .macSource)
            }
            #expect(try first.counters(of: ports[0].index).into.dropped[.macSource]?.packets == 2)
            let larger = try Datapath.replace(pins: fixture.pins, ports: 2000) { next, _ throws(DatapathError) in
                try next.bind(DatapathFixture.binding(1), to: ports[0])
            }
            #expect(try larger.maximumPorts == 2000 && Datapath.open(pins: fixture.pins).maximumPorts == 2000)
        }
    }

    @Test func `a port that there is no room for is refused, and told what to raise`() throws {
        let fixture = try DatapathFixture()
        try fixture.run {
            let ports = try DatapathFixture.makePorts(["vif1.0", "vif2.0"])
            let datapath = try Datapath.load(pins: fixture.pins, ports: 1024)
            // Records of interfaces that aren't there take room like any other.
            let crowd = (0..<1022).map { number in
                Port(index: 100_000 + UInt32(number), name: "x\(number)", bridgeIndex: ports[0].bridgeIndex, bridgeName: "br0")
            }
            #expect(try datapath.write(crowd.map { .closed($0) }).allSatisfy { $0 == nil })
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            let error = #expect(throws: DatapathError.self) { try datapath.bind(DatapathFixture.binding(2), to: ports[1]) }
            #expect(error == .noSlot(bound: 1023) && "\(DatapathError.noSlot(bound: 1023))".contains("max-ports"))
            #expect(try datapath.port(ports[1].index) == nil && datapath.attachments(of: ports[1].index).isEmpty)
            // The last one there was room for is judged and counted like the first.
            let run = try datapath.testRun()
            #expect(try run.run(.fromGuest, .init(arpRequest(from: 1), at: ports[0].index)).verdict == -1)
            #expect(try run.run(.fromGuest, .init(arpRequest(from: 2), at: ports[0].index)).reason == .macSource)
            let counters = try datapath.counters(of: ports[0].index)
            #expect(counters.into.passed.packets == 1 && counters.into.dropped[.macSource]?.packets == 1)
            // Room is made by one that goes.
            try datapath.detach(crowd[500].index)
            try datapath.bind(DatapathFixture.binding(2), to: ports[1])
            #expect(try datapath.ports().count == 1023)
        }
    }

    @Test(arguments: [0, 1023, 16_385, Int.max]) func `no other room can be asked for`(ports: Int) throws {
        let fixture = try DatapathFixture()
        try fixture.run {
            #expect(throws: DatapathError.self) { try Datapath.load(pins: fixture.pins, ports: ports) }
            #expect(throws: DatapathError.notLoaded(path: fixture.pins.path)) { try Datapath.open(pins: fixture.pins) }
        }
    }

    @Test func `policies may ask for what there can be, and leave unsaid what is usual`() {
        #expect(HostConfiguration.portBounds == Datapath.portBounds)
        #expect(HostConfiguration.defaultMaximumPorts == Datapath.defaultPorts)
    }
}
