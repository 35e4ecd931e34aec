import Reporting
import ArgumentParser
import Doctor

/// `vifguard status`
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what is guarded, and what was dropped.",
        discussion: "Bridges, ports, bindings and counters as the kernel has them; with a port, all that is known about it.")

    @Argument(help: "Only this port.")
    var port: String?

    @OptionGroup var pins: PinsOption
    @OptionGroup var state: StateOption
    @OptionGroup var json: JSONOption

    func run() throws {
        var status = try HostStatus.observe(try pins.open())
        if status.hasAudits { status.judgeAudits(by: History.observe(state.folder, ofAuditsAlone: true)) }
        if let port { status = try status.only(port) }
        if json.isOn { return try Output.printJSON(status) }
        Output.print(port == nil ? status.lines(.output) : status.details(.output))
    }
}
