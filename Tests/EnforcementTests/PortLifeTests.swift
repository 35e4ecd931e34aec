import Addresses
import Datapath
import Netlink
import Policy
import Testing

@testable import Enforcement

/// Ports that come, go and come back as somebody else.
struct PortLifeTests {
    private let policy = ModelHost.policy()

    @Test func `a stopped guest is fine`() {
        let plan = ModelHost(guests: 1).plan(policy)
        #expect(plan.faults.isEmpty && plan.warnings.isEmpty)
    }

    @Test func `a port without binding is closed`() {
        let plan = ModelHost(guests: 3).plan(policy)
        #expect(plan.steps.contains { $0.description == "vif3.0: close, no binding says who is behind it" })
    }

    @Test func `the record of a port that is gone goes`() {
        var host = ModelHost()
        host.apply(policy)
        host.state.interfaces[ModelHost.port(1)] = nil
        let plan = host.apply(policy)
        #expect(plan.steps.map(\.description).contains("vif1.0: forget it, the interface is gone"))
        #expect(host.plan(policy).isEmpty)
    }

    @Test func `another interface of the same number inherits nothing`() {
        var host = ModelHost(guests: 3)
        host.state.guarded[ModelHost.port(3)] = HostState.GuardedPort(
            port: Port(index: ModelHost.port(3), name: "vif3.0", bridgeIndex: ModelHost.bridge, bridgeName: "br0"), kind: .guest,
            binding: ModelHost.binding(3, origin: .manual), hooks: [])
        let steps = host.apply(policy).steps.filter { $0.port.index == ModelHost.port(3) }.map(\.name)
        #expect(steps.prefix(2) == ["release", "close"])
        #expect(host.plan(policy).isEmpty)
    }

    @Test(arguments: [1, 3]) func `a port whose closing was cut short keeps its record, and what that has counted`(number: Int) {
        var host = ModelHost(guests: 3)
        let index = ModelHost.port(number)
        host.state.guarded[index] = HostState.GuardedPort(
            port: Port(index: index, name: "vif\(number).0", bridgeIndex: ModelHost.bridge, bridgeName: "br0"), kind: .guest, hooks: [])
        let steps = host.plan(policy).steps.filter { $0.port.index == index }.map(\.name)
        #expect(!steps.contains("release") && steps.count { $0 == "attach" } == 2, "\(steps)")
        #expect(steps.contains("bind") == (number == 1) && !steps.contains("close"))
        // Under another name it was another port.
        host.state.guarded[index]?.port.name = "vif9.0"
        #expect(host.plan(policy).steps.contains { $0.name == "release" && $0.port.index == index })
        host.apply(policy)
        #expect(host.plan(policy).isEmpty)
    }

    @Test func `a binding that belongs to another bridge isn't in force on this one`() {
        var host = ModelHost(guests: 3)
        host.state.guarded[ModelHost.port(3)] = HostState.GuardedPort(
            port: Port(index: ModelHost.port(3), name: "vif3.0", bridgeIndex: 99, bridgeName: "br9"), kind: .guest,
            binding: ModelHost.binding(3, origin: .manual))
        #expect(host.plan(policy).steps.contains { $0.name == "close" && $0.port.index == ModelHost.port(3) })
    }

    @Test func `an uplink that isn't there yet is a warning`() {
        var host = ModelHost()
        host.state.interfaces[ModelHost.uplink] = nil
        let plan = host.apply(policy)
        #expect(plan.faults.isEmpty && plan.warnings.count == 1 && plan.warnings[0].contains("eth0"))
        #expect(host.plan(policy).isEmpty)
    }

    @Test func `an uplink that becomes a guest's port changes both programs`() {
        var host = ModelHost()
        host.apply(policy)
        var other = policy
        other.bridges[0].uplinks = []
        let steps = host.apply(other).steps.filter { $0.port.index == ModelHost.uplink }
        #expect(steps.filter { $0.name == "attach" }.count == 2 && steps.contains { $0.name == "close" })
    }

    @Test func `a bridge that isn't there is an error that names those that are, and others go on`() {
        var host = ModelHost()
        var other = policy
        other.bridges.append(BridgePolicy(name: "br1"))
        let plan = host.apply(other)
        #expect(plan.faults == [Fault(.bridge("br1"), "there is no such bridge; there are br0")])
        #expect(host.state.guarded[ModelHost.bridge]?.kind == .bridge)
        other.bridges[1].name = "eth0"
        #expect(host.plan(other).faults.map(\.scope) == [.bridge("eth0")])
    }

    @Test func `a bridge made anew is guarded anew`() {
        var host = ModelHost()
        host.apply(policy)
        let new: InterfaceIndex = 50
        var device = host.state.bridges[ModelHost.bridge]!
        (device.index, device.owners, device.forwarding) = (new, BridgeOwners(), [])
        host.state.bridges = [new: device]
        host.state.interfaces[ModelHost.bridge] = nil
        host.state.interfaces[new] = HostState.Interface(index: new, name: "br0", macAddress: ModelHost.hostMAC)
        for index in host.state.interfaces.keys where host.state.interfaces[index]?.bridge != nil { host.state.interfaces[index]?.bridge = new }
        let plan = host.plan(policy)
        #expect(plan.steps.contains { $0.name == "release" && $0.port.index == ModelHost.bridge })
        #expect(plan.steps.filter { $0.name == "bind" }.allSatisfy { $0.port.bridgeIndex == new })
        #expect(plan.steps.filter { $0.name == "bind" }.count == 2)
    }

    @Test func `what was bound before it joined is left alone`() {
        var host = ModelHost(guests: 3)
        host.apply(policy)
        host.state.interfaces[ModelHost.port(3)]?.bridge = nil
        host.state.guarded[ModelHost.port(3)]?.binding = ModelHost.binding(3, origin: .xen)
        let plan = host.apply(policy)
        #expect(!plan.steps.contains { $0.name == "release" })
        #expect(host.state.bridges[ModelHost.bridge]?.owners.addresses4[IPv4Address(192, 0, 2, 3)] == Owner(.guest(port: ModelHost.port(3))))
        // A closed port that leaves is let go of.
        host.state.guarded[ModelHost.port(3)]?.binding = nil
        #expect(host.plan(policy).steps.contains { $0.name == "release" })
    }

    @Test func `a bridge where somebody else's bindings are in force stays guarded`() {
        var host = ModelHost(guests: 3)
        host.apply(policy)
        host.state.guarded[ModelHost.port(3)]?.binding = ModelHost.binding(3, origin: .manual)
        let plan = host.plan(HostPolicy())
        #expect(plan.isEmpty && plan.warnings.count == 1 && plan.warnings[0].contains("vif3.0"))
    }
}
