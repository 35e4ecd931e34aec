import Datapath
import Policy

/// Programs and maps of this version, with room for as many ports as the policy asks for, whatever was in force before.
public enum Loading {
    /// What was loaded.
    public struct Outcome: Sendable {
        public let datapath: Datapath
        /// Why every port was moved to new maps; nil if those in force stay.
        public let move: Move?
    }

    /// What was wrong with the maps that were in force.
    public enum Move: Sendable, Hashable, CustomStringConvertible {
        /// They were another version's. Counters start anew, and ports that `attach` or a hook had bound are closed until it binds
        /// them again; what DHCP has given to the policy's guests is still theirs.
        case layout
        /// They had room for fewer ports than were asked for. Counters start anew; all else is as it was.
        case room

        /// Why, and what it comes to, for whoever runs the host.
        public var description: String {
            switch self {
            case .layout:
                "the maps were another version's: counters start anew, and ports that 'attach' had bound are closed until it binds them again"
            case .room: "the maps had room for fewer ports than max-ports: counters start anew"
            }
        }
    }

    /// Opens what is loaded, and loads it where nothing is; programs of another version are exchanged in place. From maps of
    /// another layout every port is moved to new ones, which hold the policy by then, and from those with less room to larger
    /// ones, which hold the same. Maps with more room stay as they are until the host starts anew.
    ///
    /// - Parameters:
    ///   - stampBit: 16...31.
    ///   - ports: how many ports and bridges there is to be room for: `Datapath.portBounds`.
    /// - Throws: `EnforcementError`; what was in force stays then.
    public static func load(_ policy: HostPolicy, pins: PinFolder, stampBit: Int, ports: Int) throws(EnforcementError) -> Outcome {
        let wanted = Wanted(pins: pins, stampBit: stampBit, ports: ports)
        if case .fit(let datapath) = try wanted.find() { return Outcome(datapath: datapath, move: nil) }
        return try HostLock.run(pins) { () throws(EnforcementError) in try wanted.moved(policy) }
    }

    private enum Found {
        case fit(Datapath)
        case small
        case otherLayout
    }

    private struct Wanted {
        let pins: PinFolder
        let stampBit: Int
        let ports: Int

        func find() throws(EnforcementError) -> Found {
            do throws(DatapathError) {
                let datapath = try Datapath.load(pins: pins, stampBit: stampBit, ports: ports)
                return datapath.maximumPorts < ports ? .small : .fit(datapath)
            } catch {
                guard case .layout = error else { throw .datapath(error) }
                return .otherLayout
            }
        }

        /// Under the host's lock.
        func moved(_ policy: HostPolicy) throws(EnforcementError) -> Outcome {
            switch try find() {
            // Whoever had the lock before has moved it.
            case .fit(let datapath): return Outcome(datapath: datapath, move: nil)
            case .small:
                return try EnforcementError.wrap { () throws(DatapathError) in
                    Outcome(datapath: try Datapath.enlarge(pins: pins, stampBit: stampBit, ports: ports), move: .room)
                }
            case .otherLayout: return Outcome(datapath: try fill(policy), move: .layout)
            }
        }

        private func fill(_ policy: HostPolicy) throws(EnforcementError) -> Datapath {
            var state = try HostState.observe(datapath: nil)
            // What leases do to a plan is no fault.
            if let fault = Plan(policy, on: state).faults.first(where: \.takesMoreThanAGuest) {
                throw .refused("\(fault); the maps of the version before stay in force")
            }
            return try EnforcementError.wrap { () throws(DatapathError) in
                try Datapath.replace(pins: pins, stampBit: stampBit, ports: ports) { datapath, leases throws(DatapathError) in
                    state.formerLeases = Dictionary(grouping: leases, by: \.port)
                    try Loading.fill(datapath, Plan(policy, on: state))
                }
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
