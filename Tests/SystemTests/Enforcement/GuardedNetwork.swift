import Addresses
import Datapath
import Enforcement
import Lab
import Netlink
import Policy
import Testing

/// A bridged network with three guests that know each other, and a datapath loaded on its host: nothing guarded yet.
final class GuardedNetwork: Sendable {
    let network: BridgedNetwork
    let datapath: Datapath
    let pins = PinFolder()

    var host: NetworkNamespace { network.host }

    static let macs = (1...3).map { MACAddress(0x00, 0x16, 0x3e, 0, 0, UInt8($0)) }

    static func four(_ number: UInt8) -> IPv4Address { IPv4Address(192, 0, 2, number) }
    static func six(_ number: UInt8) -> IPv6Address { IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(number)) }

    /// The machine beyond the uplink has the addresses that end in 254, the host those that end in 253.
    init() throws {
        network = try BridgedNetwork(guests: Self.macs)
        let (host, bridge) = (network.host, network.bridgeIndex)
        for (place, station) in (network.guests + [network.outside]).enumerated() {
            let number = place == 3 ? 254 : UInt8(place + 1)
            try station.add(.v4(Self.four(number)), prefixLength: 24)
            try station.add(.v6(Self.six(number)), prefixLength: 64)
        }
        try host.run {
            try InterfaceSetting.acceptDuplicateAddressDetection.set(0, for: "br0")
            try InterfaceSetting.disableIPv6.set(0, for: "br0")
            try InterfaceAddress.add(.v4(Self.four(253)), prefixLength: 24, to: bridge)
            try InterfaceAddress.add(.v6(Self.six(253)), prefixLength: 64, to: bridge)
        }
        datapath = try host.run { try Datapath.load() }
    }

    static func binding(_ number: UInt8, guest: String? = nil, origin: Origin = .policy) -> Binding {
        Binding(
            guest: guest ?? "guest-\(number)", macs: [macs[Int(number) - 1]], addresses4: [IPv4Prefix(four(number))],
            addresses6: [IPv6Prefix(six(number))], origin: origin)
    }

    static func interface(_ number: UInt8) -> GuestInterface {
        GuestInterface(port: "vif\(number).0", bridge: "br0", binding: binding(number))
    }

    /// Guests 1 and 2 are known, guest 3 isn't.
    static let policy = HostPolicy(
        bridges: [
            BridgePolicy(
                name: "br0", uplinks: ["uplink"], gateways: [.v4(four(254))], gatewayMACs: [MACAddress(0x02, 0x00, 0x5e, 0, 0, 0x01)],
                subnets: [IPv4Prefix("192.0.2.0/24")!])
        ], interfaces: [interface(1), interface(2)])

    func apply(_ policy: HostPolicy = policy, way: AttachmentWay? = nil) throws -> Report {
        try host.run { try Apply.perform(policy, datapath: datapath, way: way) }
    }

    /// As of no time, so that what is the same compares equal.
    func observe() throws -> HostState {
        var state = try host.run { try HostState.observe(datapath: datapath) }
        state.time = 0
        return state
    }

    func port(_ name: String) throws -> PortStatus? {
        try host.run { try datapath.port(Link.named(name).index) }
    }

    /// Whether one echo request of three is answered.
    func canReach(_ address: String, from station: Station) throws -> Bool {
        try station.namespace.execute(["ping", "-c", "3", "-i", "0.05", "-W", "1", address]).succeeded
    }
}
