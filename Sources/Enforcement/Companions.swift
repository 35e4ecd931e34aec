import Addresses
import Datapath
import Netlink
import Policy

// One card of a guest may have two ports of a bridge for a while: Xen gives a guest that boots without drivers of its own
// an emulated card beside the other, with the same MAC; a guest that moves within a host is on its old port until it is
// on its new one. Both hold the same binding, and which of them speaks for the MAC only the guest's frames can say.

extension PortWish {
    /// A port whose binding is somebody else's: only how its bridge treats it is looked at.
    init(untouched guarded: HostState.GuardedPort, of bridge: BridgePolicy, forwarding: Set<MACAddress>) {
        self.init(
            port: guarded.port, use: .untouched, forwarding: forwarding, teaches: Set(guarded.binding?.allMACs ?? []),
            settings: .guarding(guarded.binding, isolated: bridge.isolatesGuests))
    }

    /// What a port that shares MACs with another is to be: a forwarding entry has one port, so the bridge learns where the
    /// MAC is, and sends to both while it doesn't know. It can't learn anything else there (rule E1), and no other guest's
    /// port can teach it these.
    ///
    /// - Parameter mode: of its binding. Who is only audited could teach the bridge anybody's MAC: it is found by flooding.
    mutating func share(_ macs: Set<MACAddress>, mode: Mode) {
        guard !macs.isEmpty else { return }
        forwarding.subtract(macs)
        shared.formUnion(macs)
        if mode == .enforce { settings.learning = true }
        settings.unicastFlood = true
    }
}

extension HostState.GuardedPort {
    /// Whether it is another port of the same card.
    func isCompanion(of binding: Binding, on bridge: InterfaceIndex) -> Bool {
        kind == .guest && !hooks.isEmpty && port.bridgeIndex == bridge && self.binding?.guest == binding.guest
            && self.binding?.macs.contains(where: binding.macs.contains) == true
    }
}

extension PortStatus {
    /// Whether it may go on owning what another port of the same guest held.
    func isHeir(to other: PortStatus) -> Bool {
        kind == .guest && port.index != other.port.index && port.bridgeIndex == other.port.bridgeIndex && Arrivals.isPresent(port.index)
    }
}
