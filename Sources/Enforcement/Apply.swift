import Addresses
import Datapath
import Glibc
import Netlink
import Policy

/// Makes a host match a policy.
public enum Apply {
    /// Looks at the host, plans, and carries the plan out, while no other `apply`, `attach` or `detach` on the same pins does
    /// anything. Where all matches nothing is done.
    ///
    /// A step that fails takes only its own port with it: that port keeps the binding it had, or is closed.
    ///
    /// - Parameters:
    ///   - reportedMACs: `HostState.reportedMACs`.
    ///   - way: nil: tcx where the kernel has it.
    /// - Throws: `EnforcementError` where the host can't even be looked at, or the kernel's side can't be opened.
    public static func perform(
        _ policy: HostPolicy, datapath: Datapath, reportedMACs: [InterfaceIndex: MACAddress] = [:], way: AttachmentWay? = nil
    ) throws(EnforcementError) -> Report {
        try HostLock.run(datapath.pins) { () throws(EnforcementError) in
            var state = try HostState.observe(datapath: datapath)
            state.reportedMACs = reportedMACs
            return try carryOut(Plan(policy, on: state), on: state, datapath: datapath, way: way)
        }
    }

    /// Under the lock.
    static func carryOut(_ plan: Plan, on state: HostState, datapath: Datapath, way: AttachmentWay? = nil) throws(EnforcementError) -> Report {
        var work = Work(plan, state, datapath, way)
        var rest = plan.steps[...]
        while let kind = rest.first?.batch {
            let batch = Array(rest.prefix { $0.batch == kind })
            rest = rest.dropFirst(batch.count)
            try work.perform(batch, kind)
        }
        return work.report
    }
}

extension Step {
    /// What can be asked of the kernel in one go.
    fileprivate enum Batch { case releases, records, programs, owners, leases, bridge, forwarding, removals, flags, ipv6 }

    fileprivate var batch: Batch {
        switch self {
        case .release: .releases
        case .close, .bind, .trustUplink, .trustBridge: .records
        case .attach: .programs
        case .enterOwners, .moveOwners: .owners
        case .forgetLeases: .leases
        case .setLinkLocalLearning: .bridge
        case .addForwarding: .forwarding
        case .removeForwarding: .removals
        case .setPort: .flags
        case .setIPv6: .ipv6
        }
    }

    /// The record that it writes.
    var record: PortRecord? {
        switch self {
        case .close(let port, _): .closed(port)
        case .bind(let port, let binding, let subnets, _): .guest(binding, port, subnets: subnets)
        case .trustUplink(let port, let mode): .uplink(port, mode)
        case .trustBridge(let port): .bridge(port)
        default: nil
        }
    }

    fileprivate var place: HookPlace? {
        guard case .attach(let port, let kind, let hook) = self else { return nil }
        return HookPlace(interface: port.index, kind: kind, hook: hook)
    }
}

/// A plan being carried out.
private struct Work {
    let state: HostState
    let datapath: Datapath
    let way: AttachmentWay?
    var report: Report
    /// Ports that couldn't be given their binding, and those whose forwarding entries couldn't be written.
    private var unbound: Set<InterfaceIndex> = []
    private var unreachable: Set<InterfaceIndex> = []

    init(_ plan: Plan, _ state: HostState, _ datapath: Datapath, _ way: AttachmentWay?) {
        self.state = state
        self.datapath = datapath
        self.way = way
        report = Report(plan: plan)
    }

    mutating func perform(_ steps: [Step], _ batch: Step.Batch) throws(EnforcementError) {
        switch batch {
        case .releases:
            note(steps, try EnforcementError.wrap { () throws(DatapathError) in try datapath.detach(steps.map(\.port.index)) })
        case .records: try write(steps)
        case .programs:
            note(steps, try EnforcementError.wrap { () throws(DatapathError) in try datapath.attach(steps.compactMap(\.place), way: way) })
        case .owners: each(steps, Self.enterOwners)
        case .leases: each(steps.filter { !unbound.contains($0.port.index) }, Self.forgetLeases)
        case .bridge: each(steps, Self.setBridge)
        case .forwarding: try addForwarding(steps)
        case .removals: each(steps.filter { !unbound.contains($0.port.index) }, Self.removeForwarding)
        case .flags: try setPorts(steps)
        case .ipv6: each(steps, Self.setIPv6)
        }
    }

    // MARK: Records

    /// A port whose record can't be written must not be left without one, nor with that of an interface which had its
    /// number before it.
    private mutating func write(_ steps: [Step]) throws(EnforcementError) {
        let results = try EnforcementError.wrap { () throws(DatapathError) in try datapath.write(steps.compactMap(\.record)) }
        note(steps, results)
        let failed = zip(steps, results).filter { $0.1 != nil }.map(\.0)
        unbound.formUnion(failed.map(\.port.index))
        let bare = failed.map(\.port).filter { port in
            guard let guarded = state.guarded[port.index] else { return true }
            return guarded.hooks.isEmpty || guarded.port.bridgeIndex != port.bridgeIndex || guarded.kind != .guest
        }
        guard !bare.isEmpty else { return }
        _ = try EnforcementError.wrap { () throws(DatapathError) in try datapath.write(bare.map { .closed($0) }) }
    }

    private static func enterOwners(_ step: Step, _ datapath: Datapath) throws(EnforcementError) {
        _ = try EnforcementError.wrap { () throws(DatapathError) in
            switch step {
            case .enterOwners(let bridge, let table, _): try datapath.write(table, bridge: bridge.index)
            case .moveOwners(let bridge, let table, let present, _): try datapath.write(table, over: present, bridge: bridge.index)
            default: OwnerChanges()
            }
        }
    }

    /// A port that couldn't be given its new binding still has what was leased.
    private static func forgetLeases(_ step: Step, _ datapath: Datapath) throws(EnforcementError) {
        guard case .forgetLeases(_, let leases) = step else { return }
        try EnforcementError.wrap { () throws(DatapathError) in try datapath.forget(leases) }
    }

    // MARK: The bridge and its ports

    private static func setBridge(_ step: Step, _ datapath: Datapath) throws(EnforcementError) {
        guard case .setLinkLocalLearning(let bridge, let isOff) = step else { return }
        var settings = Bridge.Settings()
        settings.noLinkLocalLearning = isOff
        _ = try EnforcementError.wrap { () throws(NetlinkError) in try Bridge.named(bridge.name).write(settings) }
    }

    private mutating func addForwarding(_ steps: [Step]) throws(EnforcementError) {
        let steps = steps.filter { !unbound.contains($0.port.index) }
        let requests = steps.compactMap { step in
            if case .addForwarding(let port, let mac) = step { ForwardingDatabase.request(replacing: mac, on: port.index) } else { nil }
        }
        let results = try EnforcementError.wrap { () throws(NetlinkError) in try NetlinkSocket().performAll(requests) }
        note(steps, results)
        unreachable.formUnion(zip(steps, results).filter { $0.1 != nil }.map(\.0.port.index))
    }

    private static func removeForwarding(_ step: Step, _ datapath: Datapath) throws(EnforcementError) {
        guard case .removeForwarding(let port, let mac) = step else { return }
        try EnforcementError.wrap { () throws(NetlinkError) in try ForwardingDatabase.remove(mac, from: port.index) }
    }

    /// Flood stays on where a forwarding entry is missing.
    private mutating func setPorts(_ steps: [Step]) throws(EnforcementError) {
        let steps = steps.filter { !unreachable.contains($0.port.index) }
        let requests = steps.compactMap { step in
            if case .setPort(let port, let settings) = step {
                BridgePort.request(writing: settings, to: port.index, named: port.name)
            } else {
                nil
            }
        }
        note(steps, try EnforcementError.wrap { () throws(NetlinkError) in try NetlinkSocket().performAll(requests) })
    }

    private static func setIPv6(_ step: Step, _ datapath: Datapath) throws(EnforcementError) {
        guard case .setIPv6(let port, let isOff) = step else { return }
        try EnforcementError.wrap { () throws(NetlinkError) in try InterfaceSetting.disableIPv6.set(isOff ? 1 : 0, for: port.name) }
    }

    // MARK: The report

    private mutating func each(_ steps: [Step], _ body: (Step, Datapath) throws(EnforcementError) -> Void) {
        for step in steps {
            do throws(EnforcementError) {
                try body(step, datapath)
                report.stepsDone += 1
            } catch {
                fail(step, error)
            }
        }
    }

    private mutating func note(_ steps: [Step], _ results: [DatapathError?]) {
        for (step, error) in zip(steps, results) {
            if let error { fail(step, .datapath(error)) } else { report.stepsDone += 1 }
        }
    }

    private mutating func note(_ steps: [Step], _ results: [NetlinkError?]) {
        for (step, error) in zip(steps, results) {
            if let error { fail(step, .network(error)) } else { report.stepsDone += 1 }
        }
    }

    private mutating func fail(_ step: Step, _ error: EnforcementError) {
        let failure = Report.Failure(step: step, message: error.description)
        if error.meansGone { report.departed.append(failure) } else { report.failures.append(failure) }
    }
}

extension EnforcementError {
    /// The interface isn't there any more, or no port of its bridge.
    fileprivate var meansGone: Bool {
        switch self {
        case .network(let error): error.errno == ENODEV || error.errno == ENOENT
        case .datapath(.system(_, let errno)): errno.number == ENODEV
        default: false
        }
    }
}
