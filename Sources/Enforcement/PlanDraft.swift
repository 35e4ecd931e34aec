import Addresses
import Datapath
import Netlink
import Policy

/// Steps of all bridges, sorted by phase (see `Plan`).
struct PlanDraft {
    let state: HostState
    var faults: [Fault] = []
    var warnings: [String] = []

    private var leases: [Lease] = []
    private var releases: [Step] = []
    private var restorations: [Step] = []
    private var bridgeOptions: [Step] = []
    private var staleUplinkEntries: [Step] = []
    private var owners: [Step] = []
    private var closings: [Step] = []
    /// Bindings that only lose addresses.
    private var reductions: [Step] = []
    private var rebindings: [Step] = []
    private var bindings: [Step] = []
    private var entries: [Step] = []
    private var exits: [Step] = []
    private var adopted: [Step] = []
    private var lapsed: [Step] = []
    private var forwarding: [Step] = []
    private var flags: [Step] = []
    /// Interfaces that some bridge of the policy has a use for.
    private var kept: Set<InterfaceIndex> = []

    init(_ state: HostState) { self.state = state }

    var plan: Plan {
        let isRefused = faults.contains { $0.scope == .policy }
        let phases = [
            releases, restorations, bridgeOptions, staleUplinkEntries, closings, adopted, reductions, owners, rebindings, bindings, lapsed,
            entries, exits, forwarding, flags,
        ]
        return Plan(steps: isRefused ? [] : phases.flatMap(\.self), leases: isRefused ? [] : leases, faults: faults, warnings: warnings)
    }

    // MARK: A bridge to be guarded

    mutating func add(_ wishes: BridgeWishes) {
        let bridge = wishes.bridgePort
        if wishes.device.hasNoLinkLocalLearning == false { bridgeOptions.append(.setLinkLocalLearning(bridge, isOff: true)) }
        enter(wishes.owners, wishes.device)
        for wish in wishes.ports { add(wish, on: wishes.device) }
        leases += wishes.carried
        for (port, leases) in Dictionary(grouping: wishes.adopted, by: \.port).sorted(by: { $0.key < $1.key }) { adopt(leases, at: port) }
        for (port, leases) in Dictionary(grouping: wishes.lapsed, by: \.port).sorted(by: { $0.key < $1.key }) { forget(leases, at: port) }
    }

    /// All that one interface of a guarded bridge takes. A guest's may not have joined the bridge yet; then what only a
    /// port can have is left for later.
    mutating func add(_ wish: PortWish, on device: HostState.BridgeDevice) {
        kept.insert(wish.port.index)
        record(wish)
        attach(wish)
        guard state.interfaces[wish.port.index]?.bridge == device.index else { return }
        forward(wish, on: device)
        set(wish)
    }

    /// The bridge's tables of owners.
    mutating func enter(_ table: OwnerTable, _ device: HostState.BridgeDevice) {
        let changes = table.changes(from: device.owners)
        let bridge = Port(bridgeIndex: device.index, bridgeName: device.name)
        if changes != OwnerChanges() { owners.append(.enterOwners(bridge, table, changes)) }
    }

    /// Those entries of them that are one guest's; `device.owners` holds no others.
    mutating func move(_ table: OwnerTable, _ device: HostState.BridgeDevice) {
        if let step = Step.moving(table, device) { owners.append(step) }
    }

    /// Leases of what the port's record lists from now on: forgotten before it does, or their expiry might take away what is
    /// listed.
    mutating func adopt(_ leases: [Lease], at port: InterfaceIndex) {
        guard let guarded = state.guarded[port], !leases.isEmpty else { return }
        adopted.append(.forgetLeases(guarded.port, leases))
    }

    /// Leases that the port's record grants no more.
    mutating func forget(_ leases: [Lease], at port: InterfaceIndex) {
        guard let guarded = state.guarded[port], !leases.isEmpty else { return }
        lapsed.append(.forgetLeases(guarded.port, leases))
    }

    /// A record is written anew where it says something else. One without a program of ours was written for another
    /// interface that had the same number: it goes, with all that was claimed and counted under it. But a closed one that
    /// names this very port is what a process left that was killed before it had pinned its links: their programs have counted
    /// what the port sent meanwhile, and a closed port claims nothing.
    private mutating func record(_ wish: PortWish) {
        var present = state.guarded[wish.port.index]
        let isCutShort = present.map { $0.port == wish.port && $0.kind == .guest && $0.binding == nil && wish.kind == .guest } ?? false
        if let stale = present, stale.hooks.isEmpty, !isCutShort {
            releases.append(.release(stale.port, kind: stale.kind, .gone))
            present = nil
        }
        let isThisOne = present.map { $0.port == wish.port && $0.kind == wish.kind } ?? false
        let former = present?.binding?.guest
        switch wish.use {
        case .closed:
            if !isThisOne || present?.binding != nil { closings.append(.close(wish.port, formerly: former)) }
        case .untouched: break
        case .guest(let binding, let subnets):
            guard !isThisOne || present?.binding != binding || !Self.broadcastsFit(present, binding, subnets) else { return }
            let step = Step.bind(wish.port, binding, subnets: subnets, formerly: former)
            if let former = present?.binding {
                if isThisOne, !binding.gains(over: former) { reductions.append(step) } else { rebindings.append(step) }
            } else {
                bindings.append(step)
            }
        case .uplink(let mode):
            if !isThisOne || present?.mode != mode { bindings.append(.trustUplink(wish.port, mode)) }
        case .bridge:
            if !isThisOne { bindings.append(.trustBridge(wish.port)) }
        }
    }

    /// Whether the record's broadcast addresses are those of the bridge's subnets; one that is the guest's own anyway may
    /// be there or not.
    private static func broadcastsFit(_ present: HostState.GuardedPort?, _ binding: Binding, _ subnets: [IPv4Prefix]) -> Bool {
        let wanted = Entitlement(binding, subnets: subnets).broadcasts4
        return (present?.broadcasts ?? []).symmetricDifference(wanted).allSatisfy { address in
            wanted.contains(address) && binding.addresses4.contains(IPv4Prefix(address))
        }
    }

    private mutating func attach(_ wish: PortWish) {
        let present = state.guarded[wish.port.index]
        let running = present?.kind == wish.kind ? present?.hooks ?? [] : []
        if !running.contains(wish.kind.entry) { entries.append(.attach(wish.port, kind: wish.kind, wish.kind.entry)) }
        if !running.contains(wish.kind.exit) { exits.append(.attach(wish.port, kind: wish.kind, wish.kind.exit)) }
    }

    private mutating func forward(_ wish: PortWish, on device: HostState.BridgeDevice) {
        let present = device.forwarding.filter { $0.port == wish.port.index }
        let sticky = Set(present.filter { $0.kind == .sticky }.map(\.mac))
        for mac in wish.forwarding.sorted() where !sticky.contains(mac) { forwarding.append(.addForwarding(wish.port, mac)) }
        for mac in sticky.subtracting(wish.forwarding).sorted() {
            switch wish.use {
            // An operator may have entries of his own there; what is reserved in the tables of owners was written by us.
            // The tables forget it in the next phase but one, so it goes first.
            case .uplink: if device.owners.macs[mac]?.kind == .reserved { staleUplinkEntries.append(.removeForwarding(wish.port, mac)) }
            // Nothing but the binding's MACs is ever behind a guest port.
            case .guest, .closed: forwarding.append(.removeForwarding(wish.port, mac))
            case .untouched: if wish.shared.contains(mac) { forwarding.append(.removeForwarding(wish.port, mac)) }
            case .bridge: break
            }
        }
        guard wish.kind == .guest else { return }
        // What the port taught the bridge before it was guarded may be a stolen MAC, and would draw its traffic until it ages.
        for entry in present.sorted(by: { $0.mac < $1.mac }) where entry.kind == .learned && !wish.teaches.contains(entry.mac) {
            forwarding.append(.removeForwarding(wish.port, entry.mac))
        }
    }

    private mutating func set(_ wish: PortWish) {
        guard let interface = state.interfaces[wish.port.index] else { return }
        let settings = wish.settings.subtracting(interface.settings).known(to: interface.settings)
        if settings != BridgePort.Settings() { flags.append(.setPort(wish.port, settings)) }
        if interface.isWithoutIPv6 == false { flags.append(.setIPv6(wish.port, isOff: true)) }
    }

    // MARK: What is guarded and shouldn't be

    /// Lets go of every record that no bridge of the policy has a use for.
    mutating func letGo(of policyBridges: Set<String>) {
        // A bridge that the policy names and that couldn't be planned stays as it is.
        let busy = bridgesInUse(besides: policyBridges)
        for guarded in state.guarded.values.sorted(by: { $0.port.index < $1.port.index }) where !kept.contains(guarded.port.index) {
            guard let interface = state.interfaces[guarded.port.index] else {
                releases.append(.release(guarded.port, kind: guarded.kind, .gone))
                continue
            }
            let bridge = guarded.kind == .bridge ? interface.index : interface.bridge
            guard let bridge, let device = state.bridges[bridge] else {
                // A hot-plug script binds a port before it joins its bridge.
                if guarded.binding.map({ $0.origin != .policy }) ?? false, !guarded.hooks.isEmpty { continue }
                release(guarded, .left)
                continue
            }
            if busy.contains(device.name) { continue }
            let wasGuarded = state.guarded[bridge]?.kind == .bridge
            release(guarded, wasGuarded ? .unguarded : .left)
            if wasGuarded { restore(interface, guarded, device) }
        }
    }

    /// Bridges that the policy doesn't name, but where somebody else's bindings are in force: their guard stays.
    private mutating func bridgesInUse(besides policyBridges: Set<String>) -> Set<String> {
        var busy: Set<String> = []
        for guarded in state.guarded.values.sorted(by: { $0.port.index < $1.port.index }) {
            guard let binding = guarded.binding, binding.origin != .policy, !guarded.hooks.isEmpty,
                let device = state.interfaces[guarded.port.index]?.bridge.flatMap({ state.bridges[$0] }),
                !policyBridges.contains(device.name), state.guarded[device.index]?.kind == .bridge
            else { continue }
            if busy.insert(device.name).inserted {
                warnings.append(
                    "bridge \(device.name) isn't in the policy but stays guarded: \(guarded.port.name) is bound to \(binding.guest) by \(binding.origin.name); 'vifguard detach \(guarded.port.name)' first"
                )
            }
        }
        return busy
    }

    private mutating func release(_ guarded: HostState.GuardedPort, _ why: Step.Departure) {
        releases.append(.release(guarded.port, kind: guarded.kind, why))
        // An uplink goes back to being a card of the host's. A guest's port that is in no bridge had better not speak.
        guard guarded.kind == .uplink, why == .left, state.interfaces[guarded.port.index]?.isWithoutIPv6 == true, !state.isBornWithoutIPv6
        else { return }
        restorations.append(.setIPv6(guarded.port, isOff: false))
    }

    private mutating func restore(_ interface: HostState.Interface, _ guarded: HostState.GuardedPort, _ device: HostState.BridgeDevice) {
        restorations += Step.restoring(interface, guarded, device, isBornWithoutIPv6: state.isBornWithoutIPv6)
    }
}

extension Step {
    /// What makes the entries in `device.owners` say what `table` says; nil where they do.
    static func moving(_ table: OwnerTable, _ device: HostState.BridgeDevice) -> Step? {
        let changes = table.changes(from: device.owners)
        guard changes != OwnerChanges() else { return nil }
        return .moveOwners(Port(bridgeIndex: device.index, bridgeName: device.name), table, over: device.owners, changes)
    }
}

extension PortKind {
    /// Where frames enter the bridge.
    var entry: Hook { self == .bridge ? .egress : .ingress }
    /// Where they leave it.
    var exit: Hook { self == .bridge ? .ingress : .egress }
}
