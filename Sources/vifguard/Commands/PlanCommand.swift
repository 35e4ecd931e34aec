import Reporting
import ArgumentParser
import Classic
import Policy
import PolicyText
import Datapath
import Enforcement

/// `vifguard plan`
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what 'apply' would change, and change nothing.")

    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption
    @OptionGroup var json: JSONOption

    func run() throws {
        let configuration = try policy.load()
        if configuration.engine == .classic { return try showClassic(configuration) }
        let datapath = try pins.openIfLoaded()
        let plan = Plan(configuration.policy, on: try HostState.observe(datapath: datapath))
        if json.isOn { return try Output.printJSON(plan) }
        for warning in configuration.warnings { Output.warn(warning.description) }
        let programs = try Self.programs(datapath, pins.folder, ports: configuration.maximumPorts)
        Output.print(programs)
        Output.print(plan.steps.map { wrapped($0.description.visible, indent: 4) })
        Output.tell(plan)
        if plan.isEmpty, programs.isEmpty {
            Output.print(plan.faults.isEmpty ? "Nothing to do: the host matches the policy." : "Nothing can be done.")
        } else {
            Output.print("\(counted(programs.count + plan.steps.count, "step")); 'vifguard apply' carries them out.")
        }
    }

    private func showClassic(_ configuration: HostConfiguration) throws {
        try pins.refuseLoaded()
        let plan = try Classic.plan(configuration.policy)
        if json.isOn { return try Output.printJSON(plan) }
        for warning in configuration.warnings { Output.warn(warning.description) }
        Output.print(plan.lines)
        Output.tell(plan)
        if plan.isEmpty {
            Output.print(plan.faults.isEmpty ? "Nothing to do: the host matches the policy." : "Nothing can be done.")
        } else {
            Output.print("\(counted(plan.lines.count, "step")); 'vifguard apply' carries them out.")
        }
    }

    /// What happens to the programs and their maps before any step.
    private static func programs(_ datapath: Datapath?, _ pins: PinFolder, ports: Int) throws -> [String] {
        guard let datapath else { return ["load the programs into \(pins.path.visible)"] }
        let isCurrent = try datapath.programIdentity == DatapathObject.embedded.identity()
        let isSmall = datapath.maximumPorts < ports
        return (isCurrent ? [] : ["exchange the programs for this version's"])
            + (isSmall ? ["move every port from maps for \(datapath.maximumPorts) ports to maps for \(ports)"] : [])
    }
}
