import ArgumentParser
import Configuration
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
        let report = try Apply.perform(configuration.policy, datapath: try load(configuration))
        try Output.finish(report, json, nothing: "Nothing to do: the host matches the policy.")
    }

    /// Loads the programs of this version, in place where others run.
    private func load(_ configuration: HostConfiguration) throws -> Datapath {
        do throws(DatapathError) {
            return try Datapath.load(pins: pins.folder, stampBit: configuration.stampBit)
        } catch .layout {
            return try move(configuration)
        }
    }

    /// Moves every port from maps that this version can't read to its own, which hold the policy by then.
    private func move(_ configuration: HostConfiguration) throws -> Datapath {
        let plan = Plan(configuration.policy, on: try HostState.observe(datapath: nil))
        if let fault = plan.faults.first { throw Failure("\(fault); the maps of the version before stay in force") }
        return try Datapath.replace(pins: pins.folder, stampBit: configuration.stampBit) { datapath throws(DatapathError) in
            if let failure = try datapath.write(plan.steps.compactMap(\.record)).compactMap(\.self).first { throw failure }
            for case .enterOwners(let bridge, let table, _) in plan.steps { _ = try datapath.write(table, bridge: bridge.index) }
        }
    }
}

extension Step {
    fileprivate var record: PortRecord? {
        switch self {
        case .close(let port, _): .closed(port)
        case .bind(let port, let binding, let subnets, _): .guest(binding, port, subnets: subnets)
        case .trustUplink(let port, let mode): .uplink(port, mode)
        case .trustBridge(let port): .bridge(port)
        default: nil
        }
    }
}
