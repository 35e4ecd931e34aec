import Addresses
import CBPF
import Glibc
import Lab
import Netlink
import Testing

@Suite(.timeLimit(.minutes(5)))
struct TrafficControlTests {
    /// A loaded program that gives one verdict for every frame.
    private final class Program: Sendable {
        let descriptor: Int32

        /// - Parameter verdict: TC_ACT_OK 0, TC_ACT_SHOT 2 (linux/pkt_cls.h).
        init(verdict: Int32) throws {
            var code: [UInt64] = [
                UInt64(UInt32(bitPattern: verdict)) << 32 | 0xb7,  // r0 = verdict
                0x95,  // exit
            ]
            descriptor = code.withUnsafeMutableBytes {
                bpf_prog_load(
                    BPF_PROG_TYPE_SCHED_CLS, "verdict", "GPL", $0.baseAddress!.assumingMemoryBound(to: bpf_insn.self), 2, nil)
            }
            try #require(descriptor >= 0, "the program can't be loaded: \(SystemErrorNumber(-descriptor))")
        }

        deinit { close(descriptor) }
    }

    private func place(_ interface: InterfaceIndex, _ direction: TrafficControl.Direction) -> TrafficControl.Place {
        TrafficControl.Place(interface: interface, direction: direction, priority: 49, handle: 0x76)
    }

    private func link(in namespace: NetworkNamespace) throws -> InterfaceIndex {
        try namespace.run { try Link.create("vif1.0", .veth(), .up).index }
    }

    @Test func `filters are attached in both directions as tc sees them, and found again`() throws {
        let namespace = try NetworkNamespace()
        let port = try link(in: namespace)
        let program = try Program(verdict: 0)
        let places = TrafficControl.Direction.allCases.map { place(port, $0) }
        let (results, filters) = try namespace.run {
            let results = try TrafficControl.attach(places.map { .init(place: $0, program: program.descriptor, name: "vifguard") })
            return (results, try TrafficControl.filters(on: port))
        }
        #expect(results == [nil, nil])
        #expect(filters.map(\.place) == places)
        #expect(filters.allSatisfy { $0.name == "vifguard" && $0.isDirectAction && $0.programID != nil })
        for direction in ["ingress", "egress"] {
            let seen = try JSONOutput(["tc", "-j", "filter", "show", "dev", "vif1.0", direction], in: namespace)
            #expect(seen.string("kind") == "bpf")
            #expect(seen.number("pref") == 49)
            #expect(seen.string("options", "handle") == "0x76")
            #expect(seen.string("options", "bpf_name") == "vifguard")
            #expect(seen.flag("options", "direct-action") == true)
            #expect(seen.number("options", "prog", "id") == filters.first?.programID.map(Int.init))
        }
    }

    @Test func `a program decides over frames, is replaced in place, and is gone when detached`() throws {
        let guest = MACAddress(0x00, 0x16, 0x3e, 0, 0, 1)
        let network = try BridgedNetwork(guests: [guest])
        let port = network.guests[0].portIndex
        let place = place(port, .ingress)
        let pass = try Program(verdict: 0)
        let drop = try Program(verdict: 2)
        func frame(_ number: UInt8) -> [UInt8] {
            MACAddress.broadcast.bytes + guest.bytes + [0x88, 0xb5, number] + [UInt8](repeating: 0, count: 45)
        }
        let sniffer = try network.outside.sniffer()
        let sender = try network.guests[0].sender()
        func attach(_ program: Program) throws {
            let descriptor = program.descriptor
            let results = try network.host.run {
                try TrafficControl.attach([.init(place: place, program: descriptor, name: "vifguard")])
            }
            #expect(results == [nil])
        }
        try attach(drop)
        try sender.send(frame(1))
        try attach(pass)
        try sender.send(frame(2))
        try attach(drop)
        try sender.send(frame(3))
        #expect(try network.host.run { try TrafficControl.filters(on: port).count } == 1)
        #expect(try network.host.run { try TrafficControl.detach([place]) } == [nil])
        try sender.send(frame(4))
        #expect(try sniffer.first { $0.bytes == frame(4) } != nil)
        #expect(sniffer.frames.map(\.bytes) == [frame(2), frame(4)])
        #expect(try network.host.run { try TrafficControl.filters(on: port) } == [])
    }

    @Test func `detaching what isn't there is fine, and only our own place is touched`() throws {
        let namespace = try NetworkNamespace()
        let port = try link(in: namespace)
        let program = try Program(verdict: 0)
        let ours = place(port, .ingress)
        let theirs = TrafficControl.Place(interface: port, direction: .ingress, priority: 50, handle: 1)
        try namespace.run {
            #expect(try TrafficControl.filters(on: port) == [])
            #expect(try TrafficControl.detach([ours]) == [nil])
            let results = try TrafficControl.attach([ours, theirs].map { .init(place: $0, program: program.descriptor, name: "x") })
            #expect(results == [nil, nil])
            #expect(try TrafficControl.detach([ours, ours]) == [nil, nil])
            #expect(try TrafficControl.filters(on: port).map(\.place) == [theirs])
            try TrafficControl.removeHooks(from: port)
            try TrafficControl.removeHooks(from: port)
            #expect(try TrafficControl.filters(on: port) == [])
        }
    }

    @Test func `one interface that is gone doesn't keep the others from being guarded`() throws {
        let namespace = try NetworkNamespace()
        let port = try link(in: namespace)
        let program = try Program(verdict: 0)
        let places = [place(9999, .ingress), place(port, .ingress)]
        let results = try namespace.run {
            try TrafficControl.attach(places.map { .init(place: $0, program: program.descriptor, name: "vifguard") })
        }
        #expect(results.map { $0?.errno } == [ENODEV, nil])
        #expect(results[0]?.description.contains("interface 9999") == true)
    }

    @Test func `an ingress qdisc in the way is named`() throws {
        let namespace = try NetworkNamespace()
        let port = try link(in: namespace)
        _ = try namespace.output(of: ["tc", "qdisc", "add", "dev", "vif1.0", "ingress"])
        let results = try namespace.run { try TrafficControl.addHooks(to: [port]) }
        #expect(results.first??.description.contains("an ingress qdisc is there already") == true)
    }

    @Test func `a thousand ports get two filters each in one call`() throws {
        let network = try BridgedNetwork(guests: [])
        let bulk = try network.addPorts(1000)
        #expect(bulk.ports.count == 1000 && bulk.ports.allSatisfy { $0.master == network.bridgeIndex })
        let program = try Program(verdict: 0)
        let attachments = bulk.ports.flatMap { port in
            TrafficControl.Direction.allCases.map {
                TrafficControl.Attachment(place: place(port.index, $0), program: program.descriptor, name: "vifguard")
            }
        }
        let (first, again) = try network.host.run {
            (try TrafficControl.attach(attachments), try TrafficControl.attach(attachments))
        }
        #expect(first.count == 2000 && first.allSatisfy { $0 == nil })
        #expect(again.allSatisfy { $0 == nil })
        for port in [bulk.ports[0], bulk.ports[999]] {
            #expect(try network.host.run { try TrafficControl.filters(on: port.index).count } == 2)
        }
    }
}
