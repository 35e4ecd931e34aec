import Addresses
import Datapath
import Netlink
import Policy

/// Which port of a bridge each of the policy's interfaces is plugged into.
///
/// One that names a port belongs there; no such port: its guest is stopped. One that names none belongs, in this order, to
///
/// 1. the port bound to the guest of that name with one of its MACs already, whoever bound it;
/// 2. the port whose guest's MAC the hypervisor reports (`HostState.reportedMACs`);
/// 3. the port whose own MAC is `fe:` and the last five bytes of one of the guest's: a tap as libvirt makes it;
/// 4. the port that has a static forwarding entry for one of the guest's MACs, which only root can have written.
///
/// Only ports that no other interface names count, and neither uplinks do nor ports that somebody else has bound to other
/// guests. What the bridge has learned says nothing: before a port is guarded any guest can teach it any MAC. Where more
/// than one port answers, none is taken - but all of those that are bound to the guest already: one card may have several
/// for a while (see `PortWish.share`). A named port's emulated twin, "vif1.0-emu", is one of them.
package struct Plugs {
    /// By the interface's place in the list given; nil: its guest is stopped.
    package private(set) var ports: [InterfaceIndex?]
    /// Further ports of the same card.
    package private(set) var companions: [[InterfaceIndex]]
    package private(set) var faults: [Fault] = []
    package private(set) var warnings: [String] = []

    /// - Parameters:
    ///   - candidates: the bridge's ports but for uplinks.
    ///   - occupied: guests by the port that somebody else than the policy has bound them to.
    package init(
        _ interfaces: [GuestInterface], _ candidates: [HostState.Interface], _ device: HostState.BridgeDevice, _ state: HostState,
        occupied: [InterfaceIndex: String]
    ) {
        ports = Array(repeating: nil, count: interfaces.count)
        companions = Array(repeating: [], count: interfaces.count)
        let byName = Dictionary(candidates.map { ($0.name, $0.index) }, uniquingKeysWith: { first, _ in first })
        var taken: [InterfaceIndex: String] = [:]
        for (number, interface) in interfaces.enumerated() {
            guard let name = interface.port else { continue }
            let guest = interface.binding.guest
            guard let index = byName[name] else {
                if let reason = Self.elsewhere(name, device, state) { warnings.append("guest \(guest): port \(name) \(reason)") }
                continue
            }
            if let other = taken[index] {
                faults.append(Fault(.guest(guest), "port \(name) is guest \(other)'s already: name another port"))
            } else {
                taken[index] = guest
                ports[number] = index
                if let twin = byName[name + "-emu"], taken[twin] == nil,
                    state.guarded[twin]?.isCompanion(of: interface.binding, on: device.index) == true
                {
                    taken[twin] = guest
                    companions[number] = [twin]
                }
            }
        }
        let evidence = Evidence(candidates.filter { taken[$0.index] == nil }, device, state)
        for (number, interface) in interfaces.enumerated() where interface.port == nil {
            let (found, areBound) = evidence.ports(of: interface.binding)
            let free = found.filter { occupied[$0] == nil || occupied[$0] == interface.binding.guest }.filter { taken[$0] == nil }
            if free.count > 1, !areBound {
                let names = free.compactMap { state.interfaces[$0]?.name }.joined(separator: " and ")
                faults.append(Fault(.guest(interface.binding.guest), "its MAC is at \(names): name its port in the policy"))
            } else if let newest = free.last {
                for index in free { taken[index] = interface.binding.guest }
                ports[number] = newest
                companions[number] = Array(free.dropLast())
            }
        }
    }

    /// Why a port that exists isn't looked at; nil if it doesn't.
    private static func elsewhere(_ name: String, _ device: HostState.BridgeDevice, _ state: HostState) -> String? {
        guard let interface = state.interface(named: name) else { return nil }
        if interface.bridge == device.index { return "is an uplink of bridge \(device.name): name another port" }
        guard let bridge = interface.bridge.flatMap({ state.bridges[$0] }) else { return "isn't a port of bridge \(device.name) yet" }
        return "is a port of bridge \(bridge.name), not of \(device.name)"
    }
}

/// What says which MAC is behind which port.
private struct Evidence {
    private var bound: [MACAddress: [(binding: Binding, port: InterfaceIndex)]] = [:]
    private var reported: [MACAddress: Set<InterfaceIndex>] = [:]
    private var taps: [TapTail: Set<InterfaceIndex>] = [:]
    private var written: [MACAddress: Set<InterfaceIndex>] = [:]

    init(_ candidates: [HostState.Interface], _ device: HostState.BridgeDevice, _ state: HostState) {
        for interface in candidates {
            if let guarded = state.guarded[interface.index], !guarded.hooks.isEmpty, let binding = guarded.binding {
                for mac in binding.macs { bound[mac, default: []].append((binding, interface.index)) }
            }
            if let mac = state.reportedMACs[interface.index] { reported[mac, default: []].insert(interface.index) }
            if let tail = TapTail(ofPort: interface.macAddress) { taps[tail, default: []].insert(interface.index) }
        }
        let numbers = Set(candidates.map(\.index))
        for entry in device.forwarding where entry.kind != .learned && numbers.contains(entry.port) {
            written[entry.mac, default: []].insert(entry.port)
        }
    }

    /// By the first witness that knows any, sorted; and whether that is the kernel's own record of the guest.
    func ports(of binding: Binding) -> (ports: [InterfaceIndex], areBound: Bool) {
        let known = binding.macs.flatMap { bound[$0] ?? [] }.filter {
            $0.binding.guest == binding.guest || binding.isWord(on: $0.binding)
        }.map(\.port)
        let witnesses: [[InterfaceIndex]] = [
            known, binding.macs.flatMap { reported[$0] ?? [] }, binding.macs.flatMap { taps[TapTail(ofGuest: $0)] ?? [] },
            binding.macs.flatMap { written[$0] ?? [] },
        ]
        return (Set(witnesses.first { !$0.isEmpty } ?? []).sorted(), !known.isEmpty)
    }
}
