import Addresses
import Datapath
import Enforcement
import Lab
import Netlink
import Policy
import Testing

/// What becomes of leases when their port is bound anew, closed or gone, or all of the guard moves.
extension LeaseTests {
    @Test func `a port that is attached keeps its lease when attached again, and loses it when detached`() throws {
        let leased = try LeasedNetwork()
        leased.policy.interfaces.removeFirst()
        _ = try leased.apply()
        let binding = Binding(guest: "by hand", macs: [LeasedNetwork.macs[0]], usesDHCP: true, origin: .manual)
        func attach(_ binding: Binding) throws -> Report {
            try leased.host.run { try Hotplug.attach("vif1.0", to: leased.policy.bridges[0], binding, datapath: leased.datapath) }
        }
        #expect(try attach(binding).succeeded)
        let address = IPv4Address(192, 0, 2, 77)
        try leased.request(1)
        try leased.network.outside.sender().send(LeasedNetwork.acknowledgement(1, address, from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
        let lease = try #require(try leased.wait { Self.bound($0) != nil }.flatMap(Self.bound))
        try leased.guest.add(.v4(address), prefixLength: 24)
        #expect(try attach(binding).plan.isEmpty && leased.apply().plan.isEmpty)
        var changed = binding
        changed.quiet = false
        #expect(try attach(changed).succeeded && leased.leases() == [lease] && leased.canPing("192.0.2.254", from: leased.guest))
        // Apply takes what has expired away from another's binding, and leaves the rest.
        var expired = lease
        expired.expiry = 1
        let stale = expired
        try leased.host.run { try leased.datapath.enter([stale]) }
        #expect(try leased.apply().succeeded && leased.bound(leased.guest).isEmpty && leased.leases().isEmpty)
        #expect(try leased.port(leased.guest)?.binding == changed.normalized && leased.owner(of: address) == nil)
        // Leased anew, then detached.
        try leased.request(2)
        try leased.network.outside.sender().send(LeasedNetwork.acknowledgement(2, address, from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
        #expect(try leased.wait { Self.bound($0) != nil } != nil)
        #expect(try leased.host.run { try Hotplug.detach("vif1.0", datapath: leased.datapath) }.succeeded)
        #expect(try leased.leases().isEmpty && leased.owner(of: address) == nil && leased.nextExpiry != nil)
        #expect(try leased.expire(now: .max - 1).isEmpty && leased.nextExpiry == nil)
    }

    @Test func `what is attached goes before what another guest leases, and before the guest's own lease`() throws {
        let leased = try LeasedNetwork()
        leased.policy.interfaces.removeLast()
        _ = try leased.apply()
        let outside = try leased.network.outside.sender()
        let addresses = [77, 78].map { IPv4Address(192, 0, 2, $0) }
        for (number, address) in addresses.enumerated() {
            try leased.request(UInt32(number))
            try outside.send(LeasedNetwork.acknowledgement(UInt32(number), address, from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
            #expect(try leased.wait { Self.bound($0) != nil } != nil)
        }
        // A prefix around one of them.
        let listed = IPv4Prefix("192.0.2.76/31")!
        let binding = Binding(guest: "other", macs: [LeasedNetwork.macs[1]], addresses4: [listed], origin: .manual)
        func attach(_ port: String, _ binding: Binding) throws -> Report {
            try leased.host.run { try Hotplug.attach(port, to: leased.policy.bridges[0], binding, datapath: leased.datapath) }
        }
        #expect(try attach("vif2.0", binding).succeeded)
        #expect(try leased.bound(leased.guest) == [.v4(IPv4Prefix(addresses[1]))] && leased.bound(leased.other) == [.v4(listed)])
        #expect(try leased.leases().map(\.prefix) == [.v4(IPv4Prefix(addresses[1]))] && leased.owner(of: addresses[0]) == nil)
        #expect(try attach("vif2.0", binding).plan.isEmpty && leased.apply().plan.isEmpty)
        // What is listed for another guest is refused all the same.
        var conflicting = binding
        conflicting.guest = "third"
        conflicting.macs = [MACAddress(0x00, 0x16, 0x3e, 0, 0, 3)]
        #expect(throws: EnforcementError.self) { try attach("vif1.0", conflicting) }
        // The leased guest has its own lease listed: its expiry takes nothing away then.
        let own = Binding(guest: "leased", macs: [LeasedNetwork.macs[0]], addresses4: [IPv4Prefix(addresses[1])], usesDHCP: true, origin: .manual)
        #expect(try attach("vif1.0", own).succeeded && leased.leases().isEmpty)
        #expect(try leased.expire(now: .max - 1).isEmpty && leased.bound(leased.guest) == [.v4(IPv4Prefix(addresses[1]))])
    }

    @Test func `a port that is gone takes its leases along, and its keeper goes on`() throws {
        let leased = try LeasedNetwork()
        let address = IPv4Address(192, 0, 2, 77)
        try leased.request(1)
        try leased.network.outside.sender().send(LeasedNetwork.acknowledgement(1, address, from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
        #expect(try leased.wait { Self.bound($0) != nil } != nil)
        try leased.host.run { try Link.named("vif1.0").delete() }
        _ = try leased.apply()
        #expect(try leased.leases().isEmpty && leased.owner(of: address) == nil && leased.read().isEmpty)
    }

    @Test func `a guest that doesn't fit new maps is shut out alone, and its leases go`() throws {
        let leased = try LeasedNetwork()
        try leased.request(1)
        try leased.network.outside.sender().send(
            LeasedNetwork.acknowledgement(1, IPv4Address(192, 0, 2, 77), from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
        #expect(try leased.wait { Self.bound($0) != nil } != nil)
        // More MACs than a record holds. What reads policies refuses them.
        leased.policy.interfaces[0].binding.macs += (10..<20).map { MACAddress(0x00, 0x16, 0x3e, 0, 0, $0) }
        let policy = leased.policy
        try leased.host.run {
            try DatapathFixture.changeLayout(of: leased.datapath.pins)
            let loaded = try Loading.load(policy, pins: leased.datapath.pins, stampBit: Datapath.defaultStampBit, ports: Datapath.defaultPorts)
            #expect(try loaded.move == .layout && loaded.datapath.leases().isEmpty)
            let guests = try loaded.datapath.ports().filter { $0.kind == .guest }
            #expect(guests.map(\.port.name).sorted() == ["vif1.0", "vif2.0"])
            #expect(guests.compactMap(\.binding?.guest) == ["other"])
        }
    }

    @Test func `more room for ports is a move to larger maps that keeps what is leased, and less changes nothing`() throws {
        let leased = try LeasedNetwork()
        let address = IPv4Address(192, 0, 2, 77)
        try leased.request(1)
        try leased.network.outside.sender().send(LeasedNetwork.acknowledgement(1, address, from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway))
        let lease = try #require(try leased.wait { Self.bound($0) != nil }.flatMap(Self.bound))
        try leased.guest.add(.v4(address), prefixLength: 24)
        let pins = leased.datapath.pins
        // What is in force is what is moved: the policy may have a fault.
        var faulty = leased.policy
        faulty.bridges.append(BridgePolicy(name: "br7"))
        let policy = faulty
        func load(_ ports: Int) throws -> Loading.Outcome {
            try leased.host.run { try Loading.load(policy, pins: pins, stampBit: Datapath.defaultStampBit, ports: ports) }
        }
        func check(_ outcome: Loading.Outcome, _ move: Loading.Move?, room: Int) throws {
            let policy = leased.policy
            try leased.host.run {
                let datapath = outcome.datapath
                #expect(outcome.move == move && datapath.maximumPorts == room)
                #expect(try datapath.leases() == [lease])
                let bound = try datapath.ports().filter { $0.kind == .guest }.sorted { $0.port.name < $1.port.name }
                #expect(bound.map { $0.binding?.guest } == ["leased", "other"] && bound.first?.leases == [lease])
                #expect(try Plan(policy, on: HostState.observe(datapath: datapath)).isEmpty)
            }
            #expect(try leased.canPing("192.0.2.254", from: leased.guest) && leased.canPing("192.0.2.254", from: leased.other))
        }
        for ports in [1024, 4096] { try check(load(ports), nil, room: 4096) }
        try check(load(8192), .room, room: 8192)
        #expect(throws: DatapathError.superseded(path: pins.path)) {
            try leased.host.run { try leased.datapath.enter([lease]) }
        }
        for ports in [1024, 8192] { try check(load(ports), nil, room: 8192) }
    }
}
