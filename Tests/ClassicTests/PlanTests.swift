import Addresses
import Enforcement
import Netlink
import Policy
import Testing

@testable import Classic

/// Plans are functions of a policy and of what was observed; a kernel made by hand does as they say.
struct PlanTests {
    private static let bridge = BridgePolicy(name: "br0", uplinks: ["peth0"])

    private static func host(_ ports: [String] = ["vif1.0", "vif2.0"]) -> HostState {
        var interfaces = [HostState.Interface(index: 2, name: "br0"), HostState.Interface(index: 3, name: "peth0", bridge: 2)]
        for (place, port) in ports.enumerated() {
            interfaces.append(
                HostState.Interface(
                    index: InterfaceIndex(11 + place), name: port, macAddress: MACAddress(0xfe, 0, 0, 0, 0, UInt8(place + 1)), bridge: 2))
        }
        return HostState(interfaces: interfaces, bridges: [HostState.BridgeDevice(index: 2, name: "br0")])
    }

    private static func binding(_ number: UInt8, _ addresses: UInt8...) -> Binding {
        Binding(
            guest: "guest-\(number)", macs: [MACAddress(2, 0, 0, 0, 0, number)],
            addresses4: (addresses.isEmpty ? [number] : addresses).map { IPv4Prefix(IPv4Address(192, 0, 2, $0)) })
    }

    private static func policy(_ bindings: Binding...) -> HostPolicy {
        HostPolicy(
            bridges: [bridge],
            interfaces: bindings.enumerated().map { GuestInterface(port: "vif\($0 + 1).0", bridge: "br0", binding: $1) })
    }

    private static let open = FilterState(
        chains: Dictionary(uniqueKeysWithValues: Filter.allCases.map { ($0, ForwardChain(policy: "ACCEPT")) }), settingsOff: Set(Filter.allCases))

    /// As the kernel is afterwards.
    private static func after(_ plan: ClassicPlan, _ before: FilterState) -> FilterState {
        var state = before
        for command in plan.commands {
            var chain = state.chains[command.filter]!
            switch command.arguments[0] {
            case "-P": chain.policy = command.arguments[2]
            case "-F": chain.entries = []
            case "-A": chain.entries.append(.known(Article.rule(command)))
            case "-D":
                if let number = Int(command.arguments[2]) {
                    chain.entries.remove(at: number - 1)
                } else {
                    chain.entries.remove(at: chain.entries.firstIndex(of: .known(Article.rule(command)))!)
                }
            case "-N": state.attached.insert(String(command.arguments[1].dropFirst("vifguard-".count)))
            default: state.attached.remove(String(command.arguments[1].dropFirst("vifguard-".count)))
            }
            state.chains[command.filter] = chain
        }
        for setting in plan.settings { state.settingsOff = state.settingsOff.filter { $0.setting != setting } }
        return state
    }

    @Test func `an open host is shut, emptied and filled, and frames are sent through it last`() {
        let plan = ClassicPlan(Self.policy(Self.binding(1)), on: Self.host(), Self.open)
        #expect(Array(plan.commands.prefix(6)) == FilterCommand.guarding)
        #expect(Array(plan.commands.dropFirst(6)) == Rule.all(of: "vif1.0", Self.binding(1), uplinks: ["peth0"]).map { .append($0) })
        #expect(plan.settings == [.iptables, .arptables, .ip6tables] && plan.faults.isEmpty && plan.warnings.isEmpty)
        let state = Self.after(plan, Self.open)
        #expect(state.isGuarding)
        #expect(ClassicPlan(Self.policy(Self.binding(1)), on: Self.host(), state).isEmpty)
    }

    @Test func `a changed address changes just that, and a guest that is gone loses its rules`() {
        let first = Self.policy(Self.binding(1), Self.binding(2))
        let state = Self.after(ClassicPlan(first, on: Self.host(), Self.open), Self.open)
        let changed = ClassicPlan(Self.policy(Self.binding(1, 7), Self.binding(2)), on: Self.host(), state)
        #expect(
            changed.commands.map(\.line) == [
                "iptables  -D FORWARD -m physdev --physdev-out vif1.0 --destination 192.0.2.1 -j ACCEPT",
                "iptables  -D FORWARD -m physdev --physdev-in vif1.0 --physdev-out peth0 --source 192.0.2.1 -j ACCEPT",
                "arptables -D FORWARD --opcode Reply --in-interface vif1.0 --source-ip 192.0.2.1 --source-mac 02:00:00:00:00:01 -j ACCEPT",
                "arptables -A FORWARD --opcode Reply --in-interface vif1.0 --source-ip 192.0.2.7 --source-mac 02:00:00:00:00:01 -j ACCEPT",
                "iptables  -A FORWARD -m physdev --physdev-out vif1.0 --destination 192.0.2.7 -j ACCEPT",
                "iptables  -A FORWARD -m physdev --physdev-in vif1.0 --physdev-out peth0 --source 192.0.2.7 -j ACCEPT",
            ])
        let removed = ClassicPlan(Self.policy(Self.binding(1)), on: Self.host(), state)
        #expect(Set(removed.commands) == Set(Rule.all(of: "vif2.0", Self.binding(2), uplinks: ["peth0"]).map { .delete($0) }))
    }

    @Test func `what else is in a shut chain is removed by its number, from the end, and told of`() {
        var state = Self.after(ClassicPlan(Self.policy(Self.binding(1)), on: Self.host(), Self.open), Self.open)
        state.chains[.arptables]!.entries.insert(.foreign("-j ACCEPT"), at: 0)
        state.chains[.arptables]!.entries.append(.foreign("-j ACCEPT -i x"))
        state.chains[.iptables]!.entries.append(state.chains[.iptables]!.entries[0])
        let plan = ClassicPlan(Self.policy(Self.binding(1)), on: Self.host(), state)
        #expect(
            plan.commands.map(\.line) == [
                "iptables  -D FORWARD -m physdev --physdev-out vif1.0 --destination 192.0.2.1 -j ACCEPT", "arptables -D FORWARD 6",
                "arptables -D FORWARD 1",
            ])
        #expect(plan.warnings.count == 2 && plan.warnings.allSatisfy { $0.contains("arptables") })
        #expect(ClassicPlan(Self.policy(Self.binding(1)), on: Self.host(), Self.after(plan, state)).isEmpty)
    }

    @Test func `what was in a chain before it is guarded is told of`() {
        var state = Self.open
        state.chains[.ip6tables]!.entries = [.foreign("-j DOCKER-USER")]
        let warnings = ClassicPlan(Self.policy(), on: Self.host(), state).warnings
        #expect(warnings.count == 1 && warnings[0].contains("ip6tables") && warnings[0].contains("1 rule"))
    }

    @Test func `attached ports keep their rules as long as they are there`() {
        var state = Self.after(ClassicPlan(Self.policy(), on: Self.host(), Self.open), Self.open)
        for rule in Rule.all(of: "vif2.0", Self.binding(9), uplinks: ["peth0"]) { state.chains[rule.filter]!.entries.append(.known(rule)) }
        state.attached = ["vif2.0"]
        let again = ClassicPlan(Self.policy(), on: Self.host(), state)
        #expect(again.isEmpty && again.warnings.isEmpty)
        // Nor does the policy's word change them.
        #expect(
            ClassicPlan(Self.policy(Self.binding(1), Self.binding(2)), on: Self.host(), state).commands.allSatisfy { !$0.line.contains("vif2.0") })
        let gone = ClassicPlan(Self.policy(), on: Self.host(["vif1.0"]), state)
        #expect(gone.commands.count == 7 && gone.commands.contains(.unmark("vif2.0")))
        #expect(Self.after(gone, state).rules.isEmpty)
    }

    /// A guarded host where guest 9 is attached to vif2.0.
    private static func attached() -> FilterState {
        var state = after(ClassicPlan(policy(binding(1)), on: host(), open), open)
        for rule in Rule.all(of: "vif2.0", binding(9), uplinks: ["peth0"]) { state.chains[rule.filter]!.entries.append(.known(rule)) }
        state.attached = ["vif2.0"]
        return state
    }

    @Test(arguments: [Filter.iptables, .arptables])
    func `what is emptied of attached ports comes back`(_ filter: Filter) {
        let before = Self.attached()
        var state = before
        state.chains[filter]!.policy = "ACCEPT"
        // A second one of a rule's kind doesn't.
        if let entry = state.chains[filter]!.entries.last { state.chains[filter]!.entries.append(entry) }
        let after = Self.after(ClassicPlan(Self.policy(Self.binding(1)), on: Self.host(), state), state)
        #expect(Set(after.rules) == Set(before.rules) && after.rules.count == before.rules.count && after.isGuarding)
        #expect(ClassicPlan(Self.policy(Self.binding(1)), on: Self.host(), after).isEmpty)
    }

    @Test(arguments: [Filter.iptables, .arptables])
    func `an attached port that has lost rules is told of`(_ filter: Filter) {
        var state = Self.attached()
        state.chains[filter]!.entries = []
        let plan = ClassicPlan(Self.policy(), on: Self.host(), state)
        #expect(plan.warnings.count == 1 && plan.warnings[0].contains("'vifguard detach vif2.0'"))
    }

    @Test func `an attached port's address is nobody else's on its bridge`() {
        var thief = Self.policy(Self.binding(1, 9), Self.binding(2), Self.binding(3))
        let plan = ClassicPlan(thief, on: Self.host(), Self.attached())
        #expect(plan.faults.map(\.scope) == [.guest("guest-1")] && plan.faults[0].message.contains("'vifguard detach vif2.0' first"))
        let state = Self.after(plan, Self.attached())
        // Others go on.
        #expect(Set(state.rules.map(\.port)) == ["vif2.0", "vif3.0"])
        thief.interfaces[0].binding.addresses4 = [IPv4Prefix("192.0.2.8/29")!]
        #expect(ClassicPlan(thief, on: Self.host(), Self.attached()).faults.map(\.scope) == [.guest("guest-1")])
        // Nor when it hasn't joined its bridge yet.
        var host = Self.host()
        host.interfaces[12]!.bridge = nil
        #expect(ClassicPlan(thief, on: host, Self.attached()).faults.map(\.scope) == [.guest("guest-1")])
        // Another bridge is another network.
        host.interfaces[12]!.bridge = 4
        host.bridges[4] = HostState.BridgeDevice(index: 4, name: "br1")
        #expect(ClassicPlan(thief, on: host, Self.attached()).faults.isEmpty)
        // Its own guest's it may be.
        #expect(ClassicPlan(Self.policy(Self.binding(1), Self.binding(9)), on: Self.host(), Self.attached()).faults.isEmpty)
    }

    @Test func `an interface without a port is found by its tap, and what can't be done is its guest's fault alone`() {
        var policy = Self.policy(Self.binding(1))
        // A tap as libvirt makes it: fe: and the guest's tail.
        policy.interfaces[0].port = nil
        policy.interfaces[0].binding.macs = [MACAddress(2, 0, 0, 0, 0, 2)]
        var dhcp = Self.binding(3)
        dhcp.usesDHCP = true
        policy.interfaces.append(GuestInterface(port: "vif9.0", bridge: "br0", binding: dhcp))
        let plan = ClassicPlan(policy, on: Self.host(), Self.open)
        #expect(plan.commands.contains { $0.line.contains("--in-interface vif2.0 --source-ip 192.0.2.1") })
        #expect(plan.commands.allSatisfy { !$0.line.contains("vif9.0") })
        #expect(plan.faults.map(\.scope) == [.guest("guest-3")])
    }

    @Test func `a port has its rules before it is there, and its bridge too`() {
        let policy = Self.policy(Self.binding(1))
        let plan = ClassicPlan(policy, on: HostState(), Self.open)
        #expect(plan.commands.count == 6 + 6 && plan.faults.isEmpty && plan.warnings.count == 1)
    }
}

extension Article {
    /// The rule that a command of a plan adds or deletes.
    static func rule(_ command: FilterCommand) -> Rule {
        let words = command.arguments.dropFirst(2).joined(separator: " ")
        let known = known.first { $0.filter == command.filter && $0.words.joined(separator: " ") == words }
        return known!
    }

    /// All that these tests use.
    private static let known: [Rule] = (1...3).flatMap { port in
        [1, 2, 3, 7, 9].flatMap { address in
            [1, 2, 3, 9].flatMap { mac in
                Rule.all(
                    of: "vif\(port).0",
                    Binding(
                        guest: "", macs: [MACAddress(2, 0, 0, 0, 0, UInt8(mac))], addresses4: [IPv4Prefix(IPv4Address(192, 0, 2, UInt8(address)))]),
                    uplinks: ["peth0"])
            }
        }
    }
}
