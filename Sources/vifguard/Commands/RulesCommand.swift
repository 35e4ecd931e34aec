import ArgumentParser
import Classic
import Policy
import PolicyText
import Reporting

/// `vifguard rules`
struct RulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "Print the commands of the classic engine.",
        usage: "vifguard rules [<options>]",
        discussion: """
            One command a line, as 'apply' and 'attach' carry them out: what guards the bridge, then each port's rules; with \
            --port that port's alone. The guest is the policy's, or the one that --mac and --address state. Needs no root.
            """)

    @Option(help: ArgumentHelp("The engine whose rules are meant (default: classic, the only one that has any).", valueName: "engine"))
    var engine: Engine = .classic

    @Option(help: ArgumentHelp("Only this port's rules.", valueName: "port"))
    var port: String?

    @Option(help: ArgumentHelp("A port that leads outside, for a guest that options state; as often as there are.", valueName: "port"))
    var uplink: [String] = []

    @Option(help: ArgumentHelp("The policy's bridge whose uplinks are meant, in place of --uplink.", valueName: "bridge"))
    var bridge: String?

    @Flag(help: "What takes the rules away again.")
    var down = false

    @OptionGroup(title: "A guest without a policy") var binding: BindingOptions
    @OptionGroup var policy: PolicyOption
    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if engine == .ebpf { throw ValidationError("the engine ebpf has no rules to print: programs on the ports hold guests to the policy") }
        guard binding.isGiven else {
            if !uplink.isEmpty || bridge != nil { throw ValidationError("--uplink and --bridge are for a guest stated by --mac and --address") }
            return
        }
        guard port != nil else { throw ValidationError("a guest stated by options needs its port: give --port, such as --port vif1.0") }
        guard !binding.mac.isEmpty, !binding.address.isEmpty else {
            throw ValidationError("a guest stated by options needs --mac and --address")
        }
        guard uplink.isEmpty != (bridge == nil) else {
            throw ValidationError("a guest stated by options needs its uplink: give --uplink, such as --uplink eth0, or --bridge")
        }
        _ = try stated()
    }

    func run() throws {
        let listing = try binding.isGiven ? statedRules() : policyRules()
        let commands = listing.filter { !(down && $0.port == nil) }
        if json.isOn { try Output.printJSON(commands) } else { Output.print(commands.map(\.command.line)) }
    }

    /// One line, and whose it is.
    private struct Line: Encodable {
        /// nil: what guards the bridge.
        var port: String?
        var command: FilterCommand
    }

    private func lines(of port: String, _ binding: Binding, uplinks: [String]) -> [Line] {
        Rule.all(of: port, binding, uplinks: uplinks).map { Line(port: port, command: down ? .delete($0) : .append($0)) }
    }

    // MARK: By options

    private func stated() throws -> GuestInterface {
        let port = port ?? ""
        return try binding.interface(port: port, bridge: bridge ?? (port == "br0" ? "br1" : "br0"), origin: .manual).interface
    }

    private func statedRules() throws -> [Line] {
        let interface = try stated()
        var stated = BridgePolicy(name: interface.bridge, uplinks: uplink)
        if let bridge {
            guard let found = try policy.load().policy.bridges.first(where: { $0.name == bridge }) else {
                throw Failure("the policy \(policy.path.visible) doesn't name bridge \(bridge.visible): give --uplink, or name it there")
            }
            stated = found
        }
        if let refusal = refusal(interface, interface.port, stated) { throw Failure(refusal) }
        return lines(of: interface.port ?? "", interface.binding, uplinks: stated.uplinks)
    }

    // MARK: By the policy

    private func policyRules() throws -> [Line] {
        let configuration = try policy.load()
        var lines = port == nil ? FilterCommand.guarding.map { Line(command: $0) } : []
        var refusals: [String] = []
        var isFound = false
        for bridge in configuration.policy.bridges {
            for interface in configuration.policy.interfaces where interface.bridge == bridge.name && (port == nil || interface.port == port) {
                isFound = true
                if let refusal = refusal(interface, interface.port, bridge) {
                    refusals.append(refusal)
                } else if let port = interface.port {
                    lines += self.lines(of: port, interface.binding, uplinks: bridge.uplinks)
                } else {
                    let guest = interface.binding.guest.visible
                    Output.warn(wrapped("vifguard: guest \(guest): the policy names no port: its rules are known once it is plugged in", indent: 4))
                }
            }
        }
        if let port, !isFound { throw Failure("the policy \(policy.path.visible) has no guest at port \(port.visible)") }
        guard refusals.isEmpty else { throw Failure(refusals.joined(separator: "\n")) }
        return lines
    }

    private func refusal(_ interface: GuestInterface, _ port: String?, _ bridge: BridgePolicy) -> String? {
        let guest = interface.binding.guest.visible
        return interface.classicRefusal(on: bridge, port: port).map { "guest \(guest): \($0.message): write \($0.suggestion)" }
    }
}
