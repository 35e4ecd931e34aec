import Addresses
import CBPF
import Datapath
import Glibc
import Lab
import Netlink
import Policy
import Testing

@Suite(.timeLimit(.minutes(2)))
struct DatapathAttachmentTests {
    @Test(arguments: AttachmentWay.allCases)
    func `programs are attached both ways, judge real frames and go again`(way: AttachmentWay) throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.close(ports, way: way)
            for port in ports { #expect(try datapath.attachments(of: port.index) == [.ingress: way, .egress: way]) }
            // What the peer sends arrives at the port, which nobody vouches for.
            #expect(shell("ip link set p-vif1.0 up && ip addr add 192.0.2.1/24 dev p-vif1.0 && ping -c 1 -W 1 192.0.2.9 >/dev/null; true") == 0)
            let counters = try datapath.counters(of: ports[0].index)
            #expect(counters.into.dropped[.noBinding, default: .init()].packets > 0)
            #expect(counters.into.passed == .init())
            try datapath.detach(ports[0].index)
            #expect(try datapath.attachments(of: ports[0].index).isEmpty)
            #expect(try datapath.port(ports[0].index) == nil)
            #expect(try TrafficControl.filters(on: ports[0].index).isEmpty)
            // Again is fine, as for one that never was.
            try datapath.detach(ports[0].index)
            try datapath.detach(4_000_000)
            #expect(try datapath.attachments(of: ports[1].index).count == 2)
        }
    }

    @Test func `the way can be changed, and the other is then gone`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            for way in [AttachmentWay.clsact, .tcx, .clsact] {
                try datapath.close(ports[0], way: way)
                #expect(try datapath.attachments(of: ports[0].index) == [.ingress: way, .egress: way])
                let filters = try TrafficControl.filters(on: ports[0].index)
                #expect(filters.count == (way == .clsact ? 2 : 0))
            }
            // Without a wish the way in use stays.
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            #expect(try datapath.attachments(of: ports[0].index) == [.ingress: .clsact, .egress: .clsact])
        }
    }

    @Test func `a detached port can be attached again at once`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            for _ in 0..<50 {
                try datapath.close(ports[0], way: .tcx)
                try datapath.detach(ports[0].index)
                #expect(Self.programCount(at: ports[0].index) == 0)
            }
        }
    }

    @Test func `somebody else's filters outlive ours`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            #expect(
                shell("tc qdisc add dev vif1.0 clsact && tc filter add dev vif1.0 ingress prio 7 protocol all u32 match u32 0 0 classid 1:1") == 0)
            try datapath.close(ports, way: .clsact)
            for port in ports { try datapath.detach(port.index) }
            #expect(shell("tc filter show dev vif1.0 ingress | grep -q u32") == 0)
            // Where nobody else's are, the hooks go too.
            #expect(shell("tc qdisc show dev vif2.0 | grep -q clsact") != 0)
        }
    }

    @Test func `programs run before those that were there`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.close(ports[0], way: .tcx)
            #expect(
                shell("tc qdisc add dev vif2.0 clsact && tc filter add dev vif2.0 ingress prio 1 protocol all u32 match u32 0 0 classid 1:1") == 0)
            // A priority taken by a filter of another kind is an error that says so, not a port left open unnoticed.
            #expect(throws: DatapathError.self) { try datapath.close(ports[1], way: .clsact) }
            // tcx comes before clsact altogether.
            try datapath.close(ports[1], way: .tcx)
            #expect(try datapath.attachments(of: ports[1].index) == [.ingress: .tcx, .egress: .tcx])
        }
    }

    @Test(arguments: AttachmentWay.allCases)
    func `a port that was plugged again under its name is guarded anew`(way: AttachmentWay) throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.bind(DatapathFixture.binding(1), to: ports[0], way: way)
            try Link.named("vif1.0").delete()
            let again = try Link.create("vif1.0", .veth(peer: "p-vif1.0"), .up)
            #expect(try datapath.attachments(of: again.index).isEmpty)
            #expect(try datapath.attachments(of: ports[0].index).isEmpty, "a dead link is no attachment")
            let links = try #require(DatapathAttachmentTests.names(in: datapath.pins.path + "/links"))
            #expect(links.count == (way == .tcx ? 2 : 0))
            #expect(try datapath.sweep() == [ports[0].index])
            #expect(DatapathAttachmentTests.names(in: datapath.pins.path + "/links") == [])
            #expect(try datapath.ports().isEmpty)
            var port = ports[0]
            port.index = again.index
            try datapath.bind(DatapathFixture.binding(1), to: port, way: way)
            #expect(try datapath.attachments(of: again.index) == [.ingress: way, .egress: way])
        }
    }

    @Test func `a new interface with the number of one that is gone is guarded`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.bind(DatapathFixture.binding(1), to: ports[0], way: .tcx)
            try Link.named("vif1.0").delete()
            #expect(shell("ip link add vif9.0 index \(ports[0].index) type veth peer name p-vif9.0") == 0)
            #expect(try datapath.attachments(of: ports[0].index).isEmpty)
            try datapath.close(ports[0], way: .tcx)
            #expect(try datapath.attachments(of: ports[0].index) == [.ingress: .tcx, .egress: .tcx])
        }
    }

    @Test func `uplinks and bridges get their own programs, and a port that becomes a guest's changes`() throws {
        try DatapathFixture.withPorts { datapath, ports in
            try datapath.guardUplink(ports[0], mode: .audit)
            try datapath.guardBridge(Port(bridgeIndex: ports[0].bridgeIndex, bridgeName: "br0"))
            let status = try datapath.ports()
            #expect(status.map(\.kind).sorted { $0.rawValue < $1.rawValue } == [.uplink, .bridge])
            #expect(try datapath.port(ports[0].index)?.mode == .audit)
            let run = try datapath.testRun()
            let stamped = try run.run(.fromUplink, .init(arpRequest(from: 7), at: ports[0].index, receivedOn: ports[0].index))
            #expect(stamped.verdict == -1 && stamped.mark == 1 << 30)
            try datapath.close(ports[0])
            #expect(try datapath.port(ports[0].index)?.kind == .guest)
            #expect(try run.run(.fromGuest, .init(arpRequest(from: 7), at: ports[0].index)).reason == .noBinding)
        }
    }

    @Test func `a thousand ports are closed in one go`() throws {
        let fixture = try DatapathFixture()
        let (count, text) = try fixture.run {
            let names = (0..<1000).map { "v\($0)" }
            let ports = try DatapathFixture.makePorts(names)
            let datapath = try Datapath.load(pins: fixture.pins)
            let clock = ContinuousClock()
            let closing = try clock.measure { try datapath.close(ports) }
            let binding = try clock.measure {
                for (number, port) in ports.enumerated() { try datapath.bind(Self.numbered(number), to: port) }
            }
            #expect(try datapath.ports().allSatisfy { $0.binding != nil })
            let removing = try clock.measure { try Datapath.uninstall(pins: fixture.pins) }
            return (ports.count, "1000 ports: closed in \(closing), bound in \(binding), uninstalled in \(removing)")
        }
        #expect(count == 1000)
        print(text)
    }

    /// How many programs the kernel runs at an interface's tcx ingress, whoever's they are (BPF_PROG_QUERY).
    static func programCount(at interface: UInt32) -> UInt32? {
        var flags: UInt32 = 0
        var ids = [UInt32](repeating: 0, count: 64)
        var count = UInt32(ids.count)
        let type = bpf_attach_type(rawValue: UInt32(CBPF_TCX_INGRESS))
        return bpf_prog_query(Int32(interface), type, 0, &flags, &ids, &count) == 0 ? count : nil
    }

    static func numbered(_ number: Int) -> Binding {
        Binding(
            guest: "guest-\(number)", macs: [MACAddress(rawValue: 0x0200_0000_0000 + UInt64(number))],
            addresses4: [IPv4Prefix(IPv4Address(rawValue: 0x0a00_0000 + UInt32(number)))],
            addresses6: [IPv6Prefix(IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(number)))])
    }

    static func names(in folder: String) -> [String]? {
        guard let stream = opendir(folder) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
