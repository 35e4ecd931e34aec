import Datapath
import Netlink
import Policy

/// Gives a host back as if nothing had ever been guarded.
public enum Uninstall {
    /// Takes programs, pins and maps away; puts the flags of guest ports back to what a port is born with (learning and
    /// flood on, BPDU guard and isolation off, multicast routers found by their queries), lets the bridges learn as before,
    /// removes the static forwarding entries, and gives the ports the namespace's usual IPv6 setting.
    ///
    /// What a port's flags were before it was guarded isn't kept anywhere: who had changed them by hand does so again.
    /// Maps of another version's layout can't be read, so flags stay then; programs and pins go all the same.
    public static func perform(pins: PinFolder = PinFolder()) throws(EnforcementError) -> Report {
        let datapath: Datapath
        do throws(DatapathError) {
            datapath = try Datapath.open(pins: pins)
        } catch {
            try EnforcementError.wrap { () throws(DatapathError) in try Datapath.uninstall(pins: pins) }
            guard case .notLoaded = error else { return Report(plan: Plan(warnings: ["bridge ports keep their flags: \(error)"])) }
            return Report(plan: Plan())
        }
        return try HostLock.run(pins) { () throws(EnforcementError) in
            let state = try HostState.observe(datapath: datapath)
            let report = try Apply.carryOut(plan(state), on: state, datapath: datapath)
            try EnforcementError.wrap { () throws(DatapathError) in try Datapath.uninstall(pins: pins) }
            return report
        }
    }

    static func plan(_ state: HostState) -> Plan {
        let guarded = state.guarded.values.sorted { $0.port.index < $1.port.index }
        var restorations: [Step] = []
        for one in guarded {
            guard let interface = state.interfaces[one.port.index],
                let device = state.bridges[one.kind == .bridge ? interface.index : interface.bridge ?? 0]
            else { continue }
            restorations += Step.restoring(interface, one, device, isBornWithoutIPv6: state.isBornWithoutIPv6)
        }
        let releases = guarded.map { one in
            Step.release(one.port, kind: one.kind, state.interfaces[one.port.index] == nil ? .gone : .unguarded)
        }
        return Plan(steps: releases + restorations)
    }
}
