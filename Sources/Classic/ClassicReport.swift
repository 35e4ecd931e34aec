import Netlink

/// What came of carrying out a plan.
public struct ClassicReport: Sendable, Encodable {
    /// A command or setting that failed; the others went on.
    public struct Failure: Sendable, Hashable, Encodable, CustomStringConvertible {
        public var message: String

        public var description: String { message }
    }

    public var plan: ClassicPlan
    /// How many of its commands and settings were carried out.
    public private(set) var stepsDone = 0
    public private(set) var failures: [Failure] = []

    public var succeeded: Bool { failures.isEmpty && plan.faults.isEmpty }

    init(plan: ClassicPlan) { self.plan = plan }

    /// Carries the plan out, under the lock.
    init(carryingOut plan: ClassicPlan, with tools: FilterTools) {
        self.plan = plan
        for command in plan.commands { step { () throws(ClassicError) in try tools.perform(command) } }
        for setting in plan.settings {
            step { () throws(ClassicError) in try ClassicError.wrap { () throws(NetlinkError) in try setting.turnOn() } }
        }
    }

    private mutating func step(_ body: () throws(ClassicError) -> Void) {
        do throws(ClassicError) {
            try body()
            stepsDone += 1
        } catch {
            failures.append(Failure(message: error.description))
        }
    }
}
