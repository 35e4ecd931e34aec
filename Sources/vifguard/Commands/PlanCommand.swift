import ArgumentParser
import Configuration
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
        let plan = Plan(configuration.policy, on: try HostState.observe(datapath: try pins.openIfLoaded()))
        if json.isOn { return try Output.printJSON(plan) }
        for warning in configuration.warnings { Output.warn(warning.description) }
        Output.print(plan.steps.map { wrapped($0.description.visible, indent: 4) })
        Output.tell(plan)
        if plan.isEmpty {
            Output.print(plan.faults.isEmpty ? "Nothing to do: the host matches the policy." : "Nothing can be done.")
        } else {
            Output.print("\(counted(plan.steps.count, "step")); 'vifguard apply' carries them out.")
        }
    }
}
