import Foundation
import Synchronization

/// What the reconciler has done and found since the agent started, for metrics and health. Any thread may read it.
final class ReconcilerRecord: Sendable {
    struct Facts: Sendable {
        var started = Date()
        /// Whole runs by how they ended: nothing to do, changed, failed.
        var runs: [String: UInt64] = [:]
        /// Steps carried out, by name.
        var steps: [String: UInt64] = [:]
        /// Steps carried out on a host that another program had changed.
        var drift: UInt64 = 0
        var failures: UInt64 = 0
        var seconds = 0.0
        var lastSeconds = 0.0
        var lastRun: Date?
        var lastError: String?
        /// What can't be carried out, as of the last run.
        var faults: [String] = []
        var policyLoaded: Date?
        var policyProblems: [String] = []
        var portsClosed: UInt64 = 0
        var portsBound: UInt64 = 0
        var portsReleased: UInt64 = 0
        var overruns: UInt64 = 0
    }

    private let state = Mutex(Facts())
    let pulse = Pulse()

    var facts: Facts { state.withLock { $0 } }

    func note(_ change: (inout sending Facts) -> Void) { state.withLock { change(&$0) } }
}
