import Addresses
import CBPF
import Policy
import Testing

@testable import Datapath

/// Programs that are exchanged, and maps that are replaced, under ports in service.
@Suite(.timeLimit(.minutes(2)))
struct DatapathUpgradeTests {
    @Test(arguments: AttachmentWay.allCases)
    func `an upgrade keeps links, bindings and counters, and changes the programs`(way: AttachmentWay) throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.bind(DatapathFixture.binding(1), to: ports[0], way: way)
            try datapath.close(ports[1], way: way)
            let run = try datapath.testRun()
            for _ in 0..<3 { _ = try run.run(.fromGuest, .init(arpRequest(from: 2), at: ports[0].index)) }
            _ = try run.run(.fromGuest, .init(arpRequest(from: 1), at: ports[0].index))
            let before = try datapath.programIDs(of: ports[0].index)
            // Another bit is another program; the object is the same.
            let upgraded = try Datapath.load(pins: datapath.pins, stampBit: 29)
            let after = try datapath.programIDs(of: ports[0].index)
            #expect(before.count == 2 && after.count == 2 && Set(before).isDisjoint(with: after))
            #expect(try datapath.attachments(of: ports[0].index) == [.ingress: way, .egress: way])
            #expect(try datapath.attachments(of: ports[1].index) == [.ingress: way, .egress: way])
            let counters = try upgraded.counters(of: ports[0].index)
            #expect(counters.into.dropped[.macSource]?.packets == 3)
            #expect(counters.into.passed.packets == 1)
            // The one that was open before judges with the new programs too, and attaches them.
            #expect(try datapath.testRun().run(.fromGuest, .init(arpRequest(from: 1), at: ports[0].index)).mark == 1 << 29)
            #expect(datapath.stampBit == 29)
        }
    }

    @Test func `a set of maps is replaced by another without a moment unguarded`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            try datapath.close(ports[1], way: .clsact)
            let number = try #require(try datapath.bindingNumber(of: ports[0].index))
            let next = try Datapath.replace(pins: datapath.pins) { next, _ throws(DatapathError) in
                try next.bind(DatapathFixture.binding(2), to: ports[0])
                try next.close(ports[1])
            }
            let run = try next.testRun()
            #expect(try run.run(.fromGuest, .init(arpRequest(from: 2), at: ports[0].index)).verdict == -1)
            // Real frames meet the new maps: what the attached program counts shows there.
            #expect(shell("ip link set p-vif1.0 up && ip addr add 192.0.2.1/24 dev p-vif1.0 && ping -c 1 -W 1 192.0.2.9 >/dev/null; true") == 0)
            #expect(try next.counters(of: ports[0].index).into.dropped[.macSource, default: .init()].packets > 0)
            #expect(try #require(try next.bindingNumber(of: ports[0].index)) > number)
            #expect(try next.attachments(of: ports[1].index) == [.ingress: .clsact, .egress: .clsact])
            #expect(throws: DatapathError.superseded(path: datapath.pins.path)) { try datapath.bind(DatapathFixture.binding(1), to: ports[0]) }
            #expect(DatapathAttachmentTests.names(in: datapath.pins.path) == ["current", "links"])
            // The next process finds the new one.
            #expect(try Datapath.load(pins: datapath.pins).port(ports[0].index)?.binding?.guest == "guest-2")
        }
    }

    @Test func `a replacement that fails leaves all as it was`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            #expect(throws: DatapathError.noSlot(bound: 1)) {
                try Datapath.replace(pins: datapath.pins) { _, _ throws(DatapathError) in throw DatapathError.noSlot(bound: 1) }
            }
            #expect(try datapath.port(ports[0].index)?.binding?.guest == "guest-1")
            #expect(DatapathAttachmentTests.names(in: datapath.pins.path) == ["current", "links"])
        }
    }

    @Test func `a replacement is given the leases there are, if they are laid out as now`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            let leases = [IPPrefix("192.0.2.7")!, IPPrefix("2001:db8:1::/56")!].map {
                Lease(
                    bridge: ports[0].bridgeIndex, port: ports[0].index, mac: MACAddress(2, 0, 0, 0, 0, 1), prefix: $0, expiry: .max,
                    server: IPAddress("192.0.2.254")!)
            }
            try datapath.enter(leases)
            var given: [[Lease]] = []
            func replace() throws -> Datapath {
                try Datapath.replace(pins: datapath.pins) { next, leases throws(DatapathError) in
                    given.append(leases)
                    try next.enter(leases)
                }
            }
            #expect(try replace().leases() == leases)
            // A map of other sizes, and none.
            let path = datapath.pins.map("leases", .current)
            try PinFolder.unpin(path)
            try Descriptor(cbpf_ledger_create("leases", 64), "make a map").pin(at: path)
            #expect(try replace().leases().isEmpty)
            try PinFolder.unpin(path)
            #expect(try replace().leases().isEmpty)
            #expect(given == [leases, [], []])
        }
    }
}
