import Addresses
import Datapath
import Netlink
import Policy
import Testing

@testable import Enforcement

/// Policies that this host can't carry out.
struct ConflictTests {
    private func host(thirdBoundTo binding: Binding) -> ModelHost {
        var host = ModelHost(guests: 3)
        host.apply(ModelHost.policy())
        host.state.guarded[ModelHost.port(3)]?.binding = binding
        host.apply(ModelHost.policy())
        return host
    }

    @Test func `others' bindings are left alone`() {
        let host = host(thirdBoundTo: ModelHost.binding(3, origin: .xen))
        #expect(host.plan(ModelHost.policy()) == Plan())
        #expect(host.state.guarded[ModelHost.port(3)]?.binding == ModelHost.binding(3, origin: .xen))
    }

    @Test func `an address that another origin has bound is refused, naming both, and nothing changes`() {
        var policy = ModelHost.policy()
        policy.interfaces[0].binding.addresses4 = [IPv4Prefix("192.0.2.3")!]
        policy.interfaces[1].binding.mode = .audit
        let plan = host(thirdBoundTo: ModelHost.binding(3, origin: .xen)).plan(policy)
        #expect(plan.isEmpty && plan.faults.map(\.scope) == [.policy])
        for word in ["192.0.2.3", "guest-1", "guest-3", "xen", "vif3.0"] { #expect(plan.faults[0].message.contains(word)) }
    }

    @Test func `so is a MAC, a prefix around it, and a port`() {
        let host = host(thirdBoundTo: ModelHost.binding(3, origin: .manual))
        var mac = ModelHost.policy(), prefix = mac
        mac.interfaces[0].binding.macs = [ModelHost.mac(3)]
        prefix.interfaces[0].binding.addresses4 = [IPv4Prefix("192.0.2.2/31")!]
        var port = ModelHost.policy()
        port.interfaces.append(GuestInterface(port: "vif3.0", bridge: "br0", binding: ModelHost.binding(7)))
        for policy in [mac, prefix, port] { #expect(host.plan(policy).faults.map(\.scope) == [.policy]) }
    }

    @Test func `the same guest bound by hand is no conflict`() {
        let host = host(thirdBoundTo: ModelHost.binding(3, origin: .manual))
        #expect(host.plan(ModelHost.policy(guests: 3)) == Plan())
        var other = ModelHost.policy(guests: 3)
        other.interfaces[2].binding.mode = .audit
        let plan = host.plan(other)
        #expect(plan.isEmpty && plan.warnings.count == 1 && plan.warnings[0].contains("guest-3"))
    }

    @Test(arguments: [Origin.xen, .libvirt])
    func `a card that its hypervisor has bound is the policy's when the policy names it`(origin: Origin) {
        var host = host(thirdBoundTo: ModelHost.binding(3, origin: origin))
        var policy = ModelHost.policy(guests: 3)
        policy.interfaces[2].binding.addresses4 = [IPv4Prefix("192.0.2.33")!]
        for port in ["vif3.0", nil] {
            policy.interfaces[2].port = port
            let plan = host.plan(policy)
            #expect(plan.faults.isEmpty && plan.warnings.isEmpty && !plan.isEmpty, "\(plan)")
        }
        #expect(host.apply(policy).faults.isEmpty)
        #expect(host.state.guarded[ModelHost.port(3)]?.binding == policy.interfaces[2].binding)
    }

    @Test func `or names its UUID, with its MAC`() {
        var policy = ModelHost.policy(guests: 3)
        policy.interfaces[2].port = nil
        policy.interfaces[2].binding.guest = "01234567-89ab-cdef-0123-456789abcdef"
        var host = host(thirdBoundTo: ModelHost.binding(3, origin: .xen))
        var stranger = policy
        stranger.interfaces[2].binding.guest = "another"
        #expect(host.plan(stranger).faults.map(\.scope) == [.policy])
        stranger.interfaces[2].binding.guest = "01234567-89ab-cdef-0123-456789abcdeg"
        #expect(host.plan(stranger).faults.map(\.scope) == [.policy])
        #expect(host.apply(policy).faults.isEmpty)
        #expect(host.state.guarded[ModelHost.port(3)]?.binding == policy.interfaces[2].binding)
    }

    @Test func `what a policy's defaults say of a running guest of a hypervisor counts as they are now`() {
        var host = host(thirdBoundTo: ModelHost.binding(3, origin: .xen))
        var policy = ModelHost.policy()
        policy.defaults.mode = .audit
        #expect(host.apply(policy).steps.count == 1)
        #expect(host.state.guarded[ModelHost.port(3)]?.binding == ModelHost.binding(3, mode: .audit, origin: .xen))
        #expect(host.plan(policy) == Plan())
        policy.defaults.mode = .enforce
        #expect(host.apply(policy).steps.count == 1)
        #expect(host.state.guarded[ModelHost.port(3)]?.binding?.mode == .enforce)
        // What a person has bound is the person's.
        #expect(self.host(thirdBoundTo: ModelHost.binding(3, mode: .audit, origin: .manual)).plan(policy) == Plan())
    }

    @Test(arguments: ["192.0.2.253", "192.0.2.252/31"])
    func `what is the host's own is refused for that guest alone`(address: String) {
        var host = ModelHost()
        var policy = ModelHost.policy()
        policy.interfaces[0].binding.addresses4 = [IPv4Prefix(address)!]
        let plan = host.apply(policy)
        #expect(plan.faults.map(\.scope) == [.guest("guest-1")] && plan.faults[0].message.contains("192.0.2.253"))
        #expect(host.state.guarded[ModelHost.port(1)]?.binding == nil)
        #expect(host.state.guarded[ModelHost.port(2)]?.binding == ModelHost.binding(2).normalized)
    }

    @Test func `a guest that is refused keeps what it has`() {
        var host = ModelHost()
        host.apply(ModelHost.policy())
        var policy = ModelHost.policy()
        policy.interfaces[0].binding.macs = [ModelHost.hostMAC]
        let plan = host.apply(policy)
        #expect(plan.isEmpty && plan.faults.map(\.scope) == [.guest("guest-1")])
        #expect(host.state.guarded[ModelHost.port(1)]?.binding == ModelHost.binding(1).normalized)
    }
}
