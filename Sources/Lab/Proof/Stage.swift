import Addresses
import Policy

/// The addresses of the network that `Proof` builds, and the policy that guards it: values, from which the catalogue
/// makes its frames. All of them are for documentation (RFC 5737, RFC 3849) and live in namespaces only.
public enum Stage {
    public static let bridge = "br0"
    public static let uplink = "uplink"

    static let subnet4 = IPv4Prefix(masking: IPv4Address(192, 0, 2, 0), length: 24)!
    static let subnet6 = IPv6Address(high: 0x2001_0db8_0000_0001, low: 0)
    static let broadcast4 = IPv4Address(192, 0, 2, 255)

    static let gateway = Party(.gateway, 1)
    static let host = Party(.host, 2)
    static let www = Party(.www, 11)
    static let mail = Party(.mail, 21)
    static let db = Party(.db, 31)
    static let router = Party(.router, 41)
    static let vlan = Party(.vlan, 51)
    static let dhcp = Party(.dhcp, 61)
    static let v4only = Party(.v4only, 71)
    static let v6only = Party(.v6only, 81)
    static let audit = Party(.audit, 91)
    static let first = Party(.first, 101)
    static let second = Party(.second, 102)
    static let limited = Party(.limited, 111)
    static let vpn = Party(.vpn, 121)
    static let stranger = Party(.stranger, 131)
    static let outside = Party(.outside, 200)

    static let parties: [Site: Party] = Dictionary(
        uniqueKeysWithValues: [
            gateway, host, www, mail, db, router, vlan, dhcp, v4only, v6only, audit, first, second, limited, vpn, stranger, outside,
        ].map { ($0.site, $0) })

    /// www's further addresses.
    static let wwwMore4 = [IPv4Address(192, 0, 2, 12), IPv4Address(192, 0, 2, 13)]
    static let wwwMore6 = [IPv6Address(high: subnet6.high, low: 0x12), IPv6Address(high: subnet6.high, low: 0x13)]
    /// A subnet behind www, which the gateway routes to it.
    static let routed6 = IPv6Prefix(masking: IPv6Address(high: 0x2001_0db8_0001_0003, low: 0), length: 64)!
    static let inRouted6 = IPv6Address(high: 0x2001_0db8_0001_0003, low: 5)
    /// What first and second speak for in turn (RFC 9568 7.3: the virtual router's MAC).
    static let virtualMAC = MACAddress(0x00, 0x00, 0x5e, 0x00, 0x01, 0x0a)
    static let virtual4 = IPv4Address(192, 0, 2, 100)
    static let vlanID: UInt16 = 100
    /// Nobody's, in the subnet.
    static let nobodyMAC = MACAddress(0x02, 0x16, 0x3e, 0, 0, 0xfe)
    static let nobody4 = IPv4Address(192, 0, 2, 250)
    static let nobody6 = IPv6Address(high: subnet6.high, low: 0xfe)
    /// In a subnet that isn't there.
    static let nowhere6 = IPv6Address(high: 0x2001_0db8_dead_0000, low: 1)
    /// The address routers are given by hand, reserved on every bridge.
    static let handGivenRouter = IPv6Address(high: 0xfe80 << 48, low: 1)

    static let internet4 = IPv4Address(203, 0, 113, 9)
    static let internet6 = IPv6Address(high: 0x2001_0db8_000f_0000, low: 9)
    static let gatewayFar4 = IPv4Address(203, 0, 113, 1)
    static let gatewayFar6 = IPv6Address(high: 0x2001_0db8_000f_0000, low: 1)
    static let backend4 = IPv4Address(198, 51, 100, 9)
    static let backend6 = IPv6Address(high: 0x2001_0db8_000b_0000, low: 9)
    static let hostFar4 = IPv4Address(198, 51, 100, 1)
    static let hostFar6 = IPv6Address(high: 0x2001_0db8_000b_0000, low: 1)

    /// How many frames `limited` may send at once; one a second after that.
    static let burst = 20

    /// What the host itself uses on the bridge.
    public static let hostAddresses = GuardModel.HostAddresses(
        macs: [host.mac], addresses: [.v4(host.ip4), .v6(host.ip6), .v6(host.linkLocal)])

    /// Who may use what: what is put in force for the second pass.
    public static let policy = HostPolicy(
        bridges: [
            BridgePolicy(
                name: bridge, uplinks: [uplink], gateways: [.v4(gateway.ip4), .v6(gateway.ip6)], gatewayMACs: [gateway.mac],
                subnets: [subnet4], uplinkMode: .enforce)
        ],
        interfaces: Site.guests.compactMap { site in
            binding(of: site).map { GuestInterface(port: site.port, bridge: bridge, binding: $0) }
        })

    /// - Parameter binding: what the guest at the site has instead of its own.
    static func policy(with binding: Binding?, for site: Site?) -> HostPolicy {
        var policy = policy
        for number in policy.interfaces.indices where policy.interfaces[number].port == site?.port {
            if let binding { policy.interfaces[number].binding = binding }
        }
        return policy
    }

    /// A guest's binding; nil for the stranger and whoever is no guest.
    public static func binding(of site: Site) -> Binding? {
        guard site.isGuest, site != .stranger, let party = parties[site] else { return nil }
        var binding = Binding(
            guest: site.rawValue, macs: [party.mac], addresses4: [IPv4Prefix(party.ip4)], addresses6: [IPv6Prefix(party.ip6)])
        switch site {
        case .www:
            binding.addresses4 += wwwMore4.map { IPv4Prefix($0) }
            binding.addresses6 += wwwMore6.map { IPv6Prefix($0) } + [routed6]
        case .db: binding.linkLocalMode = .eui64
        case .router: binding.roles = [.router]
        case .vlan: binding.vlans = [vlanID]
        case .dhcp: binding.usesDHCP = true
        case .v4only: binding.addresses6 = []
        case .v6only: binding.addresses4 = []
        case .audit: binding.mode = .audit
        case .first, .second: binding.virtualRouters = [VirtualRouter(mac: virtualMAC, address: .v4(virtual4))]
        case .limited:
            binding.limits = Limits(
                broadcastRate: 1, broadcastBurst: UInt32(burst), neighborRate: 1, neighborBurst: UInt32(burst))
        case .vpn: binding.roles = [.transit]
        default: break
        }
        return binding
    }
}
