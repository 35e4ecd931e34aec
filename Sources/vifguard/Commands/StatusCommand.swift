import Reporting
import ArgumentParser
import Classic
import Doctor
import Policy

/// `vifguard status`
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what is guarded, and what was dropped.",
        usage: "vifguard status [<port>] [<options>]",
        discussion: "Bridges, ports, bindings and counters as the kernel has them; with a port, all that is known about it.")

    @Argument(help: "Only this port.")
    var port: String?

    @OptionGroup var policy: PolicyOption
    @OptionGroup var pins: PinsOption
    @OptionGroup var state: StateOption
    @OptionGroup var json: JSONOption

    func run() throws {
        if policy.engine == .classic { return try showClassic() }
        var status = try HostStatus.observe(try pins.open())
        if status.hasAudits { status.judgeAudits(by: History.observe(state.folder, ofAuditsAlone: true)) }
        if let port { status = try status.only(port) }
        if json.isOn { return try Output.printJSON(status) }
        Output.print(port == nil ? status.lines(.output) : status.details(.output))
    }

    private func showClassic() throws {
        var status = ClassicStatus(try Classic.observe())
        if let port {
            status.ports.removeAll { $0.port != port }
            if status.ports.isEmpty { throw Failure("\(port.visible) has no rules: 'vifguard status' lists what does") }
        }
        if json.isOn { return try Output.printJSON(status) }
        Output.print(status.lines(.output))
    }
}
