import Addresses
import Policy

/// Two bridges with a guest for each kind of binding there is: the world in which both implementations judge.
enum DifferentialPolicy {
    static let gateway = IPv4Address("198.51.100.1")!
    static let gatewayMAC = MACAddress("02:ff:00:00:00:01")!
    static let gateway6 = IPv6Address("2001:db8::1")!
    static let hostMAC = MACAddress("02:fe:00:00:00:01")!
    static let hostAddress = IPv4Address("198.51.100.2")!
    static let hostLinkLocal = IPv6Address("fe80::beef:1")!

    static func mac(_ number: UInt64) -> MACAddress { MACAddress(rawValue: 0x0200_0000_0000 | number) }

    /// Guests of br0 by port name; what has no binding is left closed.
    static let bindings: [(port: String, binding: Binding)] = [
        ("plain", binding("plain", 1, ["198.51.100.10"], ["2001:db8::10"])),
        ("routed", binding("routed", 2, ["198.51.100.11", "198.51.100.12"], ["2001:db8::11", "2001:db8:1:2::/64"])),
        ("many", many),
        ("roles", roles),
        ("transit", with(binding("transit", 5, ["198.51.100.50"], ["2001:db8::50"])) { $0.roles = .transit }),
        ("only4", binding("only4", 6, ["198.51.100.60"], [])),
        ("only6", binding("only6", 7, [], ["2001:db8::70"])),
        ("dhcp", with(binding("dhcp", 8, [], [])) { $0.usesDHCP = true }),
        ("audit", with(binding("audit", 9, ["198.51.100.90"], ["2001:db8::90"])) { $0.mode = .audit }),
        ("vrrp", vrrp),
        (
            "moving",
            with(binding("moving", 12, ["198.51.100.120"], ["2001:db8::120"])) {
                $0.isMigrating = true; $0.quiet = false
            }
        ),
    ]

    static let closedPort = "closed"
    static let uplink = "up0"

    static let stopped = GuestInterface(
        port: "gone", bridge: "br0",
        binding: binding("stopped", 13, ["198.51.100.130", "203.0.113.0/28"], ["2001:db8::130", "2001:db8:13::/48"]))

    static let bridge = BridgePolicy(
        name: "br0", uplinks: [uplink], gateways: [.v4(gateway), .v6(gateway6)], gatewayMACs: [gatewayMAC],
        subnets: [prefix4("198.51.100.0/24"), prefix4("203.0.113.0/24")],
        reserved: [IPPrefix("198.51.100.250")!, IPPrefix("2001:db8:ffff::/48")!])
    static let strictBridge = BridgePolicy(name: "br1", uplinks: ["up1"], gateways: [], uplinkMode: .enforce)
    static let strictGuest = GuestInterface(
        port: "strict", bridge: "br1", binding: binding("strict", 1, ["198.51.100.10"], ["2001:db8::10"]))

    /// The policy with every guest renamed: what they claimed is theirs no longer.
    static func policy(round: Int) -> HostPolicy {
        let interfaces = bindings.map { GuestInterface(port: $0.port, bridge: "br0", binding: $0.binding) } + [stopped, strictGuest]
        return HostPolicy(
            bridges: [bridge, strictBridge],
            interfaces: interfaces.map { interface in
                var interface = interface
                interface.binding.guest += "-\(round)"
                return interface
            })
    }

    private static let many: Binding = {
        var addresses4 = (0..<10).map { "198.51.100.\(20 + $0)" }
        addresses4 += ["192.0.2.0/28", "192.0.2.64/26", "192.0.2.200/31"]
        var addresses6 = (0..<10).map { "2001:db8::2\($0)" }
        addresses6 += ["2001:db8:2::/48", "2001:db8:3:4::/63"]
        var many = binding("many", 3, addresses4, addresses6)
        many.macs += [mac(0x31), mac(0x32), mac(0x33)]
        many.linkLocalMode = .eui64
        many.linkLocals = [IPv6Address("fe80::53")!, IPv6Address("fe80::1234:5678")!]
        return many
    }()

    private static let roles = with(binding("roles", 4, ["198.51.100.40"], ["2001:db8::40"])) {
        $0.roles = [.router, .dhcp4Server, .dhcp6Server, .multicastQuerier]
        $0.vlans = [10, 20]
        $0.etherTypes = [0x88cc, 0x8864]
        $0.quiet = false
    }

    private static let vrrp = with(binding("vrrp", 10, ["198.51.100.100"], ["2001:db8::100"])) {
        $0.virtualRouters = [
            VirtualRouter(mac: MACAddress("00:00:5e:00:01:07")!, address: .v4(IPv4Address("198.51.100.107")!)),
            VirtualRouter(mac: MACAddress("00:00:5e:00:02:07")!, address: .v6(IPv6Address("2001:db8::107")!)),
        ]
    }

    private static func binding(_ guest: String, _ number: UInt64, _ addresses4: [String], _ addresses6: [String]) -> Binding {
        Binding(
            guest: guest, macs: [mac(number)], addresses4: addresses4.map(prefix4), addresses6: addresses6.map { IPv6Prefix($0)! },
            limits: .none)
    }

    private static func with(_ binding: Binding, _ change: (inout Binding) -> Void) -> Binding {
        var binding = binding
        change(&binding)
        return binding
    }

    private static func prefix4(_ text: String) -> IPv4Prefix { IPv4Prefix(text)! }
}
