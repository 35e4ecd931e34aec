import Reporting
import ArgumentParser
import Classic
import PolicyText
import Enforcement
import Policy

/// `vifguard attach`
struct AttachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Bind a port to a guest.",
        discussion: """
            For scripts that plug guests in: call it before the port joins its bridge, and again afterwards. The bridge is \
            one of the policy's. A port that is bound already gets the new binding in one step. 'apply' leaves bindings made so alone.
            """)

    @Argument(help: "The port, such as vif1.0.")
    var port: String

    @Option(help: ArgumentHelp("The bridge it belongs to; guarded already.", valueName: "bridge"))
    var bridge: String

    @OptionGroup(title: "The guest's binding") var binding: BindingOptions
    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption
    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if binding.mac.isEmpty { throw ValidationError("a binding needs the guest's MAC: give --mac, such as --mac 00:16:3e:38:b4:ac") }
        if binding.address.isEmpty, binding.linkLocal.isEmpty {
            throw ValidationError("a binding needs the guest's addresses: give --address, such as --address 192.0.2.43 or --address dhcp")
        }
        _ = try binding.interface(port: port, bridge: bridge, origin: .manual)
    }

    func run() throws {
        let interface = try binding.interface(port: port, bridge: bridge, origin: .manual).interface
        let configuration = try policy.load()
        let bridge = try bridgePolicy(configuration)
        if configuration.engine == .classic {
            let report = try Classic.attach(port, to: bridge, interface.binding)
            return try Output.finish(report, json, nothing: "Nothing to do: \(port.visible) has these rules already.")
        }
        let report = try Hotplug.attach(port, to: bridge, interface.binding, datapath: try pins.open())
        try Output.finish(report, json, nothing: "Nothing to do: \(port.visible) has this binding already.")
    }

    /// The bridge's subnets, and whether it isolates guests. Without knowing, a port of a bridge that does would be opened
    /// to its neighbours.
    private func bridgePolicy(_ configuration: HostConfiguration) throws -> BridgePolicy {
        guard let found = configuration.policy.bridges.first(where: { $0.name == bridge }) else {
            throw Failure(
                "the policy \(policy.path.visible) doesn't name bridge \(bridge.visible): give the one that 'apply' was given, or name the bridge there"
            )
        }
        return found
    }
}
