import Addresses
import CLinux
import Datapath
import Glibc
import Lab
import Netlink
import Policy
import Testing

@Suite(.timeLimit(.minutes(2)))
struct DatapathLifecycleTests {
    @Test func `loading again opens what is there`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            let again = try Datapath.load(pins: datapath.pins)
            #expect(try again.port(ports[0].index)?.binding == DatapathFixture.binding(1).normalized)
            #expect(try Datapath.open(pins: datapath.pins).ports().count == 1)
        }
    }

    @Test func `a slot that is used again starts at zero`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            let run = try datapath.testRun()
            _ = try run.run(.fromGuest, .init(arpRequest(from: 1), at: ports[0].index))
            _ = try run.run(.fromGuest, .init(arpRequest(from: 9), at: ports[0].index))
            // The same guest again, or another: the port keeps its counters.
            try datapath.bind(DatapathFixture.binding(2), to: ports[0])
            let kept = try datapath.counters(of: ports[0].index)
            #expect(kept.into.passed.packets == 1 && kept.into.dropped[.macSource]?.packets == 1)
            try datapath.detach(ports[0].index)
            // The lowest free slot is the one just freed.
            try datapath.bind(DatapathFixture.binding(1), to: ports[1])
            #expect(try datapath.counters(of: ports[1].index) == Counters())
            #expect(throws: DatapathError.notGuarded(interface: ports[0].index)) { try datapath.counters(of: ports[0].index) }
        }
    }

    @Test func `uninstalling leaves nothing`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.bind(DatapathFixture.binding(1), to: ports[0], way: .tcx)
            try datapath.bind(DatapathFixture.binding(2), to: ports[1], way: .clsact)
            try Datapath.uninstall(pins: datapath.pins)
            for port in ports { #expect(try datapath.attachments(of: port.index).isEmpty) }
            #expect(shell("tc qdisc show | grep -q clsact") != 0)
            // The kernel puts maps.debug and progs.debug into every bpffs.
            #expect(try #require(DatapathAttachmentTests.names(in: "/sys/fs/bpf")).allSatisfy { $0.hasSuffix(".debug") })
            #expect(throws: DatapathError.notLoaded(path: datapath.pins.path)) { try Datapath.open(pins: datapath.pins) }
            #expect(throws: DatapathError.self) { try datapath.bind(DatapathFixture.binding(1), to: ports[0]) }
            try Datapath.uninstall(pins: datapath.pins)
        }
    }

    @Test func `pins elsewhere than in a bpffs, or of another network, are refused`() throws {
        let fixture = try DatapathFixture()
        let other = try NetworkNamespace("other")
        try fixture.run {
            #expect(throws: DatapathError.notInBPFFileSystem(path: "/tmp/vifguard-no")) { try Datapath.load(pins: PinFolder("/tmp/vifguard-no")) }
            #expect(access("/tmp/vifguard-no", F_OK) != 0)
            #expect(throws: DatapathError.notLoaded(path: fixture.pins.path)) { try Datapath.open(pins: fixture.pins) }
            let datapath = try Datapath.load(pins: fixture.pins)
            #expect(
                throws: DatapathError.object(
                    reason: "the stamp can't be bit 3 of the mark: give one of 16 to 31 (the low ones share memory with the kernel's own use)")
            ) {
                try Datapath.load(pins: fixture.pins, stampBit: 3)
            }
            #expect(clinux_setns(other.descriptor, clinux_new_network) == 0)
            defer { #expect(clinux_setns(fixture.namespace.descriptor, clinux_new_network) == 0) }
            #expect(throws: DatapathError.otherNetwork(path: fixture.pins.path)) { try Datapath.open(pins: fixture.pins) }
            _ = datapath
        }
    }

    @Test func `an object that the verifier refuses is refused with its log`() throws {
        let fixture = try DatapathFixture()
        try fixture.run {
            #expect(throws: DatapathError.self) { try Datapath.load(pins: fixture.pins, object: .file("/nonexistent.o")) }
            #expect(throws: DatapathError.self) { try Datapath.load(pins: fixture.pins, object: .file("/etc/passwd")) }
            // Nothing half-made is taken for loaded.
            #expect(throws: DatapathError.notLoaded(path: fixture.pins.path)) { try Datapath.open(pins: fixture.pins) }
            try #expect(Datapath.load(pins: fixture.pins).ports().isEmpty)
        }
    }

    @Test func `events tell who tried what`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            let ring = try datapath.eventRing()
            #expect(try ring.read().isEmpty)
            let frame = arpRequest(from: 1, sender: [192, 0, 2, 77])
            _ = try datapath.testRun().run(.fromGuest, .init(frame, at: ports[0].index))
            let events = try ring.read(waiting: 1000)
            let event = try #require(events.first)
            #expect(events.count == 1 && ring.malformedCount == 0)
            #expect(event.port == ports[0].index && event.bridge == ports[0].bridgeIndex)
            #expect(event.direction == .fromGuest && event.reason == .arpSenderIP && !event.wasAudited)
            #expect(event.frame == frame && event.frameLength == UInt32(frame.count))
            #expect(event.tagProtocol == nil && event.leftOut == 0)
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            #expect(event.time > 0 && event.time <= UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec))
        }
    }

    @Test func `owners are made what the table says, and claims are left alone`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            let bridge = ports[0].bridgeIndex
            var table = OwnerTable(
                BridgePolicy(name: "br0", gateways: [.v4(IPv4Address(192, 0, 2, 254))], reserved: [IPPrefix("198.51.100.0/24")!]),
                hostMACs: [MACAddress(2, 0, 0, 0, 9, 9)])
            table.add(DatapathFixture.binding(1), port: ports[0].index)
            table.add(DatapathFixture.binding(2), port: nil)
            #expect(try datapath.write(table, bridge: bridge) == OwnerChanges(written: 3 + 3 + 4 + 1, removed: 0))
            #expect(try datapath.write(table, bridge: bridge) == OwnerChanges())
            let owners = try datapath.owners(bridge: bridge)
            #expect(owners.addresses4[IPv4Address(192, 0, 2, 254)] == Owner(.reserved))
            #expect(owners.addresses4[IPv4Address(192, 0, 2, 1)] == Owner(.guest(port: ports[0].index)))
            #expect(owners.addresses4[IPv4Address(192, 0, 2, 2)] == Owner(.guest(port: nil)))
            #expect(owners.prefixes4 == [IPv4Prefix("198.51.100.0/24")!: Owner(.reserved)])
            #expect(owners.macs.count == 3 && owners.addresses6.count == 4)
            // A guest claims a link-local address: duplicate address detection for fe80::1234 (RFC 4862 5.4.2).
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            let claimed = IPv6Address("fe80::1234")!
            let outcome = try datapath.testRun().run(.fromGuest, .init(duplicateAddressDetection(from: 1, claimed), at: ports[0].index))
            #expect(outcome.verdict == -1)
            #expect(try datapath.port(ports[0].index)?.claims == [claimed])
            #expect(try datapath.write(table, bridge: bridge) == OwnerChanges())
            // Same guest: the claim stays. Another guest: it ends.
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            #expect(try datapath.owners(bridge: bridge).addresses6[claimed] == Owner(.claim(port: ports[0].index)))
            try datapath.bind(DatapathFixture.binding(2), to: ports[0])
            #expect(try datapath.owners(bridge: bridge).addresses6[claimed] == nil)
            // What the table no longer says goes, another bridge's stays.
            #expect(try datapath.write(table, bridge: bridge + 1).written == 11)
            #expect(try datapath.write(OwnerTable(), bridge: bridge) == OwnerChanges(written: 0, removed: 11))
            #expect(try datapath.owners(bridge: bridge) == BridgeOwners())
            #expect(try datapath.write(table, bridge: bridge + 1) == OwnerChanges())
        }
    }

    @Test func `one guest's owners are found and changed among those of all others`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            let bridge = ports[0].bridgeIndex
            var table = OwnerTable()
            for prefix in ["192.0.2.0/24", "192.0.2.128/25", "2001:db8::/32", "2001:db8:0:1::/64", "198.51.100.0/24"] {
                table.reserve(IPPrefix(prefix)!)
            }
            for address in ["192.0.2.1", "192.0.2.200", "2001:db8::1", "2001:db8:0:1::1"] { table.reserve(IPPrefix(address)!) }
            table.add(DatapathFixture.binding(7), port: ports[1].index)
            try datapath.write(table, bridge: bridge)
            try datapath.write(table, bridge: bridge + 1)
            func overlapping(_ prefixes: String...) throws -> Set<String> {
                var asked = OwnerTable()
                for prefix in prefixes { asked.reserve(IPPrefix(prefix)!) }
                let owners = try datapath.owners(overlapping: asked, bridge: bridge)
                return Set(
                    owners.addresses4.keys.map(\.description) + owners.addresses6.keys.map(\.description)
                        + owners.prefixes4.keys.map(\.description) + owners.prefixes6.keys.map(\.description))
            }
            // Nothing there; inside two prefixes; the address itself.
            #expect(try overlapping("203.0.113.1", "2001:db9::1").isEmpty)
            #expect(try overlapping("192.0.2.129") == ["192.0.2.0/24", "192.0.2.128/25"])
            #expect(try overlapping("192.0.2.1", "2001:db8::1") == ["192.0.2.1", "192.0.2.0/24", "2001:db8::1", "2001:db8::/32"])
            // A prefix finds what is around and inside it.
            #expect(try overlapping("192.0.2.128/26") == ["192.0.2.0/24", "192.0.2.128/25"])
            #expect(try overlapping("192.0.2.192/26") == ["192.0.2.0/24", "192.0.2.128/25", "192.0.2.200"])
            #expect(
                try overlapping("2001:db8::/47") == ["2001:db8::/32", "2001:db8:0:1::/64", "2001:db8:0:1::1", "2001:db8::1", "2001:db8::7"])
            // The seventh guest's become the eighth's; what the table doesn't name isn't touched.
            var (former, fresh) = (OwnerTable(), OwnerTable())
            former.add(DatapathFixture.binding(7), port: ports[1].index)
            fresh.add(DatapathFixture.binding(8), port: ports[1].index)
            let present = try datapath.owners(overlapping: former, bridge: bridge)
            #expect(present.macs == former.macs && present.prefixes4.count == 1 && present.prefixes6.count == 1)
            for (prefix, owner) in present.prefixes4 where owner == Owner(.reserved) { fresh.reserve(.v4(prefix)) }
            for (prefix, owner) in present.prefixes6 where owner == Owner(.reserved) { fresh.reserve(.v6(prefix)) }
            #expect(try datapath.write(fresh, over: present, bridge: bridge) == OwnerChanges(written: 4, removed: 4))
            #expect(try datapath.write(fresh, over: present, bridge: bridge) == OwnerChanges())
            table.remove(port: ports[1].index)
            table.add(DatapathFixture.binding(8), port: ports[1].index)
            #expect(try datapath.write(table, bridge: bridge) == OwnerChanges())
        }
    }

    @Test func `an address seen on the uplink that a guest owns is found`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.guardUplink(ports[0], mode: .enforce)
            let run = try datapath.testRun()
            func reason(_ number: UInt8, sender: [UInt8]? = nil) throws -> Reason? {
                try run.run(.fromUplink, .init(arpRequest(from: number, sender: sender), at: ports[0].index, receivedOn: ports[0].index)).reason
            }
            #expect(try reason(5) == nil)
            var table = OwnerTable()
            var moving = DatapathFixture.binding(6)
            moving.isMigrating = true
            table.add(DatapathFixture.binding(5), port: ports[1].index)
            table.add(moving, port: nil)
            try datapath.write(table, bridge: ports[0].bridgeIndex)
            #expect(try reason(5) == .uplinkGuestMAC)
            #expect(try reason(7, sender: [192, 0, 2, 5]) == .uplinkGuestAddress)
            #expect(try reason(6) == nil)
        }
    }

    @Test func `memory is told map by map`() throws {
        try DatapathFixture.withPorts { datapath, _ in
            let sizes = try datapath.mapSizes()
            // 4096 ports, two sides, 48 reasons, 48 bytes each (guard.h).
            #expect(try #require(sizes["tallies"]) >= 4096 * 2 * 48 * 48)
            #expect(try #require(sizes["events"]) >= 1 << 20)
            #expect(try #require(sizes["dhcp"]) >= 1 << 20)
            #expect(sizes.count == 23)
        }
    }
}

/// The neighbour solicitation of duplicate address detection (RFC 4861 4.3): from ::, no options.
func duplicateAddressDetection(from number: UInt8, _ target: IPv6Address) -> [UInt8] {
    let group = target.solicitedNodeGroup
    var frame = group.multicastMAC.bytes + [0x02, 0, 0, 0, 0, number, 0x86, 0xdd]
    frame += [0x60, 0, 0, 0, 0, 24, 58, 255] + [UInt8](repeating: 0, count: 16) + group.bytes
    return frame + [135, 0, 0, 0, 0, 0, 0, 0] + target.bytes
}
