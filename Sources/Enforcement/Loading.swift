import Datapath
import Policy

/// Programs and maps of this version, whatever was in force before.
public enum Loading {
    /// What was loaded.
    public struct Outcome: Sendable {
        public let datapath: Datapath
        /// The maps were another version's. Counters start anew, and ports that `attach` had bound are closed until it
        /// binds them again; what DHCP has given to the policy's guests is still theirs.
        public let hasMoved: Bool
    }

    /// Opens what is loaded, and loads it where nothing is; programs of another version are exchanged in place, and from
    /// maps of another layout every port is moved to new ones, which hold the policy by then.
    ///
    /// - Parameter stampBit: 16...31.
    /// - Throws: `EnforcementError`; what was in force stays then.
    public static func load(_ policy: HostPolicy, pins: PinFolder, stampBit: Int) throws(EnforcementError) -> Outcome {
        do throws(DatapathError) {
            return Outcome(datapath: try Datapath.load(pins: pins, stampBit: stampBit), hasMoved: false)
        } catch {
            guard case .layout = error else { throw .datapath(error) }
            return Outcome(datapath: try move(policy, pins, stampBit), hasMoved: true)
        }
    }

    private static func move(_ policy: HostPolicy, _ pins: PinFolder, _ stampBit: Int) throws(EnforcementError) -> Datapath {
        var state = try HostState.observe(datapath: nil)
        // What leases do to a plan is no fault.
        if let fault = Plan(policy, on: state).faults.first(where: \.takesMoreThanAGuest) {
            throw .refused("\(fault); the maps of the version before stay in force")
        }
        return try EnforcementError.wrap { () throws(DatapathError) in
            try Datapath.replace(pins: pins, stampBit: stampBit) { datapath, leases throws(DatapathError) in
                state.formerLeases = Dictionary(grouping: leases, by: \.port)
                try fill(datapath, Plan(policy, on: state))
            }
        }
    }

    /// Leases before what grants them, owners before the bindings that lean on them. A guest whose binding doesn't fit is
    /// closed, and alone so: applying the plan says why.
    private static func fill(_ datapath: Datapath, _ plan: Plan) throws(DatapathError) {
        try datapath.enter(plan.leases)
        for case .enterOwners(let bridge, let table, _) in plan.steps { _ = try datapath.write(table, bridge: bridge.index) }
        let writing = plan.steps.filter { $0.record != nil }
        let results = try datapath.write(writing.compactMap(\.record))
        let unfit = zip(writing, results).filter { $0.1 != nil }.map(\.0.port)
        for failure in try datapath.write(unfit.map { .closed($0) }).compactMap(\.self) { throw failure }
        let closed = Set(unfit.map(\.index))
        try datapath.forget(plan.leases.filter { closed.contains($0.port) })
    }
}

extension Fault {
    fileprivate var takesMoreThanAGuest: Bool {
        if case .guest = scope { false } else { true }
    }
}
