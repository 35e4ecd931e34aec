import Addresses
import Datapath
import Enforcement
import Glibc
import Lab
import Netlink
import Policy
import Testing

@Suite(.timeLimit(.minutes(5)))
struct EnforcementHotplugTests {
    private let bridge = GuardedNetwork.policy.bridges[0]

    @Test func `attach binds, detach closes, and apply leaves what was attached alone`() throws {
        let guarded = try GuardedNetwork()
        _ = try guarded.apply()
        let third = guarded.network.guests[2]
        let binding = GuardedNetwork.binding(3, origin: .manual)
        #expect(try guarded.host.run { try Hotplug.attach("vif3.0", to: bridge, binding, datapath: guarded.datapath) }.succeeded)
        #expect(try guarded.canReach("192.0.2.2", from: third))
        #expect(try guarded.apply().plan.isEmpty)
        let again = try guarded.host.run { try Hotplug.attach("vif3.0", to: bridge, binding, datapath: guarded.datapath) }
        #expect(again.plan.isEmpty, "\(again.plan.steps.map(\.description))")
        #expect(try guarded.host.run { try Hotplug.detach("vif3.0", datapath: guarded.datapath) }.succeeded)
        #expect(try guarded.port("vif3.0")?.binding == nil)
        #expect(try !guarded.canReach("192.0.2.2", from: third))
        #expect(try guarded.apply().plan.isEmpty)
    }

    @Test func `a port is bound before it joins its bridge, and speaks once it has`() throws {
        let guarded = try GuardedNetwork()
        try guarded.network.leave(guarded.network.guests[2])
        _ = try guarded.apply()
        let binding = GuardedNetwork.binding(3, origin: .xen)
        let attach: @Sendable () throws -> Report = { try Hotplug.attach("vif3.0", to: bridge, binding, datapath: guarded.datapath) }
        #expect(try guarded.host.run(attach).succeeded)
        // An apply in between doesn't undo it.
        #expect(try guarded.apply().plan.isEmpty)
        try guarded.network.join(guarded.network.guests[2])
        #expect(try guarded.host.run(attach).succeeded)
        #expect(try guarded.canReach("192.0.2.2", from: guarded.network.guests[2]))
        #expect(try guarded.host.output(of: ["bridge", "fdb", "show", "br", "br0"]).contains("00:16:3e:00:00:03 dev vif3.0 sticky"))
    }

    @Test func `a port plugged in again under its old name inherits nothing`() throws {
        let guarded = try GuardedNetwork()
        _ = try guarded.apply()
        let binding = GuardedNetwork.binding(3, origin: .manual)
        let old = try guarded.host.run {
            _ = try Hotplug.attach("vif3.0", to: bridge, binding, datapath: guarded.datapath)
            let old = try Link.named("vif3.0")
            try old.delete()
            // With the same number, too: nothing but the device itself counts.
            return old.index
        }
        let third = guarded.network.guests[2]
        let station = third.namespace.descriptor
        try guarded.host.run {
            let made = try Link.create("vif3.0", .veth(peer: "eth0", namespace: station, macAddress: GuardedNetwork.macs[2]), .up)
            try made.change(.master(guarded.network.bridgeIndex))
        }
        try third.namespace.run { try Link.named("eth0").change(.up) }
        try third.add(.v4(GuardedNetwork.four(3)), prefixLength: 24)
        #expect(try !guarded.canReach("192.0.2.2", from: third))
        #expect(try guarded.apply().succeeded)
        let port = try #require(try guarded.port("vif3.0"))
        #expect(port.binding == nil && port.kind == .guest && port.port.index != old)
        #expect(try guarded.host.run { try guarded.datapath.port(old) } == nil)
        #expect(try !guarded.canReach("192.0.2.2", from: third))
        // Its address is nobody's any more.
        #expect(try guarded.observe().bridges[guarded.network.bridgeIndex]?.owners.addresses4[GuardedNetwork.four(3)] == nil)
    }

    @Test func `what a port did while it was closed is counted, whoever was killed before its links were pinned`() throws {
        let guarded = try GuardedNetwork()
        _ = try guarded.apply()
        let third = guarded.network.guests[2]
        let frame = [UInt8](repeating: 0xff, count: 6) + GuardedNetwork.macs[2].bytes + [0x08, 0x06] + [UInt8](repeating: 0, count: 46)
        // The guest's own kernel may speak, too: at least so many.
        for _ in 0..<300 { try third.sender().send(frame) }
        func dropped() throws -> UInt64 {
            try guarded.host.run { try guarded.datapath.counters(of: third.portIndex).into.dropped[.noBinding]?.packets ?? 0 }
        }
        let before = try dropped()
        #expect(before >= 300)
        // A link that isn't pinned goes with its process.
        try guarded.host.run {
            for hook in ["in", "out"] { #expect(unlink("/sys/fs/bpf/vifguard/links/\(third.portIndex)-\(hook)") == 0) }
        }
        let report = try guarded.apply()
        #expect(report.succeeded && report.plan.steps.count { if case .attach = $0 { true } else { false } } == 2)
        #expect(try dropped() >= before)
    }

    @Test func `nobody else's address is attached, nor to a bridge that isn't guarded`() throws {
        let guarded = try GuardedNetwork()
        let attach: @Sendable (Binding, String) throws -> Void = { binding, port in
            _ = try Hotplug.attach(port, to: bridge, binding, datapath: guarded.datapath)
        }
        func refusal(_ binding: Binding, on port: String = "vif3.0") -> String? {
            do {
                try guarded.host.run { try attach(binding, port) }
                return nil
            } catch {
                return "\(error)"
            }
        }
        let mine = GuardedNetwork.binding(3, origin: .manual)
        #expect(refusal(mine)?.contains("vifguard apply") == true)
        _ = try guarded.apply()
        var thief = mine
        thief.addresses4 = [IPv4Prefix(GuardedNetwork.four(1))]
        #expect(refusal(thief)?.contains("guest-1") == true && refusal(thief)?.contains("192.0.2.1") == true)
        thief.addresses4 = [IPv4Prefix("192.0.2.0/25")!]
        #expect(refusal(thief)?.contains("guest-1") == true)
        thief.addresses4 = mine.addresses4
        thief.addresses6 = [IPv6Prefix("2001:db8::/64")!]
        #expect(refusal(thief)?.contains("guest-1") == true || refusal(thief)?.contains("reserved") == true)
        thief.addresses6 = mine.addresses6
        thief.linkLocals = [GuardedNetwork.macs[1].eui64LinkLocal]
        #expect(refusal(thief)?.contains("guest-2") == true)
        thief.linkLocals = []
        for address in [UInt8(253), 254] {
            thief.addresses4 = [IPv4Prefix(GuardedNetwork.four(address))]
            #expect(refusal(thief)?.contains("reserved") == true)
        }
        thief.addresses4 = []
        thief.macs = [MACAddress(0x02, 0x00, 0x5e, 0, 0, 0x01)]
        #expect(refusal(thief)?.contains("reserved") == true)
        #expect(refusal(mine, on: "uplink")?.contains("uplink") == true)
        #expect(try guarded.port("vif3.0")?.binding == nil)
    }

    @Test func `what is inside somebody's prefix isn't attached, and another binding takes the former one's entries along`() throws {
        let guarded = try GuardedNetwork()
        var policy = GuardedNetwork.policy
        policy.bridges[0].reserved = [IPPrefix("203.0.113.0/24")!]
        policy.interfaces[0].binding.addresses6.append(IPv6Prefix("2001:db8:1::/64")!)
        _ = try guarded.apply(policy)
        // Without what the guests have claimed meanwhile.
        func owners() throws -> OwnerTable { OwnerTable(try #require(try guarded.observe().bridges[guarded.network.bridgeIndex]).owners) }
        let before = try owners()
        let mine = GuardedNetwork.binding(3, origin: .manual)
        func attach(_ binding: Binding) -> String {
            do {
                return try guarded.host.run {
                    "\(try Hotplug.attach("vif3.0", to: bridge, binding, datapath: guarded.datapath).succeeded)"
                }
            } catch {
                return "\(error)"
            }
        }
        var other = mine
        other.addresses4 = [IPv4Prefix("203.0.113.7")!]
        #expect(attach(other).contains("203.0.113.0/24 is reserved"))
        other.addresses4 = []
        for prefix in ["2001:db8:1::7", "2001:db8:1:0:8000::/65", "2001:db8:1::/48"] {
            other.addresses6 = [IPv6Prefix(prefix)!]
            #expect(attach(other).contains("guest-1"))
        }
        // Two addresses and a prefix, then others: nothing is left of the first ones.
        other.addresses6 = [IPv6Prefix("2001:db8:2::/64")!, IPv6Prefix("2001:db8:3::3")!]
        #expect(attach(other) == "true")
        #expect(attach(mine) == "true")
        let port = try #require(try guarded.port("vif3.0")).port.index
        var expected = before
        expected.add(mine, port: port)
        #expect(try owners() == expected)
        #expect(try guarded.host.run { try Hotplug.detach("vif3.0", datapath: guarded.datapath) }.succeeded)
        #expect(try owners() == before)
    }

    @Test func `detach of a port that is gone forgets it`() throws {
        let guarded = try GuardedNetwork()
        _ = try guarded.apply()
        let index = guarded.network.guests[0].portIndex
        try guarded.host.run { try Link.named("vif1.0").delete() }
        #expect(try guarded.host.run { try Hotplug.detach("vif1.0", datapath: guarded.datapath) }.succeeded)
        #expect(try guarded.host.run { try guarded.datapath.port(index) } == nil)
        // The policy's guest is stopped; its address stays its own.
        let owners = try guarded.observe().bridges[guarded.network.bridgeIndex]?.owners
        #expect(owners?.addresses4[GuardedNetwork.four(1)] == Owner(.guest(port: nil)))
    }
}
