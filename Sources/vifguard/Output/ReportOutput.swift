import Reporting
import ArgumentParser
import Enforcement

extension Output {
    /// Prints what was done to the host, tells of warnings and failures, and ends with status 1 if anything failed.
    ///
    /// - Parameter nothing: what to say where there was nothing to do.
    static func finish(_ report: Report, _ json: JSONOption, nothing: String) throws {
        if json.isOn {
            try printJSON(report)
        } else {
            let undone = Set((report.failures + report.departed).map(\.step))
            print(report.plan.steps.filter { !undone.contains($0) }.map { wrapped($0.description.visible, indent: 4) })
            tell(report.plan)
            for failure in report.departed { warn(wrapped("vifguard: gone meanwhile: \(failure)".visible, indent: 4)) }
            for failure in report.failures { warn(wrapped("vifguard: \(failure)".visible, indent: 4)) }
            print(report.plan.isEmpty && report.succeeded ? nothing : summary(report))
        }
        if !report.succeeded { throw ExitCode.failure }
    }

    /// Tells what of a plan can't be done, and what may not be meant.
    static func tell(_ plan: Plan) {
        for warning in plan.warnings { warn(wrapped("vifguard: warning: \(warning)".visible, indent: 4)) }
        for fault in plan.faults { warn(wrapped("vifguard: \(fault)".visible, indent: 4)) }
    }

    private static func summary(_ report: Report) -> String {
        let style = Style.output
        let failed = report.failures.count + report.plan.faults.count
        let done = "\(counted(report.stepsDone, "step")) done"
        return failed == 0 ? style.green("\(done).") : style.red("\(done), \(failed) failed.")
    }
}
