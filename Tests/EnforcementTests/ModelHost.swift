import Addresses
import Datapath
import Netlink
import Policy

@testable import Enforcement

/// A host made by hand, and one that does as a plan says.
struct ModelHost {
    static let bridge: InterfaceIndex = 2
    static let uplink: InterfaceIndex = 3

    var state: HostState

    /// A bridge br0 with the uplink eth0 and the guest ports vif1.0, vif2.0… under the numbers 11, 12…; nothing is guarded.
    init(guests: Int = 2) {
        var born = BridgePort.Settings.birth
        born.state = .forwarding
        var interfaces = [
            HostState.Interface(index: Self.bridge, name: "br0", macAddress: Self.hostMAC),
            HostState.Interface(
                index: Self.uplink, name: "eth0", macAddress: MACAddress(2, 0, 0, 0, 0, 0xee), bridge: Self.bridge, settings: born,
                isWithoutIPv6: false),
        ]
        for number in 0..<guests {
            interfaces.append(
                HostState.Interface(
                    index: Self.port(number + 1), name: "vif\(number + 1).0", macAddress: MACAddress(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff),
                    bridge: Self.bridge, settings: born, isWithoutIPv6: false))
        }
        let device = HostState.BridgeDevice(
            index: Self.bridge, name: "br0", hasNoLinkLocalLearning: false, hostAddresses: [IPAddress("192.0.2.253")!, IPAddress("2001:db8::fd")!],
            hostMACs: [Self.hostMAC])
        state = HostState(interfaces: interfaces, bridges: [device])
    }

    static let hostMAC = MACAddress(2, 0, 0, 0, 0, 0xbb)
    static let gatewayMAC = MACAddress(2, 0, 0, 0, 0, 0xfe)

    static func port(_ number: Int) -> InterfaceIndex { InterfaceIndex(10 + number) }
    static func mac(_ number: Int) -> MACAddress { MACAddress(0, 0x16, 0x3e, 0, 0, UInt8(number)) }

    static func binding(_ number: Int, mode: Mode = .enforce, origin: Origin = .policy) -> Binding {
        Binding(
            guest: "guest-\(number)", macs: [mac(number)], addresses4: [IPv4Prefix(IPv4Address(192, 0, 2, UInt8(number)))], mode: mode,
            origin: origin)
    }

    static func interface(_ number: Int, port: String? = nil) -> GuestInterface {
        GuestInterface(port: port ?? "vif\(number).0", bridge: "br0", binding: binding(number))
    }

    static let bridgePolicy = BridgePolicy(
        name: "br0", uplinks: ["eth0"], gateways: [IPAddress("192.0.2.254")!], gatewayMACs: [gatewayMAC], subnets: [IPv4Prefix("192.0.2.0/24")!])

    /// With the guests 1 to `guests`.
    static func policy(guests: Int = 2) -> HostPolicy {
        HostPolicy(bridges: [bridgePolicy], interfaces: (0..<guests).map { interface($0 + 1) })
    }

    func plan(_ policy: HostPolicy) -> Plan { Plan(policy, on: state) }

    /// Plans and does as the plan says.
    @discardableResult
    mutating func apply(_ policy: HostPolicy) -> Plan {
        let plan = plan(policy)
        for step in plan.steps { perform(step) }
        return plan
    }

    mutating func perform(_ step: Step) {
        let index = step.port.index
        switch step {
        case .release: state.guarded[index] = nil
        case .close(let port, _): record(HostState.GuardedPort(port: port, kind: .guest))
        case .bind(let port, let binding, let subnets, _):
            let broadcasts = Set(Entitlement(binding, subnets: subnets).broadcasts4)
            record(HostState.GuardedPort(port: port, kind: .guest, binding: binding.normalized, broadcasts: broadcasts))
        case .trustUplink(let port, let mode): record(HostState.GuardedPort(port: port, kind: .uplink, mode: mode))
        case .trustBridge(let port): record(HostState.GuardedPort(port: port, kind: .bridge))
        case .attach(_, _, let hook): state.guarded[index]?.hooks.insert(hook)
        case .enterOwners(_, let table, _): enter(table, index)
        case .moveOwners: break
        case .forgetLeases(_, let leases): state.guarded[index]?.leases.removeAll { leases.contains($0) }
        case .addForwarding(let port, let mac):
            forwarding { $0 = $0.filter { $0.mac != mac } }
            forwarding { _ = $0.insert(HostState.ForwardingEntry(mac: mac, port: port.index, .sticky)) }
        case .removeForwarding(let port, let mac): forwarding { $0 = $0.filter { $0.mac != mac || $0.port != port.index } }
        case .setPort(_, let settings): set(settings, index)
        case .setIPv6(_, let isOff): state.interfaces[index]?.isWithoutIPv6 = isOff
        case .setLinkLocalLearning(_, let isOff): state.bridges[index]?.hasNoLinkLocalLearning = isOff
        }
    }

    /// A record comes without programs, unless its interface has them already.
    private mutating func record(_ new: HostState.GuardedPort) {
        var new = new
        new.hooks = state.guarded[new.port.index]?.hooks ?? []
        new.leases = new.binding == nil ? [] : state.guarded[new.port.index]?.leases ?? []
        state.guarded[new.port.index] = new
    }

    mutating func forwarding(_ change: (inout Set<HostState.ForwardingEntry>) -> Void) { change(&state.bridges[Self.bridge]!.forwarding) }

    private mutating func enter(_ table: OwnerTable, _ bridge: InterfaceIndex) {
        var owners = BridgeOwners()
        (owners.macs, owners.addresses4, owners.addresses6) = (table.macs, table.addresses4, table.addresses6)
        (owners.prefixes4, owners.prefixes6) = (table.prefixes4, table.prefixes6)
        state.bridges[bridge]?.owners = owners
    }

    private mutating func set(_ settings: BridgePort.Settings, _ index: InterfaceIndex) {
        guard var present = state.interfaces[index]?.settings else { return }
        present.learning = settings.learning ?? present.learning
        present.unicastFlood = settings.unicastFlood ?? present.unicastFlood
        present.bpduGuard = settings.bpduGuard ?? present.bpduGuard
        present.isolated = settings.isolated ?? present.isolated
        present.multicastRouter = settings.multicastRouter ?? present.multicastRouter
        state.interfaces[index]?.settings = present
    }
}
