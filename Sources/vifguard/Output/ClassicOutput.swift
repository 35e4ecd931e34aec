import ArgumentParser
import Classic
import Netlink
import Reporting

/// What the classic engine did and has, in words.
extension Output {
    /// As `finish` does for the other engine: what was done, what couldn't be, and status 1 if anything failed.
    static func finish(_ report: ClassicReport, _ json: JSONOption, nothing: String) throws {
        if json.isOn {
            try printJSON(report)
        } else {
            print(report.plan.lines)
            tell(report.plan)
            for failure in report.failures { warn(wrapped("vifguard: \(failure)".visible, indent: 4)) }
            let failed = report.failures.count + report.plan.faults.count
            let done = "\(counted(report.stepsDone, "step")) done"
            let style = Style.output
            print(report.plan.isEmpty && report.succeeded ? nothing : failed == 0 ? style.green("\(done).") : style.red("\(done), \(failed) failed."))
        }
        if !report.succeeded { throw ExitCode.failure }
    }

    static func tell(_ plan: ClassicPlan) {
        for warning in plan.warnings { warn(wrapped("vifguard: warning: \(warning)".visible, indent: 4)) }
        for fault in plan.faults { warn(wrapped("vifguard: \(fault)".visible, indent: 4)) }
    }
}

extension ClassicPlan {
    /// The very commands, never broken: they are there to be copied.
    var lines: [String] { commands.map(\.line) + settings.map { "sysctl    -w \($0.name)=1" } }
}

extension ClassicStatus {
    func lines(_ style: Style) -> [String] {
        var lines = [isGuarding ? style.green("The classic engine is in force.") : style.red("The classic engine isn't in force: 'vifguard apply'.")]
        lines += gaps.map { wrapped("  \($0)".visible, indent: 4) }
        guard !ports.isEmpty else { return lines + ["No port has rules."] }
        var table = Table([
            .init(title: "PORT", limit: 15), .init(title: "RULES", isNumber: true), .init(title: "STATED BY"), .init(title: "MAC"),
            .init(title: "UPLINK", limit: 15),
        ])
        for port in ports {
            table.add(
                [
                    port.port.visible, "\(port.rules)", port.isAttached ? "attach" : "policy", port.macs.joined(separator: " "),
                    port.uplinks.joined(separator: " ").visible,
                ], notes: port.addresses)
        }
        return lines + [""] + table.lines(style)
    }
}
