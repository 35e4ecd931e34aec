import Addresses
import Datapath
import Enforcement
import Lab
import Netlink
import Policy
import Testing

@Suite(.timeLimit(.minutes(5)))
struct EnforcementApplyTests {
    @Test(arguments: AttachmentWay.allCases)
    func `apply guards a bridge in service, and a second time finds nothing to do`(way: AttachmentWay) throws {
        let guarded = try GuardedNetwork()
        let report = try guarded.apply(way: way)
        #expect(report.succeeded, "\(report.failures) \(report.plan.faults)")
        #expect(report.stepsDone == report.plan.steps.count && report.stepsDone > 0)
        #expect(try guarded.port("vif1.0")?.binding == GuardedNetwork.binding(1).normalized)
        #expect(try guarded.port("vif3.0")?.binding == nil && guarded.port("vif3.0")?.kind == .guest)
        let again = try guarded.apply(way: way)
        #expect(again.plan.isEmpty, "\(again.plan.steps.map(\.description))")
        // Known guests reach each other, the host and what is outside, over both families; the unknown one reaches nobody.
        let guests = guarded.network.guests
        for address in ["192.0.2.2", "192.0.2.253", "192.0.2.254", "2001:db8::2", "2001:db8::fd", "2001:db8::fe"] {
            #expect(try guarded.canReach(address, from: guests[0]), "\(address)")
        }
        #expect(try !guarded.canReach("192.0.2.2", from: guests[2]))
        #expect(try !guarded.canReach("192.0.2.253", from: guests[2]))
        #expect(try guarded.port("vif3.0")?.counters.into.dropped[.noBinding] != nil)
    }

    @Test func `what apply has set is what iproute2 shows`() throws {
        let guarded = try GuardedNetwork()
        #expect(try guarded.canReach("192.0.2.2", from: guarded.network.guests[2]))
        _ = try guarded.apply()
        let host = guarded.host
        for port in ["vif1.0", "vif3.0"] {
            let link = try JSONOutput(["ip", "-d", "-j", "link", "show", "dev", port], in: host)
            let data = ["linkinfo", "info_slave_data"]
            func flag(_ key: String) -> Bool? {
                (link.objects.first?[data[0]] as? [String: Any]).flatMap { ($0[data[1]] as? [String: Any])?[key] as? Bool }
            }
            #expect(flag("learning") == false && flag("flood") == false && flag("guard") == true)
            #expect(
                link.number("linkinfo", "info_slave_data", "mcast_router") == 0 || link.number("linkinfo", "info_slave_data", "multicast_router") == 0
            )
            #expect(try host.output(of: ["cat", "/proc/sys/net/ipv6/conf/\(port)/disable_ipv6"]) == "1\n")
        }
        let entries = try host.output(of: ["bridge", "fdb", "show", "br", "br0"])
        #expect(entries.contains("00:16:3e:00:00:01 dev vif1.0 sticky master br0 static"), "\(entries)")
        #expect(entries.contains("02:00:5e:00:00:01 dev uplink sticky master br0 static"), "\(entries)")
        // Guest 3 had taught the bridge its MAC.
        #expect(!entries.contains("00:16:3e:00:00:03"), "\(entries)")
        #expect(try host.run { try Bridge.named("br0").settings.noLinkLocalLearning } == true)
    }

    @Test func `guests that talk while their bridge is being guarded lose nothing`() throws {
        let guarded = try GuardedNetwork()
        let guests = guarded.network.guests
        // Neighbour caches are warm: what is measured is the guard, not ARP's patience.
        for address in ["192.0.2.2", "192.0.2.253", "192.0.2.254"] { #expect(try guarded.canReach(address, from: guests[0])) }
        let pings = try ["192.0.2.2", "192.0.2.253", "192.0.2.254"].map { address in
            try guests[0].namespace.start(["ping", "-q", "-i", "0.002", "-c", "1500", address])
        }
        #expect(try guarded.apply().succeeded)
        for ping in pings {
            let result = try ping.wait(atMost: .seconds(60))
            #expect(result.output.contains(" 0% packet loss"), "\(result.output)")
        }
    }

    @Test func `a policy that contradicts a binding made by hand changes nothing`() throws {
        let guarded = try GuardedNetwork()
        _ = try guarded.apply()
        let attached = try guarded.host.run {
            try Hotplug.attach("vif3.0", to: GuardedNetwork.policy.bridges[0], GuardedNetwork.binding(3, origin: .manual), datapath: guarded.datapath)
        }
        #expect(attached.succeeded)
        let before = try guarded.observe()
        var policy = GuardedNetwork.policy
        policy.interfaces[0].binding.addresses4.append(IPv4Prefix(GuardedNetwork.four(3)))
        policy.interfaces[1].binding.mode = .audit
        let report = try guarded.apply(policy)
        #expect(!report.succeeded && report.plan.isEmpty)
        let fault = try #require(report.plan.faults.first)
        #expect(
            fault.scope == .policy && fault.message.contains("192.0.2.3") && fault.message.contains("guest-1") && fault.message.contains("guest-3"))
        #expect(try guarded.observe() == before)
    }

    @Test func `a guest that asks for the host's address keeps what it has, and the others go on`() throws {
        let guarded = try GuardedNetwork()
        _ = try guarded.apply()
        var policy = GuardedNetwork.policy
        policy.interfaces[0].binding.addresses4 = [IPv4Prefix(GuardedNetwork.four(253))]
        policy.interfaces[1].binding.mode = .audit
        let report = try guarded.apply(policy)
        #expect(report.plan.faults.map(\.scope) == [.guest("guest-1")])
        #expect(try guarded.port("vif1.0")?.binding == GuardedNetwork.binding(1).normalized)
        #expect(try guarded.port("vif2.0")?.binding?.mode == .audit)
    }

    @Test func `a guest whose binding the kernel can't hold is closed, and the others go on`() throws {
        let guarded = try GuardedNetwork()
        var policy = GuardedNetwork.policy
        policy.interfaces[0].binding.etherTypes = [0x88b5, 0x88b6, 0x88b7, 0x88b8, 0x88b9]
        let report = try guarded.apply(policy)
        #expect(report.failures.count == 1 && report.failures.first?.message.contains("guest-1") == true, "\(report.failures)")
        let closed = try #require(try guarded.port("vif1.0"))
        #expect(closed.binding == nil && closed.kind == .guest)
        #expect(try guarded.port("vif2.0")?.binding == GuardedNetwork.binding(2).normalized)
        #expect(try !guarded.canReach("192.0.2.254", from: guarded.network.guests[0]))
        #expect(try guarded.canReach("192.0.2.254", from: guarded.network.guests[1]))
    }

    @Test func `a port that leaves is forgotten, and one that joins is closed`() throws {
        let guarded = try GuardedNetwork()
        _ = try guarded.apply()
        try guarded.network.leave(guarded.network.guests[0])
        try guarded.network.leave(guarded.network.guests[2])
        #expect(try guarded.apply().succeeded)
        #expect(try guarded.port("vif1.0") == nil && guarded.port("vif3.0") == nil)
        try guarded.network.join(guarded.network.guests[2])
        // Before anything has looked at it, it reaches nobody already.
        #expect(try !guarded.canReach("192.0.2.2", from: guarded.network.guests[2]))
        #expect(try guarded.apply().succeeded)
        #expect(try guarded.port("vif3.0")?.kind == .guest)
    }

    @Test func `a thousand ports are guarded at once`() throws {
        let guarded = try GuardedNetwork()
        let (ports, crowd) = try guarded.network.addPorts(1000)
        let links = Dictionary(uniqueKeysWithValues: try crowd.run { try Link.all() }.map { ($0.name, $0) })
        var policy = GuardedNetwork.policy
        for (number, port) in ports.enumerated() {
            let mac = try #require(links[port.name]?.macAddress)
            let binding = Binding(
                guest: "bulk-\(number)", macs: [mac], addresses4: [IPv4Prefix(IPv4Address(10, 0, UInt8(number / 250), UInt8(number % 250)))],
                addresses6: [IPv6Prefix(IPv6Address(high: 0x2001_0db8_0001 << 16, low: UInt64(number)))])
            policy.interfaces.append(GuestInterface(port: port.name, bridge: "br0", binding: binding))
        }
        let start = ContinuousClock.now
        let report = try guarded.apply(policy)
        print("apply of 1000 ports: \(ContinuousClock.now - start), \(report.plan.steps.count) steps")
        #expect(report.succeeded, "\(report.failures.prefix(3)) \(report.plan.faults.prefix(3))")
        let middle = ContinuousClock.now
        #expect(try guarded.apply(policy).plan.isEmpty)
        print("apply again: \(ContinuousClock.now - middle)")
        #expect(try guarded.canReach("192.0.2.2", from: guarded.network.guests[0]))
    }
}
