import Addresses
import Datapath
import Glibc
import Netlink
import Policy

/// One port at a time, for the scripts that hypervisors and people run. Nothing is looked at but the port, its bridge and
/// whatever shares an identity with its guest, so that it takes as long on a bridge with a thousand ports as with one
/// (prefixes apart, which take a walk through all owners). Of one mind with `apply`: that leaves alone what `attach` bound
/// under another origin than `policy`.
public enum Hotplug {
    /// Binds a port: record, programs, owners and, once it is a port of the bridge, forwarding entries and flags. A port
    /// that is bound already gets the new binding in one step. Call it before the port joins its bridge, so that it never
    /// is in it unguarded, and again afterwards. What DHCP has given to other guests, and this binding lists, is taken from
    /// them first.
    ///
    /// - Parameters:
    ///   - bridge: as the policy has it, for its subnets and whether it isolates guests; its name alone will do. The bridge
    ///     must be guarded already: without the stamp of its other ports nothing would keep them honest.
    ///   - index: the interface's number, where the caller has looked at it: another by the name is refused.
    /// - Throws: `EnforcementError.refused` if an address or MAC is reserved or listed for another guest, and for a port that
    ///   is something else; the port is as it was then.
    public static func attach(
        _ name: String, numbered index: InterfaceIndex? = nil, to bridge: BridgePolicy, _ binding: Binding, datapath: Datapath,
        way: AttachmentWay? = nil
    ) throws(EnforcementError) -> Report {
        try HostLock.run(datapath.pins) { () throws(EnforcementError) in
            let link = try EnforcementError.wrap { () throws(NetlinkError) in try Link.named(name) }
            guard index == nil || index == link.index else { throw .refused("\(name) is another interface by now") }
            return try bind(link, to: bridge, binding, datapath, way)
        }
    }

    /// Under the lock: what `attach` does to an interface.
    static func bind(
        _ link: Link, to bridge: BridgePolicy, _ binding: Binding, _ datapath: Datapath, _ way: AttachmentWay?
    ) throws(EnforcementError) -> Report {
        let name = link.name
        try refuseUplink(name, of: bridge)
        var view = try view(of: link, bridge: bridge.name, binding, datapath)
        if let record = view.state.guarded[link.index], record.kind != .guest {
            throw .refused("\(name) is the \(record.kind.name)'s side of bridge \(record.port.bridgeName): only guests are attached")
        }
        if let other = link.bridge, other != view.device.index {
            throw .refused("\(name) is a port of another bridge than \(bridge.name): 'ip -d link show dev \(name)' names it")
        }
        try refuseConflicts(binding, at: link.index, view.device, datapath)
        let taken = try takeLeases(listedBy: binding, at: link.index, view.device, subnets: bridge.subnets, datapath)
        if !taken.isEmpty { view = try self.view(of: link, bridge: bridge.name, binding, datapath) }
        let port = Port(index: link.index, name: name, bridgeIndex: view.device.index, bridgeName: bridge.name)
        let leases = view.state.guarded[link.index]?.leases ?? []
        let holding = leases.filter { $0.holds(for: binding, on: view.device.index, at: Datapath.bootTime) }
        let wanted = binding.granting(holding).normalized
        var wish = PortWish(
            port: port, use: .guest(wanted, subnets: bridge.subnets), forwarding: binding.pinnedMACs, teaches: Set(binding.allMACs),
            settings: .guarding(binding, isolated: bridge.isolatesGuests))
        let guarded = try companions(of: binding, at: link.index, &view, datapath)
        var companions = guarded.map { PortWish(untouched: $0, of: bridge, forwarding: $0.binding?.pinnedMACs ?? []) }
        for place in companions.indices {
            let shared = Set(binding.macs).intersection(companions[place].teaches)
            wish.share(shared, mode: binding.mode)
            companions[place].share(shared, mode: guarded[place].binding?.mode ?? .enforce)
        }
        var table = OwnerTable(view.device.owners)
        table.remove(port: link.index)
        // Of two ports of one card the newer owns, as `apply` has it, in whatever order they are bound.
        table.move(wanted, port: companions.map(\.port.index).reduce(link.index, max))
        var draft = PlanDraft(view.state)
        draft.move(table, view.device)
        let ended = leases.filter { !holding.contains($0) }
        draft.adopt(ended.filter { binding.holds($0.prefix) }, at: link.index)
        draft.forget(ended.filter { !binding.holds($0.prefix) }, at: link.index)
        for wish in companions + [wish] { draft.add(wish, on: view.device) }
        var report = try Apply.carryOut(draft.plan, on: view.state, datapath: datapath, way: way)
        report.plan.steps = taken + report.plan.steps
        report.stepsDone += taken.count
        return report
    }

    /// The next look at the policy would trust it.
    static func refuseUplink(_ name: String, of bridge: BridgePolicy) throws(EnforcementError) {
        guard bridge.uplinks.contains(name) else { return }
        throw .refused("\(name) is an uplink of bridge \(bridge.name) in the policy, and no guest's port: call the guest's otherwise")
    }

    /// Takes a port's binding away. One that is still on its guarded bridge is closed, not open; one that isn't is let go
    /// of altogether. A port that is gone already is fine.
    ///
    /// - Parameter guest: nil: whoever it is bound to. Otherwise only this guest's: whoever comes late, when another's port has
    ///   the name, does nothing.
    public static func detach(_ name: String, of guest: String? = nil, datapath: Datapath) throws(EnforcementError) -> Report {
        try HostLock.run(datapath.pins) { () throws(EnforcementError) in
            guard let link = try present({ () throws(NetlinkError) in try Link.named(name) }) else { return try forget(name, of: guest, datapath) }
            let record = try EnforcementError.wrap { () throws(DatapathError) in try datapath.port(link.index, withTraffic: false) }
            if let guest, record?.binding?.guest != guest { return try forget(name, of: guest, datapath) }
            if let record, record.kind != .guest {
                throw .refused(
                    "\(name) is the \(record.kind.name)'s side of bridge \(record.port.bridgeName): change the policy and 'vifguard apply'")
            }
            guard let device = try guardedBridge(of: link, datapath) else {
                guard let record else { throw .refused("\(name) isn't guarded: 'vifguard status' lists what is") }
                let owners = try disown([record], datapath)
                return try Apply.carryOut(
                    Plan(steps: owners + [.release(record.port, kind: .guest, .left)]), on: HostState(), datapath: datapath)
            }
            let view = try view(of: link, bridge: device, nil, datapath)
            let port = Port(index: link.index, name: name, bridgeIndex: view.device.index, bridgeName: view.device.name)
            var settings = BridgePort.Settings.guarding(nil, isolated: false)
            settings.isolated = nil
            var draft = PlanDraft(view.state)
            if let record { draft.move(try ownersWithout(record, view.device, datapath), view.device) }
            draft.add(PortWish(port: port, use: .closed, settings: settings), on: view.device)
            return try Apply.carryOut(draft.plan, on: view.state, datapath: datapath)
        }
    }

    // MARK: What there is

    /// The host as far as one port goes. Owners are in it that overlap with what its guest has or is to have; what other
    /// entries an `attach` cut short may have left in the port's name, the next `apply` removes.
    private struct View {
        var state: HostState
        var device: HostState.BridgeDevice
    }

    private static func view(of link: Link, bridge name: String, _ binding: Binding?, _ datapath: Datapath) throws(EnforcementError) -> View {
        let bridge = try EnforcementError.wrap { () throws(NetlinkError) in try Link.named(name) }
        guard bridge.isBridge else { throw .refused("\(name) is no bridge; 'ip link show type bridge' lists those here") }
        let records = try EnforcementError.wrap { () throws(DatapathError) in
            try [bridge, link].map { one throws(DatapathError) in try datapath.guardedPort(one.index) }.compactMap(\.self)
        }
        guard records.contains(where: { $0.port.index == bridge.index && $0.kind == .bridge && $0.hooks.count == Hook.allCases.count })
        else { throw .refused("bridge \(name) isn't guarded: name it in the policy and 'vifguard apply' first") }
        // Addresses of the host are in the tables of owners: reserved.
        let former = records.first { $0.port.index == link.index }?.binding
        let owners = try owners(near: [binding, former].compactMap(\.self), bridge: bridge.index, datapath)
        let device = try HostState.BridgeDevice(bridge, with: link, owners: owners)
        let state = HostState(
            interfaces: [try HostState.Interface(link, readingIPv6: link.bridge != nil)], bridges: [device], guarded: records)
        return View(state: state, device: device)
    }

    /// Other ports of the bridge that the same card has (see `PortWish.share`): looked at, and added to the view.
    private static func companions(
        of binding: Binding, at index: InterfaceIndex, _ view: inout View, _ datapath: Datapath
    ) throws(EnforcementError) -> [HostState.GuardedPort] {
        var companions: [HostState.GuardedPort] = []
        for status in try EnforcementError.wrap({ () throws(DatapathError) in try datapath.ports(of: binding.guest) }) {
            let port = status.port.index
            guard port != index, let record = try EnforcementError.wrap({ () throws(DatapathError) in try datapath.guardedPort(port) }),
                record.isCompanion(of: binding, on: view.device.index),
                let link = try present({ () throws(NetlinkError) in try Link.numbered(port) }), link.bridge == view.device.index
            else { continue }
            view.state.interfaces[port] = try HostState.Interface(link, readingIPv6: true)
            view.state.guarded[port] = record
            view.device.forwarding.formUnion(try HostState.BridgeDevice.forwarding(of: view.device.index, on: port))
            companions.append(record)
        }
        return companions
    }

    /// Where a card has one port left, that is where it is: its entries and flags are a single port's again.
    static func pinLast(besides gone: PortStatus, _ datapath: Datapath) throws(EnforcementError) {
        guard let binding = gone.binding else { return }
        let left = try EnforcementError.wrap { () throws(DatapathError) in try datapath.ports(of: binding.guest) }.filter {
            $0.isHeir(to: gone) && $0.binding?.macs.contains(where: binding.macs.contains) == true
        }
        guard left.count == 1, let link = try present({ () throws(NetlinkError) in try Link.numbered(left[0].port.index) }),
            link.bridge == gone.port.bridgeIndex
        else { return }
        let view = try view(of: link, bridge: gone.port.bridgeName, nil, datapath)
        guard let guarded = view.state.guarded[link.index], let kept = guarded.binding else { return }
        var wish = PortWish(untouched: guarded, of: BridgePolicy(name: gone.port.bridgeName), forwarding: kept.pinnedMACs)
        // As it is: which the policy says, and that isn't known here.
        wish.settings.isolated = nil
        var draft = PlanDraft(view.state)
        draft.add(wish, on: view.device)
        let report = try Apply.carryOut(draft.plan, on: view.state, datapath: datapath)
        if let failure = report.failures.first { throw .refused(failure.description) }
    }

    /// An interface; nil if there is none such here.
    static func present(_ look: () throws(NetlinkError) -> Link) throws(EnforcementError) -> Link? {
        do throws(NetlinkError) {
            return try look()
        } catch {
            guard error.errno == ENODEV else { throw .network(error) }
            return nil
        }
    }

    /// The name of the bridge it is a port of, if that is guarded.
    private static func guardedBridge(of link: Link, _ datapath: Datapath) throws(EnforcementError) -> String? {
        guard let bridge = link.bridge,
            let record = try EnforcementError.wrap({ () throws(DatapathError) in try datapath.port(bridge, withTraffic: false) }),
            record.kind == .bridge
        else { return nil }
        return try EnforcementError.wrap { () throws(NetlinkError) in try Link.numbered(bridge) }.name
    }

    /// Lets go of the interfaces of that name that are gone.
    static func forget(_ name: String, of guest: String?, _ datapath: Datapath) throws(EnforcementError) -> Report {
        let records = try EnforcementError.wrap { () throws(DatapathError) in try datapath.ports(named: name) }.filter {
            guest == nil || $0.binding?.guest == guest
        }
        // An interface that still has the number has another name.
        let gone = records.filter { $0.kind == .guest && !Arrivals.isPresent($0.port.index) }
        let releases = gone.map { Step.release($0.port, kind: .guest, .gone) }
        return try Apply.carryOut(Plan(steps: disown(gone, datapath) + releases), on: HostState(), datapath: datapath)
    }

    // MARK: Owners

    /// Who holds what the bindings hold, or something around or inside it.
    static func owners(
        near bindings: [Binding], bridge: InterfaceIndex, _ datapath: Datapath
    ) throws(EnforcementError) -> BridgeOwners {
        var identities = OwnerTable()
        for binding in bindings { identities.add(binding, port: nil) }
        return try EnforcementError.wrap { () throws(DatapathError) in try datapath.owners(overlapping: identities, bridge: bridge) }
    }

    static func disown(_ records: [PortStatus], _ datapath: Datapath) throws(EnforcementError) -> [Step] {
        var steps: [Step] = []
        for record in records {
            let port = record.port
            let owners = try owners(near: [record.binding].compactMap(\.self), bridge: port.bridgeIndex, datapath)
            let device = HostState.BridgeDevice(index: port.bridgeIndex, name: port.bridgeName, owners: owners)
            if let step = Step.moving(try ownersWithout(record, device, datapath), device) { steps.append(step) }
        }
        return steps
    }

    /// What another port of the same guest holds too, that goes on owning: its card's other port, or another card with the
    /// same address. The rest stays the policy's guest's, which is stopped now; nobody else speaks for another's.
    private static func ownersWithout(
        _ record: PortStatus, _ device: HostState.BridgeDevice, _ datapath: Datapath
    ) throws(EnforcementError) -> OwnerTable {
        var table = OwnerTable(device.owners)
        table.remove(port: record.port.index)
        guard let binding = record.binding else { return table }
        let others = try EnforcementError.wrap { () throws(DatapathError) in try datapath.ports(of: binding.guest) }
        for heir in others.reversed() where heir.isHeir(to: record) {
            if let held = heir.binding { table.add(held, port: heir.port.index, sharedWith: binding) }
        }
        let listed = binding.without(record.leases)
        if listed.origin == .policy { table.add(listed, port: nil) }
        return table
    }

    /// What is a stopped guest's may be attached: the tables don't say whose, and it may be this one's. What is leased to
    /// others is no conflict.
    private static func refuseConflicts(
        _ binding: Binding, at index: InterfaceIndex, _ device: HostState.BridgeDevice, _ datapath: Datapath
    ) throws(EnforcementError) {
        let taken = Set(binding.macs).compactMap { mac in device.owners.macs[mac].map { ("MAC \(mac)", $0) } }
        let own = binding.allPrefixes
        let overlapping = device.owners.prefixes.filter { held in own.contains { $0.overlaps(held.0) } }
            .sorted { $0.0 < $1.0 }  // so that the same mistake is always told of alike
            .map { ($0.0.description, $0.1) }
        for (what, owner) in taken + overlapping {
            switch owner.kind {
            case .reserved:
                throw .refused("\(what) is reserved on bridge \(device.name), a gateway's or the host's own: give guest \(binding.guest) another")
            case .guest(let port?), .claim(let port):
                // A record without programs is of an interface that is gone, and nobody has let go of yet.
                guard port != index, let other = try EnforcementError.wrap({ () throws(DatapathError) in try datapath.guardedPort(port) }),
                    !other.hooks.isEmpty, let holder = other.listed, holder.guest != binding.guest, let shared = holder.sharedIdentity(with: binding)
                else { continue }
                throw .refused(
                    "\(shared) is guest \(holder.guest)'s on \(other.port.name): 'vifguard detach \(other.port.name)' first, or give guest \(binding.guest) another"
                )
            case .guest(nil), .router: continue
            }
        }
    }
}
