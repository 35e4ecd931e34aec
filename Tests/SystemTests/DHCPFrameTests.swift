import Addresses
import DatapathProgram
import Lab
import Netlink
import Packets
import Policy
import Testing

@testable import Datapath

/// Which frames the kernel program tells of as DHCP's (policy.md, section 11).
@Suite(.timeLimit(.minutes(2)))
struct DHCPFrameTests {
    private static let mac = MACAddress(2, 0, 0, 0, 0, 1)
    private static let other = MACAddress(2, 0, 0, 0, 0, 2)
    private static let server = MACAddress(2, 0, 0, 0, 0, 0xfe)
    private static let server4 = IPv4Address(192, 0, 2, 254)
    private static let address = IPv4Address(192, 0, 2, 1)
    private static let address6 = IPv6Address("2001:db8::1")!
    private static let servers6 = IPv6Address("ff02::1:2")!

    private static func request(padding: Int = 0, from mac: MACAddress = mac) -> Frame {
        let options = (0..<padding / 202).map { _ in DHCPv4Message.Option(code: 224, data: Bytes([UInt8](repeating: 7, count: 200))) }
        return .ethernet(from: mac, to: .broadcast, .ipv4(from: .any, to: .broadcast, .dhcpv4(clientMAC: mac, options: options)))
    }

    private static func answer(
        to destination: IPv4Address = address, giving address: IPv4Address = address, client: MACAddress = mac, operation: UInt8 = 2,
        from source: UInt16 = 67, fragment: Bool = false
    ) -> Frame {
        let upper = UpperLayer.dhcpv4(operation, clientMAC: client, messageType: 5, yourAddress: address, from: source, to: 68)
        return .ethernet(from: server, to: mac, .ipv4(from: server4, to: destination, upper, moreFragments: fragment))
    }

    private static func request6(headers: [ExtensionHeader] = [], from source: UInt16 = 546, to port: UInt16 = 547) -> Frame {
        .ethernet(
            from: mac, to: server,
            .ipv6(from: mac.eui64LinkLocal, to: servers6, extensionHeaders: headers, .dhcpv6(DHCPv6Message.request, from: source, to: port)))
    }

    private static func reply(
        headers: [ExtensionHeader] = [], from port: UInt16 = 547, to destination: IPv6Address = mac.eui64LinkLocal
    ) -> Frame {
        let upper = UpperLayer.dhcpv6(DHCPv6Message.reply, from: port, to: 546)
        return .ethernet(from: server, to: mac, .ipv6(from: server.eui64LinkLocal, to: destination, extensionHeaders: headers, upper))
    }

    @Test func `a client's messages are told of whole, with port, bridge and time`() throws {
        try Self.withPort { port throws in
            for frame in [Self.request(), Self.request6(), Self.request6(from: 50_000)] {
                let before = Datapath.bootTime
                let told = try port.told(.fromGuest, frame)
                #expect(told.count == 1 && told.first?.bytes == frame.bytes && told.first?.length == UInt32(frame.bytes.count))
                let first = try #require(told.first)
                #expect(first.port == port.port.index && first.bridge == port.port.bridgeIndex && first.direction == .fromGuest)
                #expect(first.time >= before && first.time <= Datapath.bootTime && first.leftOut == 0)
            }
        }
    }

    @Test func `a server's answers are told of, with where they came in`() throws {
        try Self.withPort { port throws in
            try port.ask()
            // An offer is sent to an address that isn't the guest's, a renewal to one that is, or broadcast.
            let offered = IPv4Address(192, 0, 2, 9)
            for frame in [Self.answer(to: offered, giving: offered), Self.answer(), Self.answer(to: .broadcast), Self.reply()] {
                let told = try port.told(.toGuest, frame, receivedOn: 1)
                #expect(told.map(\.bytes) == [frame.bytes] && told.first?.direction == .toGuest && told.first?.origin == 1)
            }
            #expect(try port.told(.toGuest, Self.answer()).map(\.origin) == [0])
        }
    }

    @Test func `what a router could have brought is told of to nobody`() throws {
        try Self.withPort { port throws in
            try port.ask()
            for frame in [
                Self.answer(giving: IPv4Address(192, 0, 2, 9)), Self.answer(to: IPv4Address(224, 0, 0, 1)), Self.reply(to: Self.address6),
                Self.reply(to: IPv6Address("ff02::1")!),
            ] {
                #expect(try port.told(.toGuest, frame).isEmpty)
            }
        }
    }

    @Test(arguments: [request(), request6(), request6(from: 50_000)])
    func `answers are told of for a minute after the guest has asked`(asking: Frame) throws {
        try Self.withPort { port throws in
            #expect(try port.told(.toGuest, Self.answer()).isEmpty && port.told(.toGuest, Self.reply()).isEmpty)
            try port.ask(asking)
            for (seconds, isTold) in [(0, true), (50, true), (61, false)] as [(UInt64, Bool)] {
                try port.changeState { $0.dhcp_asked = Datapath.bootTime - seconds * 1_000_000_000 }
                #expect(try port.told(.toGuest, Self.answer()).isEmpty != isTold && port.told(.toGuest, Self.reply()).isEmpty != isTold)
            }
            // What wasn't told of for that isn't missed.
            try port.ask()
            #expect(try port.told(.toGuest, Self.answer()).map(\.leftOut) == [0])
            #expect(LeaseBook.patience == UInt64(GUARD_DHCP_PATIENCE_NS))
        }
    }

    @Test func `however many answers come, a client's messages are told of, and the other way round`() throws {
        try Self.withPort { port throws in
            try port.ask()
            // No token comes for an hour.
            let empty = Datapath.bootTime + 3600 * 1_000_000_000
            try port.changeState { $0.dhcp_to_guest.time = empty }
            #expect(try port.told(.toGuest, Self.answer()).isEmpty && port.told(.fromGuest, Self.request()).map(\.leftOut) == [0])
            try port.changeState { ($0.dhcp_to_guest.time, $0.dhcp_from_guest.time) = (0, empty) }
            #expect(try port.told(.fromGuest, Self.request()).isEmpty && port.told(.toGuest, Self.answer()).map(\.leftOut) == [1])
        }
    }

    @Test func `a long message is told of by its first 1024 bytes`() throws {
        try Self.withPort { port throws in
            for padding in [606, 808, 1010] {
                let frame = Self.request(padding: padding)
                let told = try port.told(.fromGuest, frame)
                #expect(told.first?.bytes == Array(frame.bytes.prefix(1024)) && told.first?.length == UInt32(frame.bytes.count))
            }
            var exact = Self.request(padding: 606)
            exact.bytes += [UInt8](repeating: 0, count: 1024 - exact.bytes.count)
            #expect(try port.told(.fromGuest, exact).first?.bytes == exact.bytes)
        }
    }

    @Test func `nothing else is told of`() throws {
        try Self.withPort { port throws in
            // Rule F5 drops a relay's.
            try port.bind(roles: .dhcp4Server)
            let udp = NetworkPacket.ipv4(from: Self.address, to: Self.server4, .udp(from: 5000, to: 67, payload: [UInt8](repeating: 0, count: 300)))
            // A later fragment, whose data looks like ports.
            let later = NetworkPacket.ipv4(
                from: Self.address, to: Self.server4, .udp(from: 68, to: 67, payload: [UInt8](repeating: 0, count: 300)), fragmentOffset: 100)
            for frame in [
                Frame.ethernet(from: Self.mac, to: Self.server, udp), .ethernet(from: Self.mac, to: Self.server, later), Self.request6(to: 5547),
                Self.request6(headers: [.destinationOptions(options: [1, 0])]),
                .ethernet(from: Self.mac, to: Self.server, .ipv4(from: Self.address, to: Self.server4, .tcp(from: 68, to: 67))),
                .ethernet(
                    from: Self.mac, to: Self.server, .ipv6(from: Self.mac.eui64LinkLocal, to: Self.servers6, .tcp(from: 546, to: 547))),
            ] {
                #expect(try port.told(.fromGuest, frame).isEmpty)
            }
            try port.ask()
            for frame in [
                Self.answer(client: Self.other), Self.answer(operation: 1), Self.answer(from: 5067), Self.answer(fragment: true),
                Self.reply(from: 5547),
                Self.reply(headers: [.destinationOptions(options: [1, 0])]),
            ] {
                #expect(try port.told(.toGuest, frame).isEmpty)
            }
        }
    }

    @Test(arguments: [Mode.enforce, .audit]) func `what breaks a rule is told of to nobody, in audit mode neither`(mode: Mode) throws {
        try Self.withPort(mode: mode) { port throws in
            var forged = Self.request()
            forged.bytes[14 + 20 + 8 + 28] ^= 0xff  // chaddr
            #expect(try port.told(.fromGuest, forged).isEmpty)
            #expect(try port.told(.fromGuest, Self.request(from: Self.other)).isEmpty)
            try port.ask()
            // To a MAC that isn't the guest's (rule G2).
            var astray = Self.answer()
            astray.bytes.replaceSubrange(0..<6, with: Self.other.bytes)
            #expect(try port.told(.toGuest, astray).isEmpty)
        }
    }

    @Test func `a guest without DHCP is left alone`() throws {
        try Self.withPort(usesDHCP: false) { port throws in
            #expect(try port.told(.fromGuest, Self.request()).isEmpty && port.told(.fromGuest, Self.request6()).isEmpty)
            #expect(try port.told(.toGuest, Self.answer()).isEmpty && port.told(.toGuest, Self.reply()).isEmpty)
            // Nor is one that had it when it asked.
            try port.changeState { $0.dhcp_asked = Datapath.bootTime }
            #expect(try port.told(.toGuest, Self.answer()).isEmpty && port.told(.toGuest, Self.reply()).isEmpty)
        }
    }

    @Test func `a tagged message is told of where tags are allowed`() throws {
        try Self.withPort(vlans: [7]) { port throws in
            for (direction, frame) in [
                (Direction.fromGuest, Self.request()), (.toGuest, Self.answer()), (.fromGuest, Self.request6()), (.toGuest, Self.reply()),
            ] {
                var tagged = frame
                tagged.bytes.insert(contentsOf: [0x81, 0, 0, 7], at: 12)
                #expect(try port.told(direction, tagged).map(\.bytes) == [tagged.bytes])
            }
        }
    }

    @Test func `32 at once are told of, the others counted and passed all the same`() throws {
        try Self.withPort { port throws in
            var told: [DHCPFrame] = []
            var sent = 40
            // A token comes every 50 ms.
            let start = ContinuousClock.now
            for _ in 0..<sent { told += try port.told(.fromGuest, Self.request()) }
            let took = ContinuousClock.now - start
            #expect(told.count >= 32 && told.count <= 32 + Int(took / .milliseconds(50)) + 1)
            // The next that is told of says how many weren't, the one after it nothing.
            while told.count < 2 || told[told.count - 2].leftOut == 0 {
                try #require(ContinuousClock.now - start < .seconds(20), "nothing more is told of")
                told += try port.told(.fromGuest, Self.request())
                sent += 1
            }
            #expect(told.count + told.reduce(0) { $0 + Int($1.leftOut) } == sent)
        }
    }

    @Test func `leases are read back as they were written, in order`() throws {
        try Self.withPort { port throws in
            let prefixes: [IPPrefix] = ["192.0.2.7", "2001:db8::7", "2001:db8:1::/56"].map { IPPrefix($0)! }
            let leases = prefixes.enumerated().map { number, prefix in
                Lease(
                    bridge: port.port.bridgeIndex, port: port.port.index, mac: Self.mac, prefix: prefix, expiry: number == 0 ? .max : UInt64(number),
                    server: number == 0 ? .v4(Self.server4) : .v6(Self.server.eui64LinkLocal))
            }
            try port.datapath.enter(leases.reversed())
            #expect(try port.datapath.leases() == leases)
            #expect(try port.datapath.port(port.port.index)?.leases == leases && port.datapath.ports().first?.leases == leases)
            // Another port's by now: not ours to forget.
            var stale = leases[0]
            stale.port = 999
            try port.datapath.forget([stale, leases[1]])
            #expect(try port.datapath.leases() == [leases[0], leases[2]])
        }
    }

    @Test func `leases go with the port, with DHCP, with the client's MAC`() throws {
        try Self.withPort { port throws in
            let lease = Lease(
                bridge: port.port.bridgeIndex, port: port.port.index, mac: Self.mac, prefix: IPPrefix("192.0.2.7")!, expiry: .max,
                server: .v4(Self.server4))
            let ends: [(String, () throws -> Void)] = [
                ("the same", { try port.bind() }), ("static", { try port.bind(usesDHCP: false) }), ("closed", { try port.datapath.close(port.port) }),
                ("detached", { try port.datapath.detach(port.port.index) }), ("another MAC", { try port.bind(mac: Self.other) }),
            ]
            for (what, end) in ends {
                try port.bind()
                try port.datapath.enter([lease])
                try end()
                #expect(try port.datapath.leases() == (what == "the same" ? [lease] : []), "\(what)")
            }
        }
    }

    // MARK: A port

    private struct GuestPort {
        let datapath: Datapath
        let testRun: TestRun
        let ring: DHCPRing
        let port: Port

        func bind(
            usesDHCP: Bool = true, mac: MACAddress = DHCPFrameTests.mac, mode: Mode = .enforce, roles: Roles = [], vlans: [UInt16] = []
        ) throws {
            let binding = Binding(
                guest: "www", macs: [mac], addresses4: [IPv4Prefix(DHCPFrameTests.address)], addresses6: [IPv6Prefix(DHCPFrameTests.address6)],
                usesDHCP: usesDHCP, roles: roles, vlans: vlans, mode: mode, limits: .none)
            try datapath.bind(binding, to: port)
        }

        /// Answers are told of from now on.
        func ask(_ frame: Frame = DHCPFrameTests.request()) throws { #expect(try told(.fromGuest, frame).count == 1) }

        func changeState(_ change: (inout guard_state) -> Void) throws {
            let slot = try #require(try datapath.records.record(of: port.index)).slot
            var state = try #require(try datapath.maps.states.value(for: slot))
            change(&state)
            try datapath.maps.states.set(state, for: slot)
        }

        /// What the program tells of one frame.
        func told(_ direction: Direction, _ frame: Frame, receivedOn origin: UInt32 = 0) throws -> [DHCPFrame] {
            let mark: UInt32 = direction == .toGuest ? 1 << UInt32(datapath.stampBit) : 0
            _ = try testRun.run(direction, .init(frame.bytes, at: port.index, receivedOn: origin, mark: mark))
            return try ring.read()
        }
    }

    private static func withPort(
        usesDHCP: Bool = true, mode: Mode = .enforce, vlans: [UInt16] = [], _ body: @Sendable (GuestPort) throws -> Void
    ) throws {
        let namespace = try NetworkNamespace("dhcp")
        try namespace.run {
            let datapath = try ObjectUnderTest.load()
            let link = try Link.create("vif1.0", .bridge)
            let port = Port(index: link.index, name: "vif1.0", bridgeIndex: 1, bridgeName: "br0")
            let guest = GuestPort(datapath: datapath, testRun: try datapath.testRun(), ring: try datapath.dhcpRing(), port: port)
            try guest.bind(usesDHCP: usesDHCP, mode: mode, vlans: vlans)
            try body(guest)
        }
    }
}
