import Addresses
import Datapath
import Netlink
import Policy
import Testing

@testable import Enforcement

/// Interfaces of the policy that name no port.
struct PlugTests {
    private let policy = HostPolicy(
        bridges: [ModelHost.bridgePolicy], interfaces: [GuestInterface(port: nil, bridge: "br0", binding: ModelHost.binding(1))])

    private func bound(_ host: ModelHost, _ policy: HostPolicy? = nil) -> [String] {
        host.plan(policy ?? self.policy).steps.filter { $0.name == "bind" }.map(\.port.name)
    }

    @Test func `nothing known, nothing bound`() { #expect(bound(ModelHost()) == []) }

    @Test func `a tap of libvirt's making belongs to the guest whose MAC ends alike`() {
        var host = ModelHost()
        host.state.interfaces[ModelHost.port(2)]?.macAddress = MACAddress(0xfe, 0x16, 0x3e, 0, 0, 1)
        #expect(bound(host) == ["vif2.0"])
        host.state.interfaces[ModelHost.port(2)]?.macAddress = MACAddress(0xfc, 0x16, 0x3e, 0, 0, 1)
        #expect(bound(host) == [])
    }

    @Test func `what the hypervisor reports beats the tap's own MAC`() {
        var host = ModelHost()
        host.state.interfaces[ModelHost.port(2)]?.macAddress = MACAddress(0xfe, 0x16, 0x3e, 0, 0, 1)
        host.state.reportedMACs[ModelHost.port(1)] = ModelHost.mac(1)
        #expect(bound(host) == ["vif1.0"])
    }

    @Test func `an entry written by hand counts, one that was learned doesn't`() {
        var host = ModelHost()
        host.forwarding { $0 = [HostState.ForwardingEntry(mac: ModelHost.mac(1), port: ModelHost.port(1), .learned)] }
        #expect(bound(host) == [])
        host.forwarding { $0 = [HostState.ForwardingEntry(mac: ModelHost.mac(1), port: ModelHost.port(1), .fixed)] }
        #expect(bound(host) == ["vif1.0"])
    }

    @Test func `once bound it stays where it is`() {
        var host = ModelHost()
        host.state.reportedMACs[ModelHost.port(1)] = ModelHost.mac(1)
        host.apply(policy)
        host.state.reportedMACs = [:]
        #expect(host.plan(policy) == Plan())
    }

    @Test func `two ports that answer are an error`() {
        var host = ModelHost()
        for number in [1, 2] { host.state.interfaces[ModelHost.port(number)]?.macAddress = MACAddress(0xfe, 0x16, 0x3e, 0, 0, 1) }
        let plan = host.plan(policy)
        #expect(plan.faults == [Fault(.guest("guest-1"), "its MAC is at vif1.0 and vif2.0: name its port in the policy")])
    }

    @Test(arguments: [Origin.policy, .xen])
    func `two ports bound to the guest already are one card's, and the bridge learns by which it speaks`(_ origin: Origin) throws {
        var host = ModelHost()
        host.state.reportedMACs[ModelHost.port(1)] = ModelHost.mac(1)
        host.apply(policy)
        host.state.reportedMACs = [:]
        for number in [1, 2] {
            let port = Port(index: ModelHost.port(number), name: "vif\(number).0", bridgeIndex: ModelHost.bridge, bridgeName: "br0")
            host.perform(.bind(port, ModelHost.binding(1, origin: origin), subnets: ModelHost.bridgePolicy.subnets, formerly: nil))
        }
        host.apply(policy)
        #expect(host.plan(policy).steps == [] && host.plan(policy).faults == [])
        for number in [1, 2] {
            let port = ModelHost.port(number)
            #expect(host.state.guarded[port]?.binding?.guest == "guest-1")
            #expect(host.state.interfaces[port]?.settings.learning == true && host.state.interfaces[port]?.settings.unicastFlood == true)
        }
        let bridge = try #require(host.state.bridges[ModelHost.bridge])
        #expect(!bridge.forwarding.contains { $0.mac == ModelHost.mac(1) })
        #expect(bridge.owners.macs[ModelHost.mac(1)] == Owner(.guest(port: ModelHost.port(2))))
        // One goes: the other has its entry again.
        host.state.interfaces[ModelHost.port(2)] = nil
        host.apply(policy)
        #expect(host.plan(policy).steps == [])
        #expect(host.state.interfaces[ModelHost.port(1)]?.settings.learning == false)
        let entry = HostState.ForwardingEntry(mac: ModelHost.mac(1), port: ModelHost.port(1), .sticky)
        #expect(host.state.bridges[ModelHost.bridge]?.forwarding.contains(entry) == true)
    }

    @Test func `a port that another interface names is not looked at`() {
        var host = ModelHost()
        host.state.interfaces[ModelHost.port(2)]?.macAddress = MACAddress(0xfe, 0x16, 0x3e, 0, 0, 1)
        var policy = policy
        policy.interfaces.append(ModelHost.interface(2))
        #expect(
            host.plan(policy).steps.filter { $0.name == "bind" }.map(\.description) == [
                "vif2.0: bind to guest guest-2 (00:16:3e:00:00:02; 192.0.2.2)"
            ])
    }

    @Test func `two guests that name one port: the first has it`() {
        var policy = ModelHost.policy()
        policy.interfaces[1].port = "vif1.0"
        let plan = ModelHost().plan(policy)
        #expect(plan.faults.map(\.scope) == [.guest("guest-2")])
        #expect(plan.steps.contains { if case .bind(_, let binding, _, _) = $0 { binding.guest == "guest-1" } else { false } })
    }

    @Test func `an uplink is no guest's`() {
        var policy = ModelHost.policy()
        policy.interfaces[0].port = "eth0"
        let plan = ModelHost().plan(policy)
        #expect(plan.warnings.contains { $0.contains("eth0") && $0.contains("uplink") })
        #expect(!plan.steps.contains { $0.name == "bind" && $0.port.name == "eth0" })
    }
}
