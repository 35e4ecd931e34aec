import Reporting
import ArgumentParser
import Classic
import Enforcement
import Policy

/// `vifguard detach`
struct DetachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach", abstract: "Take a port's binding away.",
        discussion: "A port that is still on its guarded bridge is closed: nothing passes. One that has left it is let go of.")

    @Argument(help: "The port, such as vif1.0.")
    var port: String

    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption
    @OptionGroup var json: JSONOption

    func run() throws {
        if policy.engine == .classic {
            return try Output.finish(Classic.detach(port), json, nothing: "Nothing to do: \(port.visible) has no rules.")
        }
        let report = try Hotplug.detach(port, datapath: try pins.open())
        try Output.finish(report, json, nothing: "Nothing to do: \(port.visible) has no binding.")
    }
}
