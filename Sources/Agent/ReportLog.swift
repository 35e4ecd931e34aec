import Datapath
import Enforcement
import Logging
import Reporting

/// Tells of what was done to the host and why, and of what is wrong with it: once when it begins, and once when it is over.
struct ReportLog {
    private let log: Logger
    /// Faults, failures and warnings that were told of and still stand.
    private var standing: Set<String> = []

    /// Steps told of singly; more are summed up.
    private static let limit = 100

    init(_ log: Logger) { self.log = log }

    /// - Parameter isWhole: whether it is of the whole host, so that what it doesn't speak of is over.
    mutating func tell(_ report: Report, because triggers: [Trigger], isWhole: Bool) {
        let why = triggers.map(\.description).joined(separator: "; ")
        let isDrift = triggers.allSatisfy(\.meansDrift)
        let undone = Set((report.failures + report.departed).map(\.step))
        let done = report.plan.steps.filter { !undone.contains($0) }
        for step in done.prefix(Self.limit) {
            log.log(
                level: isDrift ? .notice : .info, "\(isDrift ? "drift put right: " : "")\(step.description.visible)",
                metadata: ["step": "\(step.name)", "port": "\(step.port.name.visible)", "bridge": "\(step.port.bridgeName.visible)", "why": "\(why)"])
        }
        if done.count > Self.limit {
            log.info("\(done.count - Self.limit) more steps done", metadata: ["steps": "\(done.count)", "why": "\(why)"])
        }
        tell(
            problems: report.failures.map(\.description) + report.plan.faults.map(\.description), warnings: report.plan.warnings,
            isWhole: isWhole)
    }

    /// That the host couldn't be looked at, or not be changed at all.
    mutating func tell(_ error: String) { tell(problems: [error], warnings: [], isWhole: false) }

    private mutating func tell(problems: [String], warnings: [String], isWhole: Bool) {
        for problem in problems where !standing.contains(problem) { log.error("\(problem.visible)") }
        for warning in warnings where !standing.contains(warning) { log.warning("\(warning.visible)") }
        let present = Set(problems + warnings)
        guard isWhole else {
            standing.formUnion(present)
            return
        }
        for former in standing.subtracting(present).sorted() { log.notice("no longer: \(former.visible)") }
        standing = present
    }
}
