import Datapath

/// What came of carrying out a plan.
public struct Report: Sendable, Encodable {
    /// A step that failed; the others went on.
    public struct Failure: Sendable, Hashable, Encodable, CustomStringConvertible {
        public var step: Step
        public var message: String

        public init(step: Step, message: String) {
            self.step = step
            self.message = message
        }

        public var description: String { "\(step.port.name): \(message)" }
    }

    /// What was to be done, with what couldn't even be tried.
    public var plan: Plan
    /// How many of the plan's steps were carried out.
    public internal(set) var stepsDone = 0
    public internal(set) var failures: [Failure] = []
    /// What came to nothing because its interface has gone meanwhile: no failure.
    public internal(set) var departed: [Failure] = []

    public init(plan: Plan) { self.plan = plan }

    public var succeeded: Bool { failures.isEmpty && plan.faults.isEmpty }
}
