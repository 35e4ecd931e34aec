import Classic
import Enforcement
import Policy

/// The engine `classic` as hypervisors' scripts use it: what failed in part has failed.
enum ClassicGuard {
    /// Puts a guest's rules in for its port.
    static func hold(_ port: String, of bridge: BridgePolicy, _ binding: Binding) throws(EnforcementError) {
        try demandSuccess { () throws(ClassicError) in try Classic.attach(port, to: bridge, binding) }
    }

    /// Takes a port's rules away.
    static func release(_ port: String) throws(EnforcementError) {
        try demandSuccess { () throws(ClassicError) in try Classic.detach(port) }
    }

    /// Takes away the rules of ports that are gone.
    static func releaseDeparted() throws(EnforcementError) {
        try demandSuccess { () throws(ClassicError) in try Classic.detachDeparted() }
    }

    private static func demandSuccess(of body: () throws(ClassicError) -> ClassicReport) throws(EnforcementError) {
        let reasons: [String]
        do throws(ClassicError) {
            let report = try body()
            reasons = report.failures.map(\.description) + report.plan.faults.map { "\($0)" }
        } catch {
            throw .refused("\(error)")
        }
        if let reason = reasons.first { throw .refused(reason) }
    }
}
