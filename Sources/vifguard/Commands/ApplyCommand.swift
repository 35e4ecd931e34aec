import Reporting
import ArgumentParser
import Classic
import Policy
import PolicyText
import Datapath
import Enforcement

/// `vifguard apply`
struct ApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Make the kernel match the policy.",
        discussion: """
            Guards the bridges that the policy names, and lets go of those it doesn't name any more. Where all matches, nothing \
            is done; a policy with an error changes nothing. Bindings made by 'attach' stay.
            """)

    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption
    @OptionGroup var json: JSONOption

    func run() throws {
        let configuration = try policy.load()
        for warning in configuration.warnings { Output.warn(warning.description) }
        if configuration.engine == .classic {
            try pins.refuseLoaded()
            return try Output.finish(Classic.apply(configuration.policy), json, nothing: "Nothing to do: the host matches the policy.")
        }
        let loaded = try Loading.load(configuration.policy, pins: pins.folder, stampBit: configuration.stampBit, ports: configuration.maximumPorts)
        if let move = loaded.move { Output.warn(wrapped("vifguard: warning: \(move)", indent: 4)) }
        if Classic.isInUse {
            Output.warn(
                wrapped(
                    "vifguard: warning: rules of the engine classic are in force, too: 'vifguard uninstall --engine classic' takes them off",
                    indent: 4))
        }
        let report = try Apply.perform(configuration.policy, datapath: loaded.datapath)
        try Output.finish(report, json, nothing: "Nothing to do: the host matches the policy.")
    }
}
