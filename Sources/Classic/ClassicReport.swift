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

    /// For these a process each is as fast.
    private static let fewRules = 4

    /// Carries the plan out, under the lock: each tool's commands in their order, one tool after the other.
    init(carryingOut plan: ClassicPlan, with tools: FilterTools) {
        self.plan = plan
        for filter in Filter.allCases {
            var rest = plan.commands.filter { $0.filter == filter }[...]
            while let first = rest.first {
                let batch = rest.prefix { $0.isAboutRule == first.isAboutRule }
                rest = rest.dropFirst(batch.count)
                perform(batch, with: tools)
            }
        }
        for setting in plan.settings {
            step { () throws(ClassicError) in try ClassicError.wrap { () throws(NetlinkError) in try setting.turnOn() } }
        }
    }

    /// Many rules at once where the tool can; if one of them can't be done none is, and each is tried alone.
    private mutating func perform(_ batch: ArraySlice<FilterCommand>, with tools: FilterTools) {
        if batch.count > Self.fewRules, batch.allSatisfy({ $0.isAboutRule && $0.filter != .arptables }) {
            do throws(ClassicError) {
                try tools.performAtOnce(batch)
                stepsDone += batch.count
                return
            } catch {}
        }
        for command in batch { step { () throws(ClassicError) in try tools.perform(command) } }
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
