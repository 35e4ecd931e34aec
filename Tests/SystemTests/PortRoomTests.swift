import Addresses
import CBPF
import Packets
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

    @Test func `larger maps hold all that was in force, whoever had bound it`() throws {
        let fixture = try DatapathFixture()
        try fixture.run {
            let ports = try DatapathFixture.makePorts(["vif1.0", "vif2.0", "up0"])
            let old = try Datapath.load(pins: fixture.pins, ports: 1024)
            let bridge = ports[0].bridgeIndex
            try Self.fill(old, ports)
            let run = try old.testRun()
            for number in 1...4 {
                #expect(try run.run(.fromGuest, Self.claim(UInt64(number), 1, at: ports[0])).verdict == -1)
            }
            #expect(try run.run(.fromGuest, .init(arpRequest(from: 2), at: ports[0].index)).reason == .macSource)
            var before = (ports: try old.ports(), owners: try old.owners(bridge: bridge), leases: try old.leases())
            // They start anew.
            for place in before.ports.indices { before.ports[place].counters = Counters() }
            let links = try ports.map { try old.attachments(of: $0.index) }

            let next = try Datapath.enlarge(pins: fixture.pins, ports: 16_384)
            #expect(next.maximumPorts == 16_384)
            #expect(try next.ports() == before.ports)
            #expect(try next.owners(bridge: bridge) == before.owners && next.leases() == before.leases)
            #expect(try ports.map { try next.attachments(of: $0.index) } == links)
            let judged = try next.testRun()
            // The guest's own addresses that its record has no room for, and what it has claimed; a fifth there isn't.
            #expect(try judged.run(.fromGuest, .init(arpRequest(from: 1, sender: [198, 51, 100, 9]), at: ports[0].index)).verdict == -1)
            for number in 1...4 { #expect(try judged.run(.fromGuest, Self.claim(UInt64(number), 1, at: ports[0])).verdict == -1) }
            #expect(try judged.run(.fromGuest, Self.claim(5, 1, at: ports[0])).reason == .ip6Source)
            #expect(try judged.run(.fromGuest, Self.claim(1, 2, at: ports[1])).reason == .llClaimed)
            #expect(try judged.run(.fromUplink, Self.claim(1, 9, at: ports[2])).reason == .uplinkGuestAddress)
            #expect(try judged.run(.fromGuest, .init(arpRequest(from: 2), at: ports[0].index)).reason == .macSource)
            #expect(try next.counters(of: ports[0].index).into.dropped[.macSource]?.packets == 1)
            // New bindings take numbers and slots that nobody has.
            try next.bind(DatapathFixture.binding(7), to: ports[1])
            #expect(try next.port(ports[0].index)?.binding == before.ports.first { $0.port == ports[0] }?.binding)
            #expect(throws: DatapathError.superseded(path: fixture.pins.path)) { try old.bind(DatapathFixture.binding(8), to: ports[1]) }
        }
    }

    /// One guest with more than its record holds, bound by a hypervisor; one with a lease; an uplink; an interface whose place in
    /// the index another has.
    private static func fill(_ datapath: Datapath, _ ports: [Port]) throws {
        var large = DatapathFixture.binding(1)
        large.origin = .xen
        large.addresses4 += (1...20).map { IPv4Prefix(IPv4Address(198, 51, 100, $0)) } + [IPv4Prefix("203.0.113.0/28")!]
        large.addresses6 += (1...9).map { IPv6Prefix(IPv6Address(high: 0x2001_0db8_0000_0001, low: $0)) } + [IPv6Prefix("2001:db8:2::/48")!]
        large.vlans = [10, 20]
        var leasing = DatapathFixture.binding(2)
        leasing.usesDHCP = true
        leasing.mode = .audit
        try datapath.bind(large, to: ports[0])
        try datapath.bind(leasing, to: ports[1])
        try datapath.guardUplink(ports[2], mode: .enforce)
        var table = OwnerTable()
        table.add(large, port: ports[0].index)
        table.add(leasing, port: ports[1].index)
        table.reserve(IPPrefix("192.0.2.254")!)
        table.reserve(IPPrefix("2001:db8:ff::/64")!)
        try datapath.write(table, bridge: ports[0].bridgeIndex)
        try datapath.enter([
            Lease(
                bridge: ports[1].bridgeIndex, port: ports[1].index, mac: leasing.macs[0], prefix: IPPrefix("192.0.2.77")!, expiry: .max,
                server: IPAddress("192.0.2.254")!)
        ])
        let second = Port(index: ports[0].index + 65_536, name: "x", bridgeIndex: ports[0].bridgeIndex, bridgeName: "br0")
        #expect(try datapath.write([.closed(second)]).allSatisfy { $0 == nil })
    }

    /// A frame by which a guest takes a link-local address for itself (RFC 6620).
    private static func claim(_ number: UInt64, _ guest: UInt8, at port: Port) -> TestRun.Frame {
        let frame = Frame.ethernet(
            from: DatapathFixture.binding(guest).macs[0], to: MACAddress(0x33, 0x33, 0, 0, 0, 1),
            .ipv6(from: IPv6Address(high: 0xfe80 << 48, low: 0xabcd_0000 + number), to: IPv6Address("ff02::1")!, .udp(from: 1, to: 2)))
        return .init(frame.bytes, at: port.index, receivedOn: port.index)
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
