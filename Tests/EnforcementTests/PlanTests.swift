import Addresses
import Datapath
import Netlink
import Policy
import Testing

@testable import Enforcement

struct PlanTests {
    @Test func `a second plan is empty`() {
        var host = ModelHost(guests: 3)
        let plan = host.apply(ModelHost.policy())
        #expect(!plan.isEmpty && plan.faults.isEmpty && plan.warnings.isEmpty)
        #expect(host.plan(ModelHost.policy()) == Plan())
        // Whatever the policy was before.
        var other = ModelHost.policy(guests: 3)
        other.bridges[0].isolatesGuests = true
        other.bridges[0].gatewayMACs = []
        other.bridges[0].uplinkMode = .enforce
        other.interfaces[1].binding.roles = [.router]
        other.interfaces[2].binding.virtualRouters = [VirtualRouter(mac: MACAddress(0, 0, 0x5e, 0, 1, 7), address: IPAddress("192.0.2.100")!)]
        host.apply(other)
        #expect(host.plan(other) == Plan())
        host.apply(HostPolicy())
        #expect(host.plan(HostPolicy()) == Plan())
        #expect(host.state.guarded.isEmpty)
    }

    @Test func `every entry judges before any exit asks for a stamp`() throws {
        let plan = ModelHost(guests: 3).plan(ModelHost.policy())
        let hooks = plan.steps.enumerated().compactMap { place, step -> (place: Int, isEntry: Bool)? in
            guard case .attach(_, let kind, let hook) = step else { return nil }
            return (place, (kind == .bridge) == (hook == .egress))
        }
        #expect(hooks.count == 2 * 5)
        let lastEntry = try #require(hooks.last { $0.isEntry }), firstExit = try #require(hooks.first { !$0.isEntry })
        #expect(lastEntry.place < firstExit.place)
        // And no program runs without its record.
        let firstEntry = try #require(hooks.first)
        let records = plan.steps.indices.filter { ["bind", "close", "trust-uplink", "trust-bridge"].contains(plan.steps[$0].name) }
        #expect(records.count == 5 && records.allSatisfy { $0 < firstEntry.place })
    }

    @Test func `flood goes off only after the forwarding entries are there`() throws {
        let names = ModelHost().plan(ModelHost.policy()).steps.map(\.name)
        let entry = try #require(names.lastIndex(of: "add-forwarding")), flags = try #require(names.firstIndex(of: "set-port"))
        #expect(entry < flags)
    }

    @Test func `an address that moves is taken from the one before it is given to the other`() throws {
        var host = ModelHost()
        host.apply(ModelHost.policy())
        var policy = ModelHost.policy()
        policy.interfaces.removeFirst()
        policy.interfaces[0].binding.addresses4 = ModelHost.binding(1).addresses4
        let names = host.plan(policy).steps.map { "\($0.name) \($0.port.name)" }
        let close = try #require(names.firstIndex(of: "close vif1.0")), bind = try #require(names.firstIndex(of: "bind vif2.0"))
        #expect(close < bind)
    }

    @Test func `the bridge looks for a guest that is on the move, and for nobody else`() {
        var host = ModelHost()
        var policy = ModelHost.policy()
        policy.interfaces[0].binding.isMigrating = true
        host.apply(policy)
        func settings(_ guest: Int) -> BridgePort.Settings { host.state.interfaces[ModelHost.port(guest)]!.settings }
        func isPinned(_ guest: Int) -> Bool {
            host.state.bridges[ModelHost.bridge]!.forwarding.contains { $0.mac == ModelHost.mac(guest) && $0.kind == .sticky }
        }
        #expect(settings(1).learning == true && settings(1).unicastFlood == true && !isPinned(1))
        #expect(settings(2).learning == false && settings(2).unicastFlood == false && isPinned(2))
        policy.interfaces[0].binding.isMigrating = false
        host.apply(policy)
        #expect(settings(1).learning == false && settings(1).unicastFlood == false && isPinned(1))
    }

    @Test func `a guest port is set as section 9 says`() {
        var host = ModelHost(guests: 4)
        var policy = ModelHost.policy(guests: 3)
        policy.interfaces[1].binding.roles = [.multicastQuerier]
        policy.interfaces[2].binding.virtualRouters = [VirtualRouter(mac: MACAddress(0, 0, 0x5e, 0, 1, 7), address: IPAddress("192.0.2.100")!)]
        policy.bridges[0].isolatesGuests = true
        host.apply(policy)
        let settings = (1...4).map { host.state.interfaces[ModelHost.port($0)]!.settings }
        #expect(settings.map(\.learning) == [false, false, true, false])
        #expect(settings.map(\.unicastFlood) == [false, false, false, false])
        #expect(settings.map(\.bpduGuard) == [true, true, true, true])
        #expect(settings.map(\.isolated) == [true, true, true, true])
        #expect(settings.map(\.multicastRouter) == [.never, .whereQueried, .never, .never])
        #expect((1...4).allSatisfy { host.state.interfaces[ModelHost.port($0)]?.isWithoutIPv6 == true })
        let uplink = host.state.interfaces[ModelHost.uplink]!
        #expect(uplink.settings.learning == true && uplink.settings.unicastFlood == true && uplink.isWithoutIPv6 == true)
        let entries = Set(host.state.bridges[ModelHost.bridge]!.forwarding.map { "\($0.mac) \($0.port) \($0.kind)" })
        let guests = (1...3).map { "\(ModelHost.mac($0)) \(ModelHost.port($0)) sticky" }
        #expect(entries == Set(guests + ["\(ModelHost.gatewayMAC) \(ModelHost.uplink) sticky"]))
    }

    @Test func `what the kernel doesn't know isn't asked of it`() {
        var host = ModelHost()
        for index in host.state.interfaces.keys {
            host.state.interfaces[index]?.settings.isolated = nil
            host.state.interfaces[index]?.isWithoutIPv6 = nil
        }
        host.state.bridges[ModelHost.bridge]?.hasNoLinkLocalLearning = nil
        let plan = host.apply(ModelHost.policy())
        #expect(!plan.steps.contains { ["set-ipv6", "set-link-local-learning"].contains($0.name) })
        #expect(host.plan(ModelHost.policy()).isEmpty)
    }

    @Test func `what a port taught the bridge before it was guarded is forgotten, what an uplink taught isn't`() {
        var host = ModelHost()
        let stolen = MACAddress(2, 0, 0, 0, 0, 0x77)
        host.forwarding {
            $0 = [
                HostState.ForwardingEntry(mac: stolen, port: ModelHost.port(1), .learned),
                HostState.ForwardingEntry(mac: MACAddress(2, 0, 0, 0, 0, 0x78), port: ModelHost.uplink, .learned),
            ]
        }
        let removed = host.plan(ModelHost.policy()).steps.filter { $0.name == "remove-forwarding" }
        #expect(removed.map(\.description) == ["vif1.0: don't forward \(stolen) here any more"])
    }

    @Test func `an operator's sticky entry on the uplink stays, a former gateway's goes`() {
        var host = ModelHost()
        host.apply(ModelHost.policy())
        let operators = HostState.ForwardingEntry(mac: MACAddress(2, 0, 0, 0, 0, 0x99), port: ModelHost.uplink, .sticky)
        host.forwarding { _ = $0.insert(operators) }
        var policy = ModelHost.policy()
        policy.bridges[0].gatewayMACs = []
        host.apply(policy)
        #expect(host.state.bridges[ModelHost.bridge]!.forwarding.filter { $0.port == ModelHost.uplink } == [operators])
    }

    @Test func `subnets that change reach the ports`() {
        var host = ModelHost()
        host.apply(ModelHost.policy())
        var policy = ModelHost.policy()
        policy.bridges[0].subnets = [IPv4Prefix("192.0.2.0/25")!]
        #expect(host.apply(policy).steps.map(\.name) == ["bind", "bind"])
        #expect(host.plan(policy).isEmpty)
    }

    @Test func `owners are the policy's guests, running or stopped, and what is reserved`() {
        var host = ModelHost(guests: 1)
        host.apply(ModelHost.policy())
        let owners = host.state.bridges[ModelHost.bridge]!.owners
        #expect(owners.addresses4[IPv4Address(192, 0, 2, 1)] == Owner(.guest(port: ModelHost.port(1))))
        #expect(owners.addresses4[IPv4Address(192, 0, 2, 2)] == Owner(.guest(port: nil)))
        #expect(
            owners.addresses4[IPv4Address(192, 0, 2, 253)] == Owner(.reserved) && owners.addresses4[IPv4Address(192, 0, 2, 254)] == Owner(.reserved))
        #expect(owners.macs[ModelHost.hostMAC] == Owner(.reserved) && owners.macs[ModelHost.gatewayMAC] == Owner(.reserved))
        #expect(owners.macs[MACAddress(2, 0, 0, 0, 0, 0xee)] == Owner(.reserved))
    }

    @Test func `what the kernel program has entered itself is no difference`() {
        var host = ModelHost()
        host.apply(ModelHost.policy())
        host.state.bridges[ModelHost.bridge]?.owners.addresses6[IPv6Address("fe80::1234")!] = Owner(.claim(port: ModelHost.port(1)))
        host.state.bridges[ModelHost.bridge]?.owners.addresses6[IPv6Address("fe80::abcd")!] = Owner(.router)
        #expect(host.plan(ModelHost.policy()).isEmpty)
    }
}
