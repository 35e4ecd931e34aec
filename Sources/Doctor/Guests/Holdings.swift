import Addresses
import Policy

/// Whose each MAC and address on the guarded bridges is, by name: for telling people.
struct Holdings: Sendable, Hashable {
    enum Holder: Sendable, Hashable {
        case guest(String)
        /// A gateway's, the host's own, or reserved by the policy.
        case reserved(String)
    }

    fileprivate struct Bridge: Sendable, Hashable {
        var macs: [MACAddress: Holder] = [:]
        var singles: [IPPrefix: Holder] = [:]
        var prefixes: [IPPrefix: Holder] = [:]
        var subnets: [IPv4Prefix] = []
    }

    private var bridges: [String: Bridge] = [:]
    /// Each guest's bindings.
    private(set) var interfaces: [GuestInterface] = []

    init() {}

    mutating func add(_ policy: BridgePolicy, hostAddresses: [IPAddress] = [], hostMACs: [MACAddress] = []) {
        var bridge = bridges[policy.name] ?? Bridge()
        bridge.subnets = policy.subnets
        for address in policy.gateways { bridge.hold(IPPrefix(address), .reserved("a gateway's of bridge \(policy.name)")) }
        for mac in policy.gatewayMACs { bridge.macs[mac] = .reserved("a gateway's of bridge \(policy.name)") }
        for address in hostAddresses { bridge.hold(IPPrefix(address), .reserved("the host's own")) }
        for mac in hostMACs where bridge.macs[mac] == nil { bridge.macs[mac] = .reserved("the host's own") }
        for prefix in policy.reserved { bridge.hold(prefix, .reserved("reserved by the policy")) }
        for mac in policy.reservedMACs where bridge.macs[mac] == nil { bridge.macs[mac] = .reserved("reserved by the policy") }
        for subnet in policy.subnets {
            guard let broadcast = subnet.broadcast else { continue }
            for address in [subnet.first, broadcast] {
                bridge.hold(IPPrefix(.v4(address)), .reserved("the network or broadcast address of subnet \(subnet)"))
            }
        }
        bridges[policy.name] = bridge
    }

    mutating func add(_ interface: GuestInterface) {
        let binding = interface.binding
        interfaces.append(interface)
        let holder = Holder.guest(binding.guest)
        var bridge = bridges[interface.bridge] ?? Bridge()
        for mac in binding.macs {
            if bridge.macs[mac] == nil { bridge.macs[mac] = holder }
            bridge.hold(IPPrefix(.v6(mac.eui64LinkLocal)), holder)
        }
        for prefix in binding.addresses4 { bridge.hold(.v4(prefix), holder) }
        for prefix in binding.addresses6 { bridge.hold(.v6(prefix), holder) }
        for address in binding.linkLocals { bridge.hold(IPPrefix(.v6(address)), holder) }
        for router in binding.virtualRouters {
            if bridge.macs[router.mac] == nil { bridge.macs[router.mac] = holder }
            bridge.hold(IPPrefix(router.address), holder)
        }
        bridges[interface.bridge] = bridge
    }

    /// Whose it is on the bridge; nil for nobody's.
    func holder(of identity: Identity, on bridge: String) -> Holder? {
        guard let bridge = bridges[bridge] else { return nil }
        switch identity {
        case .mac(let mac): return bridge.macs[mac]
        case .address(let address):
            return bridge.singles[IPPrefix(address)]
                ?? bridge.prefixes.filter { $0.key.contains(address) }.max { $0.key.length < $1.key.length }?.value
        }
    }

    /// Whether the address lies in one of the bridge's subnets, or nobody has named any. IPv6 has none.
    func isLocal(_ identity: Identity, on bridge: String) -> Bool {
        guard case .address(.v4(let address)) = identity, let subnets = bridges[bridge]?.subnets, !subnets.isEmpty else { return true }
        return subnets.contains { $0.contains(address) }
    }

    /// The guest's binding at that port, or its only one on the bridge.
    func binding(of guest: String, port: String, bridge: String) -> Binding? {
        let own = interfaces.filter { $0.binding.guest == guest && $0.bridge == bridge }
        return (own.first { $0.port == port } ?? own.first)?.binding
    }
}

extension Holdings.Bridge {
    fileprivate mutating func hold(_ prefix: IPPrefix, _ holder: Holdings.Holder) {
        if prefix.isSingle {
            if singles[prefix] == nil { singles[prefix] = holder }
        } else if prefixes[prefix] == nil {
            prefixes[prefix] = holder
        }
    }
}
