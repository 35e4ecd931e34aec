import Addresses
import Datapath
import Enforcement
import Glibc
import Lab
import Netlink
import Packets
import Policy
import Testing

/// Addresses by DHCP, end to end: real clients and servers, and forged messages.
@Suite(.timeLimit(.minutes(5)))
struct LeaseTests {
    private static let range = "192.0.2.100,192.0.2.150,10m"

    static func bound(_ event: LeaseNote.Event) -> Lease? {
        if case .change(.bind(let lease)) = event { lease } else { nil }
    }

    @Test func `what a server gives is the guest's, and no other's, until it expires`() throws {
        let leased = try LeasedNetwork()
        try leased.startServer([Self.range])
        let before = Datapath.bootTime
        let address = try leased.obtain()
        #expect(try !leased.canPing("192.0.2.254", from: leased.guest), "nothing is bound before the keeper has read")
        let lease = try #require(try leased.read().compactMap(Self.bound).first)
        #expect(lease.prefix == .v4(IPv4Prefix(address)) && lease.port == leased.guest.portIndex && lease.mac == LeasedNetwork.macs[0])
        #expect(lease.server == .v4(LeasedNetwork.gateway))
        #expect(lease.expiry >= before + 600_000_000_000 && lease.expiry <= Datapath.bootTime + 600_000_000_000)
        #expect(try leased.leases() == [lease] && leased.nextExpiry == lease.expiry)
        #expect(try leased.port(leased.guest)?.broadcasts == [IPv4Address(192, 0, 2, 255)])
        #expect(try leased.canPing("192.0.2.254", from: leased.guest) && leased.canPing("192.0.2.2", from: leased.guest))
        // Another guest can't use it, and what is its own goes on.
        try leased.other.add(.v4(address), prefixLength: 32)
        #expect(try !leased.canPing("192.0.2.254", from: leased.other, as: "\(address)"))
        #expect(try leased.canPing("192.0.2.254", from: leased.other, as: "192.0.2.2"))
        #expect(try leased.owner(of: address) == Owner(.guest(port: leased.guest.portIndex)))
        // Nothing to do for another apply, and nothing for a new keeper.
        #expect(try leased.apply().plan.isEmpty)
        try leased.restartKeeper()
        #expect(try leased.read().isEmpty && leased.expire(now: lease.expiry - 1).isEmpty)
        #expect(try leased.canPing("192.0.2.254", from: leased.guest) && leased.nextExpiry == lease.expiry)
        #expect(try leased.expire(now: lease.expiry) == [.change(.unbind(lease, .expired))])
        #expect(try leased.bound(leased.guest).isEmpty && leased.leases().isEmpty && leased.owner(of: address) == nil && leased.nextExpiry == nil)
        #expect(try !leased.canPing("192.0.2.254", from: leased.guest))
        #expect(try leased.apply().plan.isEmpty)
    }

    @Test func `a client that gives its address back has it no longer`() throws {
        let leased = try LeasedNetwork()
        try leased.startServer([Self.range])
        let client = try leased.guest.namespace.start(
            ["setpriv", "--pdeathsig", "KILL", "udhcpc", "-i", "eth0", "-f", "-t", "20", "-T", "1", "-s", "/bin/true"])
        let lease = try #require(try leased.wait { Self.bound($0) != nil }.flatMap(Self.bound))
        guard case .v4(let prefix) = lease.prefix else { return #expect(Bool(false), "\(lease)") }
        try leased.guest.add(.v4(prefix.address), prefixLength: 24)
        #expect(try leased.canPing("192.0.2.254", from: leased.guest))
        kill(client.processID, SIGUSR2)
        #expect(try leased.wait { $0 == .change(.unbind(lease, .released)) } != nil)
        client.stop()
        #expect(try leased.bound(leased.guest).isEmpty && leased.leases().isEmpty)
        #expect(try !leased.canPing("192.0.2.254", from: leased.guest))
    }

    @Test func `a renewal by the address itself is taken up`() throws {
        let leased = try LeasedNetwork()
        try leased.startServer([Self.range])
        let client = try leased.guest.namespace.start(
            ["setpriv", "--pdeathsig", "KILL", "udhcpc", "-i", "eth0", "-f", "-t", "20", "-T", "1", "-s", "/bin/true"])
        let lease = try #require(try leased.wait { Self.bound($0) != nil }.flatMap(Self.bound))
        guard case .v4(let prefix) = lease.prefix else { return #expect(Bool(false), "\(lease)") }
        try leased.guest.add(.v4(prefix.address), prefixLength: 24)
        var renewed: LeaseNote.Event?
        // udhcpc asks once and then not for minutes: told again, it starts from the beginning.
        for _ in 0..<6 where renewed == nil {
            kill(client.processID, SIGUSR1)
            renewed = try leased.wait(.seconds(10)) { if case .change(.renew) = $0 { true } else { false } }
        }
        client.stop()
        guard case .change(.renew(let later))? = renewed else { return #expect(Bool(false), "no renewal was seen") }
        #expect(later.prefix == lease.prefix && later.expiry > lease.expiry)
        #expect(try leased.leases() == [later] && leased.nextExpiry == later.expiry)
    }

    @Test func `messages that waited while no keeper ran count as of when they passed`() throws {
        let leased = try LeasedNetwork()
        try leased.request(7)
        try leased.network.outside.sender().send(
            LeasedNetwork.acknowledgement(7, IPv4Address(192, 0, 2, 77), from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
        try leased.restartKeeper()
        let before = Datapath.bootTime
        let lease = try #require(try leased.wait { Self.bound($0) != nil }.flatMap(Self.bound))
        #expect(lease.expiry < before + 3600 * 1_000_000_000)
    }

    @Test func `more messages than are looked at under one lock are all looked at, in order`() throws {
        let leased = try LeasedNetwork()
        let outside = try leased.network.outside.sender()
        // Fewer at once than the programs tell of, six times over.
        for number: UInt32 in 0..<120 {
            if number % 20 == 0 { try leased.refillBucket() }
            try leased.request(number)
        }
        let address = IPv4Address(192, 0, 2, 77)
        try outside.send(LeasedNetwork.acknowledgement(119, address, from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
        #expect(try leased.wait { _ in true }.flatMap(Self.bound)?.prefix == .v4(IPv4Prefix(address)))
        #expect(try leased.read().isEmpty)
    }

    @Test func `messages that can't be looked at wait, and nobody turns in circles meanwhile`() throws {
        let leased = try LeasedNetwork()
        let address = IPv4Address(192, 0, 2, 77)
        try leased.request(1)
        try leased.network.outside.sender().send(
            LeasedNetwork.acknowledgement(1, address, from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
        try leased.withoutLock {
            let before = Datapath.bootTime
            #expect(throws: EnforcementError.self) { try leased.read() }
            var next = try leased.nextExpiry ?? 0
            #expect(try leased.descriptor == -1 && next >= before + 1_000_000_000)
            #expect(throws: EnforcementError.self) { try leased.expire(now: before) }
            next = try leased.nextExpiry ?? 0
            #expect(next >= before + 1_000_000_000)
        }
        let lease = try #require(try leased.wait { Self.bound($0) != nil }.flatMap(Self.bound))
        #expect(try lease.prefix == .v4(IPv4Prefix(address)) && leased.nextExpiry == lease.expiry && leased.descriptor >= 0)
    }

    @Test func `what nobody asked for, or nobody may have, isn't bound`() throws {
        let leased = try LeasedNetwork()
        let outside = try leased.network.outside.sender()
        let free = IPv4Address(192, 0, 2, 77)
        func acknowledge(_ number: UInt32, _ address: IPv4Address) throws -> LeaseNote.Event? {
            try outside.send(LeasedNetwork.acknowledgement(number, address, from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
            return try leased.wait { _ in true }
        }
        try leased.request(100)
        #expect(try acknowledge(1, free) == .change(.refuse(.v4(IPv4Prefix(free)), .unsolicited)))
        for (number, address, why) in [
            (2, LeasedNetwork.gateway, .reserved), (3, LeasedNetwork.neighbour, .taken), (4, IPv4Address(198, 51, 100, 1), .foreign),
            (5, IPv4Address(192, 0, 2, 255), .unusable),
        ] as [(UInt32, IPv4Address, LeaseRefusal)] {
            try leased.request(number)
            #expect(try acknowledge(number, address) == .change(.refuse(.v4(IPv4Prefix(address)), why)))
        }
        #expect(try leased.bound(leased.guest).isEmpty && leased.leases().isEmpty)
        try leased.request(9)
        #expect(try acknowledge(9, free).flatMap(Self.bound)?.prefix == .v4(IPv4Prefix(free)))
    }

    @Test func `a lease is nobody else's to be leased`() throws {
        let leased = try LeasedNetwork()
        let outside = try leased.network.outside.sender()
        leased.policy.interfaces[1].binding.usesDHCP = true
        _ = try leased.apply()
        let address = IPv4Address(192, 0, 2, 77)
        try leased.request(1)
        try outside.send(LeasedNetwork.acknowledgement(1, address, from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
        #expect(try leased.wait { Self.bound($0) != nil } != nil)
        // The second guest asks under the first one's client identifier, and a server falls for it.
        let mac = LeasedNetwork.macs[1]
        let request = UpperLayer.dhcpv4(
            clientMAC: mac, messageType: 3, transaction: 2, options: [.init(code: 61, data: Bytes([1] + LeasedNetwork.macs[0].bytes))])
        try leased.other.sender().send(Frame.ethernet(from: mac, to: .broadcast, .ipv4(from: .any, to: .broadcast, request)).bytes)
        let answer = UpperLayer.dhcpv4(
            2, clientMAC: mac, messageType: 5, transaction: 2, yourAddress: address, options: [.init(code: 51, data: Bytes([0, 0, 0x0e, 0x10]))])
        try outside.send(Frame.ethernet(from: LeasedNetwork.outsideMAC, to: mac, .ipv4(from: LeasedNetwork.gateway, to: address, answer)).bytes)
        #expect(try leased.wait { _ in true } == .change(.refuse(.v4(IPv4Prefix(address)), .taken)))
        #expect(
            try leased.bound(leased.other) == [.v4(IPv4Prefix(LeasedNetwork.neighbour))] && leased.bound(leased.guest) == [.v4(IPv4Prefix(address))])
    }

    @Test func `a guest is no server: its answers don't arrive, and in audit mode don't count`() throws {
        for mode in [Mode.enforce, .audit] {
            let leased = try LeasedNetwork(otherMode: mode)
            let address = IPv4Address(192, 0, 2, 77)
            try leased.request(1)
            try leased.other.sender().send(LeasedNetwork.acknowledgement(1, address, from: LeasedNetwork.macs[1], LeasedNetwork.neighbour))
            // What is sent after it from elsewhere, and is told of.
            try leased.network.outside.sender().send(
                LeasedNetwork.acknowledgement(99, address, from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
            var events: [LeaseNote.Event] = []
            let unsolicited = LeaseNote.Event.change(.refuse(.v4(IPv4Prefix(address)), .unsolicited))
            let untrusted = LeaseNote.Event.change(.refuse(.v4(IPv4Prefix(address)), .untrusted))
            let wanted = mode == .audit ? [untrusted, unsolicited] : [unsolicited]
            _ = try leased.wait { event in
                events.append(event)
                return Set(wanted).isSubset(of: events)
            }
            #expect(Set(events) == Set(wanted))
            #expect(try leased.bound(leased.guest).isEmpty)
            let counters = try leased.port(leased.other)?.counters.into
            let counted = mode == .audit ? counters?.audited[.dhcp4Server] : counters?.dropped[.dhcp4Server]
            #expect(counted?.packets == 1)
        }
    }

    @Test func `a guest with the role is a server, and so is the host`() throws {
        let leased = try LeasedNetwork(otherRoles: .dhcp4Server)
        let (first, second) = (IPv4Address(192, 0, 2, 77), IPv4Address(192, 0, 2, 78))
        try leased.request(1)
        try leased.other.sender().send(LeasedNetwork.acknowledgement(1, first, from: LeasedNetwork.macs[1], LeasedNetwork.neighbour))
        #expect(try leased.wait { Self.bound($0) != nil }.flatMap(Self.bound)?.prefix == .v4(IPv4Prefix(first)))
        try leased.request(2)
        try FrameSender(on: "br0", in: leased.host).send(
            LeasedNetwork.acknowledgement(2, second, from: leased.network.bridgeMACAddress, IPv4Address(192, 0, 2, 253)))
        #expect(try leased.wait { Self.bound($0) != nil }.flatMap(Self.bound)?.prefix == .v4(IPv4Prefix(second)))
        // The other isn't one for IPv6.
        let delegated = IPv6Prefix("2001:db8:1::/56")!
        let mac = LeasedNetwork.macs[0]
        let ask = UpperLayer.dhcpv6(DHCPv6Message.request, transaction: 3, options: [.client([1])])
        try leased.guest.sender().send(
            Frame.ethernet(from: mac, to: .broadcast, .ipv6(from: mac.eui64LinkLocal, to: IPv6Address("ff02::1:2")!, ask)).bytes)
        let reply = UpperLayer.dhcpv6(
            DHCPv6Message.reply, transaction: 3, options: [.client([1]), .server([2]), .delegation([delegated])], from: 547, to: 546)
        for (sender, source) in [
            (try FrameSender(on: "br0", in: leased.host), leased.network.bridgeMACAddress),
            (try leased.network.outside.sender(), LeasedNetwork.outsideMAC),
        ] {
            try sender.send(Frame.ethernet(from: source, to: mac, .ipv6(from: source.eui64LinkLocal, to: mac.eui64LinkLocal, reply)).bytes)
        }
        #expect(try leased.wait { Self.bound($0) != nil }.flatMap(Self.bound)?.prefix == .v6(delegated))
        #expect(try leased.bound(leased.guest) == [.v4(IPv4Prefix(first)), .v4(IPv4Prefix(second)), .v6(delegated)])
    }

    @Test func `a real DHCPv6 client has what it is given until it gives it back`() throws {
        let leased = try LeasedNetwork()
        try leased.startServer(["2001:db8::100,2001:db8::1ff,64,10m"])
        let files = ["-sf", "/bin/true", "-lf", leased.path("dhclient.leases"), "-pf", leased.path("dhclient.pid")]
        let client = try leased.guest.namespace.start(["setpriv", "--pdeathsig", "KILL", "dhclient", "-6", "-d", "-v"] + files + ["eth0"])
        let lease = try #require(try leased.wait { Self.bound($0) != nil }.flatMap(Self.bound))
        client.stop()
        guard case .v6(let prefix) = lease.prefix, prefix.isSingle else { return #expect(Bool(false), "\(lease)") }
        #expect(IPv6Prefix("2001:db8::100/120")!.contains(prefix.address))
        try leased.guest.add(.v6(prefix.address), prefixLength: 64)
        #expect(try leased.canPing("2001:db8::254", from: leased.guest))
        #expect(try leased.apply().plan.isEmpty)
        let release = try leased.guest.namespace.execute(["dhclient", "-6", "-r", "-v"] + files + ["eth0"], atMost: .seconds(60))
        #expect(try leased.wait { $0 == .change(.unbind(lease, .released)) } != nil, "\(release)")
        #expect(try leased.bound(leased.guest).isEmpty && !leased.canPing("2001:db8::254", from: leased.guest))
    }

    @Test func `a DHCPv6 client may ask from any port`() throws {
        let leased = try LeasedNetwork()
        let (mac, server) = (LeasedNetwork.macs[0], LeasedNetwork.outsideMAC)
        let address = IPv6Address("2001:db8::77")!
        let ask = UpperLayer.dhcpv6(DHCPv6Message.request, transaction: 3, options: [.client([1])], from: 50_000)
        let reply = UpperLayer.dhcpv6(
            DHCPv6Message.reply, transaction: 3, options: [.client([1]), .server([2]), .addresses([address])], from: 547, to: 546)
        try leased.guest.sender().send(
            Frame.ethernet(from: mac, to: .broadcast, .ipv6(from: mac.eui64LinkLocal, to: IPv6Address("ff02::1:2")!, ask)).bytes)
        try leased.network.outside.sender().send(
            Frame.ethernet(from: server, to: mac, .ipv6(from: server.eui64LinkLocal, to: mac.eui64LinkLocal, reply)).bytes)
        #expect(try leased.wait { Self.bound($0) != nil }.flatMap(Self.bound)?.prefix == .v6(IPv6Prefix(address)))
        #expect(try leased.bound(leased.guest) == [.v6(IPv6Prefix(address))])
    }
}
