import Policy
import PolicyText

/// What a policy comes to: the facts that `check` prints.
package struct PolicySummary: Encodable {
    package struct Bridge: Encodable {
        package var name: String
        package var uplinks: [String]
        package var guests: Int
        package var interfaces: Int
    }

    package var valid: Bool
    package var bridges: [Bridge] = []
    package var guests = 0
    package var interfaces = 0
    /// Single addresses and prefixes, each counted once.
    package var addresses = 0
    /// Interfaces whose mode is audit.
    package var audited = 0
    package var engine: Engine?
    package var stampBit: Int?
    /// How many ports and bridges the kernel's maps are made for.
    package var maximumPorts: Int?
    package var problems: [ConfigurationError]

    package init(problems: [ConfigurationError]) {
        valid = false
        self.problems = problems
    }

    package init(_ configuration: HostConfiguration) {
        let policy = configuration.policy
        valid = true
        bridges = policy.bridges.map { bridge in
            let interfaces = policy.interfaces.filter { $0.bridge == bridge.name }
            return Bridge(
                name: bridge.name, uplinks: bridge.uplinks, guests: Set(interfaces.map(\.binding.guest)).count, interfaces: interfaces.count
            )
        }
        guests = Set(policy.interfaces.map(\.binding.guest)).count
        interfaces = policy.interfaces.count
        addresses = policy.interfaces.reduce(0) {
            $0 + $1.binding.addresses4.count + $1.binding.addresses6.count + $1.binding.linkLocals.count
        }
        audited = policy.interfaces.count { $0.binding.mode == .audit }
        engine = configuration.engine
        stampBit = configuration.stampBit
        maximumPorts = configuration.maximumPorts
        problems = configuration.warnings
    }
}
