import Addresses
import Datapath
import Netlink
import Policy

/// What one interface of a guarded bridge is to be.
struct PortWish {
    enum Use: Hashable {
        case closed
        /// Its binding, normalized, and the bridge's subnets.
        case guest(Binding, subnets: [IPv4Prefix])
        /// A guest's whose binding is somebody else's, or stays as it is because the new one can't be had.
        case untouched
        case uplink(Mode)
        case bridge
    }

    var port: Port
    var use: Use
    /// MACs with a static, sticky entry on the port.
    var forwarding: Set<MACAddress> = []
    /// MACs that another port of the same card has, too: without an entry of ours (see `share`).
    var shared: Set<MACAddress> = []
    /// MACs that a guest port may have taught the bridge; the rest was learned before it was guarded.
    var teaches: Set<MACAddress> = []
    /// How its bridge is to treat it.
    var settings = BridgePort.Settings()

    var kind: PortKind {
        switch use {
        case .closed, .guest, .untouched: .guest
        case .uplink: .uplink
        case .bridge: .bridge
        }
    }
}

extension BridgePort.Settings {
    /// For a guest port (policy.md, section 9); `binding` is nil for a closed one.
    static func guarding(_ binding: Binding?, isolated: Bool) -> Self {
        var settings = Self()
        // The bridge has to find out where a guest is that is on the move, and so with its virtual routers.
        let isOnTheMove = binding?.isMigrating ?? false
        // Only a port that is held to its own MACs may teach it (rule E1); another is found by flooding.
        settings.learning = (isOnTheMove && binding?.mode == .enforce) || !(binding?.virtualRouters.isEmpty ?? true)
        settings.unicastFlood = isOnTheMove
        settings.bpduGuard = true
        settings.isolated = isolated
        let mayQuery = binding?.roles.isDisjoint(with: [.router, .multicastQuerier]) == false
        settings.multicastRouter = mayQuery ? .whereQueried : .never
        return settings
    }

    /// What a port is born with (net/bridge/br_if.c, new_nbp).
    static var birth: Self {
        var settings = Self()
        settings.learning = true
        settings.unicastFlood = true
        settings.bpduGuard = false
        settings.isolated = false
        settings.multicastRouter = .whereQueried
        return settings
    }

    /// Without the fields that the kernel doesn't know, as its own answer shows.
    func known(to present: Self) -> Self {
        var settings = self
        if present.learning == nil { settings.learning = nil }
        if present.unicastFlood == nil { settings.unicastFlood = nil }
        if present.bpduGuard == nil { settings.bpduGuard = nil }
        if present.isolated == nil { settings.isolated = nil }
        if present.multicastRouter == nil { settings.multicastRouter = nil }
        return settings
    }
}

extension Step {
    /// What gives a port, or a bridge's own interface, back as it was born.
    static func restoring(
        _ interface: HostState.Interface, _ guarded: HostState.GuardedPort, _ device: HostState.BridgeDevice, isBornWithoutIPv6: Bool
    ) -> [Step] {
        let port = guarded.port
        if guarded.kind == .bridge {
            return device.hasNoLinkLocalLearning == true ? [.setLinkLocalLearning(port, isOff: false)] : []
        }
        var steps: [Step] = []
        // Flooding first: what loses its entry is found by it.
        if guarded.kind == .guest {
            let settings = BridgePort.Settings.birth.subtracting(interface.settings).known(to: interface.settings)
            if settings != BridgePort.Settings() { steps.append(.setPort(port, settings)) }
        }
        for entry in device.forwarding.sorted(by: { $0.mac < $1.mac }) where entry.port == port.index && entry.kind == .sticky {
            let isOurs = guarded.kind == .guest || device.owners.macs[entry.mac]?.kind == .reserved
            if isOurs { steps.append(.removeForwarding(port, entry.mac)) }
        }
        if interface.isWithoutIPv6 == true, !isBornWithoutIPv6 { steps.append(.setIPv6(port, isOff: false)) }
        return steps
    }
}
