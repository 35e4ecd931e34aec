import Addresses
import Datapath
import Lab
import Netlink
import Packets
import Policy
import Testing

/// Section 8 of policy.md in the kernel: token buckets and the sampling of events, by its own clock.
@Suite(.timeLimit(.minutes(5)))
struct LimitTests {
    /// To a group, and neither ARP nor ND.
    static let toGroup = frame4(to: .broadcast)
    static let toOne = frame4(to: MACAddress(2, 0, 0, 0, 0, 0xfe))
    static let spoofed = frame4(to: .broadcast, from: IPv4Address(192, 0, 2, 99))
    static let party = ARPPacket.Party(mac: mac, ip: ip4)
    static let ask = Frame.ethernet(from: mac, to: .broadcast, .arp(.request, sender: party, target: gateway))
    static let answer = Frame.ethernet(from: mac, to: gateway.mac, .arp(.reply, sender: party, target: gateway))
    static let solicitation = frame6(.neighbourSolicitation(target: gateway6))
    static let advertisement = frame6(.neighbourAdvertisement(target: ip6))

    static let mac = MACAddress(2, 0, 0, 0, 0, 1)
    static let ip4 = IPv4Address(192, 0, 2, 1)
    static let ip6 = IPv6Address("2001:db8::1")!
    static let gateway = ARPPacket.Party(mac: MACAddress(2, 0, 0, 0, 0, 0xfe), ip: IPv4Address(192, 0, 2, 254))
    static let gateway6 = IPv6Address("2001:db8::fe")!

    static func frame4(to destination: MACAddress, from source: IPv4Address = ip4) -> Frame {
        .ethernet(from: mac, to: destination, .ipv4(from: source, to: IPv4Address(192, 0, 2, 255), .udp(from: 50_000, to: 53)))
    }

    static func frame6(_ message: UpperLayer, from source: IPv6Address = ip6) -> Frame {
        .ethernet(from: mac, to: gateway.mac, .ipv6(from: source, to: gateway6, message))
    }

    @Test func `a burst to groups passes, and then nothing until the next token`() throws {
        let reasons = try Self.reasons(broadcast: (1, 5)) { try $0.send(Self.toGroup, times: 8) }
        #expect(reasons == Array(repeating: nil, count: 5) + Array(repeating: .limitBroadcast, count: 3))
    }

    @Test(arguments: [ask, answer, solicitation, advertisement])
    func `a burst of ARP or ND passes, and then nothing until the next token`(frame: Frame) throws {
        let reasons = try Self.reasons(neighbor: (1, 5)) { try $0.send(frame, times: 8) }
        #expect(reasons == Array(repeating: nil, count: 5) + Array(repeating: .limitNeighbor, count: 3))
    }

    @Test func `each bucket is for its own frames alone`() throws {
        let toOne = try Self.reasons(broadcast: (1, 1), neighbor: (1, 1)) { try $0.send(Self.toOne, times: 8) }
        #expect(toOne.allSatisfy { $0 == nil })
        let answers = try Self.reasons(broadcast: (1, 1)) { try $0.send(Self.answer, times: 8) }
        #expect(answers.allSatisfy { $0 == nil })
        let toGroup = try Self.reasons(neighbor: (1, 1)) { try $0.send(Self.toGroup, times: 8) }
        #expect(toGroup.allSatisfy { $0 == nil })
    }

    @Test func `the bucket for groups is asked first, and pays although the other one is empty`() throws {
        let reasons = try Self.reasons(broadcast: (1, 4), neighbor: (1, 2)) { try $0.send(Self.ask, times: 5) }
        #expect(reasons == [nil, nil, .limitNeighbor, .limitNeighbor, .limitBroadcast])
    }

    @Test func `a frame that breaks a rule takes nothing`() throws {
        let reasons = try Self.reasons(broadcast: (1, 2)) { try $0.send(Self.spoofed, times: 8) + $0.send(Self.toGroup, times: 3) }
        #expect(reasons == Array(repeating: .ip4Source, count: 8) + [nil, nil, .limitBroadcast])
    }

    @Test func `a rate of 0 is no limit`() throws {
        let reasons = try Self.reasons { try $0.send(Self.ask, times: 20) }
        #expect(reasons.allSatisfy { $0 == nil })
    }

    @Test func `one guest's flood takes nothing from another's bucket`() throws {
        let reasons = try Self.withPorts { ports in
            let limits = Limits(broadcastRate: 1, broadcastBurst: 5, neighborRate: 0, neighborBurst: 0)
            let (flooding, quiet) = (try ports.plug(limits), try ports.plug(limits))
            _ = try flooding.send(Self.toGroup, times: 20)
            return try quiet.send(Self.toGroup, times: 1)
        }
        #expect(reasons == [nil])
    }

    @Test func `a new binding doesn't fill the bucket`() throws {
        let reasons = try Self.reasons(broadcast: (1, 2)) {
            let before = try $0.send(Self.toGroup, times: 3)
            try $0.bind(Limits(broadcastRate: 1, broadcastBurst: 2, neighborRate: 0, neighborBurst: 0))
            return try before + $0.send(Self.toGroup, times: 1)
        }
        #expect(reasons == [nil, nil, .limitBroadcast, .limitBroadcast])
    }

    @Test func `a binding without limits lifts them at once`() throws {
        let reasons = try Self.reasons(broadcast: (1, 2), neighbor: (1, 2)) {
            let before = try $0.send(Self.ask, times: 3)
            try $0.bind(.none)
            return try before + $0.send(Self.ask, times: 2)
        }
        #expect(reasons == [nil, nil, .limitBroadcast, nil, nil])
    }

    @Test func `audit mode counts and lets pass`() throws {
        let (outcome, counters) = try Self.withPorts { ports in
            let limits = Limits(broadcastRate: 1, broadcastBurst: 1, neighborRate: 0, neighborBurst: 0)
            var last: TestRun.Outcome?
            let guest = try ports.within(.seconds(1), limits, mode: .audit) { guest in
                _ = try guest.run(Self.toGroup)
                last = try guest.run(Self.toGroup)
                return []
            }.guest
            return (last, try ports.datapath.counters(of: guest.port.index).into)
        }
        #expect(outcome?.reason == .limitBroadcast && outcome?.wasAudited == true && outcome?.isDropped == false)
        #expect(counters.audited[.limitBroadcast]?.packets == 1)
        #expect(counters.dropped.isEmpty && counters.passed.packets == 2)
    }

    @Test func `a frame that a limit drops claims nothing`() throws {
        let claim = Self.frame6(.neighbourSolicitation(target: Self.gateway6), from: IPv6Address("fe80::a:1")!)
        let (reasons, claims) = try Self.withPorts { ports in
            let limits = Limits(broadcastRate: 0, broadcastBurst: 0, neighborRate: 1, neighborBurst: 1)
            let (guest, reasons) = try ports.within(.seconds(1), limits) {
                try $0.send(Self.solicitation, times: 1) + $0.send(claim, times: 1)
            }
            return (reasons, try ports.datapath.port(guest.port.index)?.claims)
        }
        #expect(reasons == [nil, .limitNeighbor])
        #expect(claims == [])
    }

    @Test func `ten events are sent at once, the others are counted and told of by the next`() throws {
        let (reasons, first, next, sent) = try Self.withPorts { ports in
            let ring = try ports.datapath.eventRing()
            // The next event is due a tenth of a second after the first.
            let (guest, reasons) = try ports.within(.milliseconds(100), Limits.none) { try $0.send(Self.spoofed, times: 40) }
            let first = try ring.read().filter { $0.port == guest.port.index }
            var next: [GuardEvent] = [], sent = 40
            while next.count < 2 {
                _ = try guest.run(Self.spoofed)
                sent += 1
                next += try ring.read()
            }
            return (reasons, first, next, sent)
        }
        #expect(reasons.allSatisfy { $0 == .ip4Source })
        #expect(first.count == 10)
        #expect(first.allSatisfy { $0.leftOut == 0 && $0.reason == .ip4Source && $0.frame == Self.spoofed.bytes })
        #expect(first.count + next.count + next.reduce(0) { $0 + Int($1.leftOut) } == sent)
    }

    // MARK: Ports

    /// What came of frames that a fresh port sent within one second, in which a bucket of one a second gets no token.
    private static func reasons(
        broadcast: (UInt32, UInt32) = (0, 0), neighbor: (UInt32, UInt32) = (0, 0), _ send: (Guest) throws -> [Reason?]
    ) throws -> [Reason?] {
        let limits = Limits(broadcastRate: broadcast.0, broadcastBurst: broadcast.1, neighborRate: neighbor.0, neighborBurst: neighbor.1)
        return try withoutActuallyEscaping(send) { send in
            nonisolated(unsafe) let send = send
            return try withPorts { try $0.within(.seconds(1), limits, send).reasons }
        }
    }

    private static func withPorts<T: Sendable>(_ body: @Sendable (Ports) throws -> T) throws -> T {
        let namespace = try NetworkNamespace("limits")
        return try namespace.run { try body(Ports(datapath: ObjectUnderTest.load())) }
    }

    /// Guests' ports, which are down and silent: no frame crosses them but those that a test runs.
    private final class Ports {
        let datapath: Datapath
        private var count = 0

        init(datapath: Datapath) { self.datapath = datapath }

        /// A port that has sent nothing yet.
        func plug(_ limits: Limits, mode: Mode = .enforce) throws -> Guest {
            count += 1
            let link = try Link.create("vif\(count).0", .bridge)
            let port = Port(index: link.index, name: "vif\(count).0", bridgeIndex: 1, bridgeName: "br0")
            let guest = Guest(datapath: datapath, testRun: try datapath.testRun(), port: port)
            try guest.bind(limits, mode: mode)
            return guest
        }

        /// Once more on another port if it took longer: the machine may be busy.
        func within(
            _ duration: Duration, _ limits: Limits, mode: Mode = .enforce, _ send: (Guest) throws -> [Reason?]
        ) throws -> (guest: Guest, reasons: [Reason?]) {
            while true {
                let guest = try plug(limits, mode: mode)
                let start = ContinuousClock.now
                let reasons = try send(guest)
                if ContinuousClock.now - start < duration { return (guest, reasons) }
            }
        }
    }

    private struct Guest {
        let datapath: Datapath
        let testRun: TestRun
        let port: Port

        func bind(_ limits: Limits, mode: Mode = .enforce) throws {
            let binding = Binding(
                guest: port.name, macs: [LimitTests.mac], addresses4: [IPv4Prefix(LimitTests.ip4)],
                addresses6: [IPv6Prefix(LimitTests.ip6)], mode: mode, limits: limits)
            try datapath.bind(binding, to: port)
        }

        func run(_ frame: Frame) throws -> TestRun.Outcome { try testRun.run(.fromGuest, .init(frame.bytes, at: port.index)) }

        func send(_ frame: Frame, times: Int) throws -> [Reason?] {
            try (0..<times).map { _ in try run(frame).reason }
        }
    }
}
