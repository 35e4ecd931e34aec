import Datapath
import Glibc
import Netlink
import Policy

/// Ports that join and leave guarded bridges, a few at a time and at once, for whoever watches the host's interfaces: what
/// a whole `Apply` would come to, for these ports alone. All else that follows from a port's coming (warnings, what
/// another program has changed meanwhile) is the next `Apply`'s.
public enum Arrivals {
    /// Shuts ports that have just joined a guarded bridge, so that nothing passes in or out until a binding says what may.
    /// Those that have both programs and a record for that bridge already stay as they are: a hot-plug script was faster,
    /// or it is an uplink that was away for a moment, and no policy that can be read says what else it is.
    ///
    /// - Returns: those that are shut now. One that has gone meanwhile is none.
    /// - Throws: `EnforcementError`; ports may be open then, but no other port takes what they send.
    public static func close(_ newcomers: [Port], datapath: Datapath, way: AttachmentWay? = nil) throws(EnforcementError) -> [Port] {
        guard !newcomers.isEmpty else { return [] }
        return try HostLock.run(datapath.pins) { () throws(EnforcementError) in
            var open: [Port] = []
            for port in newcomers where try !isGuarded(port, datapath) { open.append(port) }
            guard !open.isEmpty else { return [] }
            return try EnforcementError.wrap { () throws(DatapathError) in
                // Records first: a program that finds none drops everything as well, but counts it as nobody's.
                let written = try datapath.write(open.map { .closed($0) })
                let places = Hook.allCases.flatMap { hook in open.map { HookPlace(interface: $0.index, kind: .guest, hook: hook) } }
                let attached = try datapath.attach(places, way: way)
                let failed = Set(zip(places, attached).filter { $0.1 != nil }.map(\.0.interface))
                let gone = try forgetGone(failed, datapath)
                if let error = (written + attached).compactMap(\.self).first, !failed.isSubset(of: gone) { throw error }
                return zip(open, written).filter { $0.1 == nil && !failed.contains($0.0.index) }.map(\.0)
            }
        }
    }

    /// Puts the programs of an uplink on ports that have just joined, where the policy names them so.
    public static func trust(_ uplinks: [(port: Port, mode: Mode)], datapath: Datapath) throws(EnforcementError) {
        guard !uplinks.isEmpty else { return }
        try HostLock.run(datapath.pins) { () throws(EnforcementError) in
            try EnforcementError.wrap { () throws(DatapathError) in
                for uplink in uplinks {
                    // A guest's port that came by the name: the plan says so, and trusts it neither.
                    if let binding = try datapath.guardedPort(uplink.port.index)?.listed, binding.origin != .policy { continue }
                    try datapath.guardUplink(uplink.port, mode: uplink.mode)
                }
            }
        }
    }

    /// Lets go of guests' ports that have left their bridge or are gone: programs, record, claims and pins. What is the
    /// policy's guest's stays so while it is stopped. A port that is back in its bridge already is left alone.
    public static func release(_ departed: [InterfaceIndex], datapath: Datapath) throws(EnforcementError) -> Report {
        try HostLock.run(datapath.pins) { () throws(EnforcementError) in
            var owners: [Step] = []
            var releases: [Step] = []
            for index in departed {
                let record = try EnforcementError.wrap { () throws(DatapathError) in try datapath.port(index, withTraffic: false) }
                guard let record, record.kind == .guest, let departure = try departure(of: record.port) else { continue }
                owners += try Hotplug.disown([record], datapath)
                releases.append(.release(record.port, kind: .guest, departure))
            }
            guard !releases.isEmpty else { return Report(plan: Plan()) }
            return try Apply.carryOut(Plan(steps: owners + releases), on: HostState(), datapath: datapath)
        }
    }

    private static func isGuarded(_ port: Port, _ datapath: Datapath) throws(EnforcementError) -> Bool {
        let record = try EnforcementError.wrap { () throws(DatapathError) in try datapath.guardedPort(port.index) }
        guard let record else { return false }
        return record.kind != .bridge && record.hooks.count == Hook.allCases.count && record.port.bridgeIndex == port.bridgeIndex
    }

    private static func forgetGone(_ candidates: Set<InterfaceIndex>, _ datapath: Datapath) throws(DatapathError) -> Set<InterfaceIndex> {
        let gone = candidates.filter { !isPresent($0) }
        for case let error? in try datapath.detach(gone.sorted()) { throw error }
        return gone
    }

    /// Why a port is let go of; nil if it isn't: it is in the bridge that its record was written for.
    private static func departure(of port: Port) throws(EnforcementError) -> Step.Departure? {
        do throws(NetlinkError) {
            return try Link.numbered(port.index).bridge == port.bridgeIndex ? nil : .left
        } catch {
            guard error.errno == ENODEV else { throw .network(error) }
            return .gone
        }
    }

    static func isPresent(_ index: InterfaceIndex) -> Bool {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { if_indextoname(index, $0.baseAddress) != nil }
    }
}
