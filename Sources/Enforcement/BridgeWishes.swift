import Addresses
import Datapath
import Netlink
import Policy

/// What one bridge of the policy, its ports and its tables of owners are to be on this host.
struct BridgeWishes {
    let policy: BridgePolicy
    let device: HostState.BridgeDevice
    private let state: HostState
    private(set) var ports: [PortWish] = []
    private(set) var owners: OwnerTable
    /// Leases that hold no longer: expired, or what they were given to is another now.
    private(set) var lapsed: [Lease] = []
    /// Former leases that hold at these ports.
    private(set) var carried: [Lease] = []
    /// Leases of what is listed for the same guest now.
    private(set) var adopted: [Lease] = []
    private(set) var faults: [Fault] = []
    private(set) var warnings: [String] = []
    /// Not the host's MAC, but what is behind this bridge's uplink.
    private let uplinks: Set<InterfaceIndex>

    /// - Parameter defaults: of guests whose hypervisor has bound them.
    init(
        _ policy: BridgePolicy, _ device: HostState.BridgeDevice, _ interfaces: [GuestInterface], _ defaults: GuestDefaults, on state: HostState
    ) {
        self.policy = policy
        self.device = device
        self.state = state
        let members = state.ports(of: device.index)
        let uplinks = members.filter { policy.uplinks.contains($0.name) }
        self.uplinks = Set(uplinks.map(\.index))
        owners = OwnerTable(
            policy, hostAddresses: device.hostAddresses, hostMACs: device.hostMACs + uplinks.compactMap(\.macAddress))
        for name in policy.uplinks where !uplinks.contains(where: { $0.name == name }) { warnAbout(uplink: name) }
        wishForTrusted(uplinks)
        wishForGuests(interfaces, members.filter { !self.uplinks.contains($0.index) }, defaults)
    }

    /// The bridge's own interface.
    var bridgePort: Port { Port(bridgeIndex: device.index, bridgeName: device.name) }

    private func port(_ interface: HostState.Interface) -> Port {
        Port(index: interface.index, name: interface.name, bridgeIndex: device.index, bridgeName: device.name)
    }

    private mutating func warnAbout(uplink name: String) {
        let why =
            switch state.interface(named: name) {
            case nil: "there is no such interface yet"
            case let interface?:
                interface.bridge.flatMap { state.bridges[$0] }.map { "it is a port of bridge \($0.name)" } ?? "it isn't a port of the bridge yet"
            }
        warnings.append("bridge \(device.name): uplink \(name) isn't guarded, \(why); run 'vifguard apply' again when it has joined")
    }

    // MARK: Trusted ports

    private mutating func wishForTrusted(_ uplinks: [HostState.Interface]) {
        ports.append(PortWish(port: bridgePort, use: .bridge))
        for uplink in uplinks {
            var wish = PortWish(port: port(uplink), use: .uplink(policy.uplinkMode))
            // With several uplinks a gateway is behind any of them: the bridge has to learn which.
            if uplinks.count == 1 { wish.forwarding = Set(policy.gatewayMACs) }
            ports.append(wish)
        }
    }

    // MARK: Guests

    private mutating func wishForGuests(_ interfaces: [GuestInterface], _ candidates: [HostState.Interface], _ defaults: GuestDefaults) {
        // A card that the policy names by now is the policy's, though its hypervisor has bound it before.
        let others = bindingsOfOthers(candidates).filter { _, other in !interfaces.contains { $0.binding.isWord(on: other) } }
        let plugs = Plugs(interfaces, candidates, device, state, occupied: others.mapValues(\.guest))
        faults += plugs.faults
        warnings += plugs.warnings
        refuseConflicts(interfaces, plugs, others)
        var wishes: [InterfaceIndex: PortWish] = [:]
        var listed: [InterfaceIndex: Binding] = [:]
        for (number, interface) in interfaces.enumerated() {
            let plug = plugs.ports[number]
            let reason = Self.overlap(of: interface.binding, withHostOf: device)
            if let reason { faults.append(Fault(.guest(interface.binding.guest), reason)) }
            if let plug, others[plug] == nil, reason == nil {
                wishes[plug] = bound(interface.binding, to: plug)
                listed[plug] = interface.binding
            }
            // A binding that is refused owns nothing, but what the guest has in force meanwhile.
            if reason == nil { owners.add(interface.binding, port: plug) }
            for place in [plug].compactMap(\.self) + plugs.companions[number] where reason != nil {
                guard let kept = inForce(for: interface.binding.guest, at: place) else { continue }
                wishes[place] = kept
                listed[place] = state.guarded[place]?.listed
                if let binding = listed[place] { owners.add(binding, port: place) }
            }
            for companion in plugs.companions[number] where others[companion] == nil && reason == nil {
                wishes[companion] = bound(interface.binding, to: companion)
                listed[companion] = interface.binding
            }
        }
        // Of two ports of one card the newer owns.
        for (index, binding) in others.sorted(by: { $0.key > $1.key }) {
            // What a hypervisor can't say the policy's defaults do, and may say otherwise by now.
            let current = binding.origin.isHypervisor ? defaults.applied(to: binding) : binding
            wishes[index] = current == binding ? untouched(binding, at: index) : bound(current, to: index)
            listed[index] = current
            owners.add(current, port: index)
        }
        for (index, binding) in listed.sorted(by: { $0.key < $1.key }) { lend(binding, at: index, &wishes) }
        share(listed, &wishes)
        for interface in candidates {
            ports.append(wishes[interface.index] ?? closed(interface))
        }
    }

    /// Cards that have more than one port.
    private func share(_ listed: [InterfaceIndex: Binding], _ wishes: inout [InterfaceIndex: PortWish]) {
        var places: [MACAddress: [InterfaceIndex]] = [:]
        for (index, binding) in listed where state.interfaces[index]?.bridge == device.index {
            for mac in binding.macs { places[mac, default: []].append(index) }
        }
        for (mac, ports) in places where ports.count > 1 {
            for port in ports { wishes[port]?.share([mac], mode: listed[port]?.mode ?? .enforce) }
        }
    }

    /// Adds to what a port is to have the leases that hold there. What somebody lists goes before what anybody leases.
    private mutating func lend(_ listed: Binding, at index: InterfaceIndex, _ wishes: inout [InterfaceIndex: PortWish]) {
        let guarded = trusted(index)
        let leases = guarded?.leases ?? state.formerLeases[index] ?? []
        guard !leases.isEmpty, var wish = wishes[index] else { return }
        var holding: [Lease] = []
        for lease in leases.sorted() where lease.holds(for: listed, on: device.index, at: state.time) {
            guard !owners.isHeld(lease.prefix, besides: index) else { continue }
            holding.append(lease)
            owners.add(lease, isMigrating: listed.isMigrating)
        }
        if guarded == nil { carried += holding }
        for lease in leases where !holding.contains(lease) {
            if listed.holds(lease.prefix) { adopted.append(lease) } else { lapsed.append(lease) }
        }
        let binding = listed.granting(holding).normalized
        // Another's binding is written by us only where what was leased to it has lapsed.
        if case .untouched = wish.use, binding == guarded?.binding { return }
        wish.use = .guest(binding, subnets: policy.subnets)
        wishes[index] = wish
    }

    private func closed(_ interface: HostState.Interface) -> PortWish {
        PortWish(port: port(interface), use: .closed, settings: .guarding(nil, isolated: policy.isolatesGuests))
    }

    private func bound(_ binding: Binding, to index: InterfaceIndex) -> PortWish? {
        guard let interface = state.interfaces[index] else { return nil }
        return PortWish(
            port: port(interface), use: .guest(binding.normalized, subnets: policy.subnets), forwarding: binding.pinnedMACs,
            teaches: Set(binding.allMACs), settings: .guarding(binding, isolated: policy.isolatesGuests))
    }

    private func untouched(_ binding: Binding, at index: InterfaceIndex) -> PortWish? {
        guard let wish = bound(binding, to: index) else { return nil }
        return PortWish(port: wish.port, use: .untouched, forwarding: wish.forwarding, teaches: wish.teaches, settings: wish.settings)
    }

    private func inForce(for guest: String, at index: InterfaceIndex) -> PortWish? {
        guard let guarded = trusted(index), let binding = guarded.binding, binding.guest == guest else { return nil }
        return untouched(binding, at: index)
    }

    /// A guest port's record, if it is this interface's and was written for this bridge.
    private func trusted(_ index: InterfaceIndex) -> HostState.GuardedPort? {
        guard let guarded = state.guarded[index], guarded.kind == .guest, !guarded.hooks.isEmpty,
            guarded.port.bridgeIndex == device.index
        else { return nil }
        return guarded
    }

    /// Bindings in force on this bridge that `apply` hasn't made, those of ports that are just about to join it included,
    /// without what is leased.
    private func bindingsOfOthers(_ candidates: [HostState.Interface]) -> [InterfaceIndex: Binding] {
        var others: [InterfaceIndex: Binding] = [:]
        let joining = state.guarded.values.compactMap { state.interfaces[$0.port.index] }.filter { $0.bridge == nil }
        for interface in candidates + joining {
            if let binding = trusted(interface.index)?.listed, binding.origin != .policy { others[interface.index] = binding }
        }
        return others
    }

    /// A port can't be two guests', nor an address two ports'. Which of the two is wrong only a person can say: nothing is
    /// changed. The same guest, bound by a hot-plug script, is no conflict where its port and the policy's agree.
    private mutating func refuseConflicts(_ interfaces: [GuestInterface], _ plugs: Plugs, _ others: [InterfaceIndex: Binding]) {
        for uplink in uplinks.sorted() {
            guard let binding = trusted(uplink)?.listed, binding.origin != .policy else { continue }
            let name = state.interfaces[uplink]?.name ?? "interface \(uplink)"
            refuse(
                "port \(name) is an uplink by the policy, and bound to guest \(binding.guest) by \(binding.origin.name): call the guest's port otherwise, or change the policy"
            )
        }
        for (number, interface) in interfaces.enumerated() {
            for (index, other) in others.sorted(by: { $0.key < $1.key }) {
                let binding = interface.binding
                let name = state.interfaces[index]?.name ?? "interface \(index)"
                let isSamePort = plugs.ports[number] == index || plugs.companions[number].contains(index)
                if isSamePort, other.guest == binding.guest {
                    if !other.hasSameRights(as: binding) {
                        warnings.append(
                            "guest \(binding.guest): \(name) keeps the binding that \(other.origin.name) gave it, which isn't the policy's; 'vifguard detach \(name)' and 'vifguard apply' replace it"
                        )
                    }
                } else if isSamePort {
                    refuse(
                        "port \(name) is guest \(binding.guest)'s by the policy, and bound to guest \(other.guest) by \(other.origin.name): change the policy or 'vifguard detach \(name)'"
                    )
                } else if let shared = binding.sharedIdentity(with: other) {
                    refuse(
                        "\(shared) is guest \(binding.guest)'s by the policy, and guest \(other.guest)'s on \(name), bound by \(other.origin.name): change the policy or 'vifguard detach \(name)'"
                    )
                }
            }
        }
    }

    private mutating func refuse(_ message: String) {
        faults.append(Fault(.policy, "bridge \(device.name): \(message); nothing was changed"))
    }

    /// Why a guest can't have what its binding says: it is the host's own. nil if it can.
    static func overlap(of binding: Binding, withHostOf device: HostState.BridgeDevice) -> String? {
        if let mac = binding.allMACs.first(where: device.hostMACs.contains) {
            return "MAC \(mac) is the host's own on bridge \(device.name): give the guest another"
        }
        for prefix in binding.allPrefixes {
            if let address = device.hostAddresses.first(where: prefix.contains) {
                let what = prefix.isSingle ? "\(prefix)" : "\(prefix) holds \(address), which"
                return "\(what) is the host's own on bridge \(device.name): give the guest another"
            }
        }
        return nil
    }
}

extension Lease {
    /// Whether it is still what it was given to, and no more than that.
    func holds(for listed: Binding, on bridge: InterfaceIndex, at time: UInt64) -> Bool {
        isLive(at: time) && self.bridge == bridge && listed.usesDHCP && listed.macs.contains(mac) && !listed.holds(prefix)
    }
}

extension Origin {
    /// Whether a hook has bound it, by what a hypervisor says.
    var isHypervisor: Bool { self == .xen || self == .libvirt }
}

extension Binding {
    /// Whether this is what a policy says of the card that a hypervisor has bound: its guest, by the name or by a UUID, which
    /// a record doesn't keep, with a MAC of its.
    func isWord(on other: Binding) -> Bool {
        other.origin.isHypervisor && (other.guest == guest || hasUUIDForName) && macs.contains(where: other.macs.contains)
    }

    private var hasUUIDForName: Bool {
        let groups = guest.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return groups.map(\.count) == [8, 4, 4, 4, 12] && guest.allSatisfy { $0.isHexDigit || $0 == "-" }
    }

    /// Those that are behind its port and nowhere else: none of a guest that is on the move, which may be on another host.
    var pinnedMACs: Set<MACAddress> { isMigrating ? [] : Set(macs) }

    var allMACs: [MACAddress] { macs + virtualRouters.map(\.mac) }

    /// All that it may use, link-local addresses included.
    var allPrefixes: [IPPrefix] {
        addresses4.map { .v4($0) } + addresses6.map { .v6($0) } + (macs.map(\.eui64LinkLocal) + linkLocals).map { IPPrefix(.v6($0)) }
            + virtualRouters.map { IPPrefix($0.address) }
    }

    /// Whether it may use a MAC or an address that the other may not.
    func gains(over former: Binding) -> Bool {
        !Set(allMACs).isSubset(of: former.allMACs) || !Set(allPrefixes).isSubset(of: former.allPrefixes)
    }

    /// Equal but for who stated it.
    func hasSameRights(as other: Binding) -> Bool {
        var one = normalized
        one.origin = other.origin
        return one == other.normalized
    }

    /// A MAC or address that both hold, in words; nil if there is none. Virtual routers are shared by those who take part.
    package func sharedIdentity(with other: Binding) -> String? {
        if let mac = macs.first(where: other.allMACs.contains) ?? other.macs.first(where: allMACs.contains) { return "MAC \(mac)" }
        let shared = Set(virtualRouters).intersection(other.virtualRouters).map { IPPrefix($0.address) }
        for mine in allPrefixes where !shared.contains(mine) {
            if let theirs = other.allPrefixes.first(where: { $0.overlaps(mine) }) {
                return (mine.isSingle ? mine : theirs).description
            }
        }
        return nil
    }
}
