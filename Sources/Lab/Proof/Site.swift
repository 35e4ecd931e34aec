import Addresses

/// Who is where in the network that `Proof` builds: the machine behind each cable.
public enum Site: String, Sendable, Hashable, CaseIterable, Encodable {
    // Guests, in the order of their ports vif1.0, vif2.0…
    /// The guest that most attacks come from: several addresses of both families, and a routed IPv6 /64.
    case www
    /// The guest that is attacked.
    case mail
    /// Makes no link-local addresses of its own choice.
    case db
    /// Has the role `router`.
    case router
    /// Has the role `vlan`.
    case vlan
    /// Gets its address from a DHCP server.
    case dhcp
    case v4only
    case v6only
    /// Its mode is audit.
    case audit
    /// Two that take turns as a virtual router.
    case first, second
    /// Has limits so low that a test can exceed them.
    case limited
    /// Has the role `transit`.
    case vpn
    /// Plugged in, and named by no policy.
    case stranger

    // Beyond the uplink.
    case gateway, outside
    // Beyond the gateway.
    case internet
    /// The machine whose bridge is guarded.
    case host
    /// Beyond the host, which routes to it.
    case backend

    /// In the order of their ports.
    public static let guests: [Site] = [
        .www, .mail, .db, .router, .vlan, .dhcp, .v4only, .v6only, .audit, .first, .second, .limited, .vpn, .stranger,
    ]
    public var isGuest: Bool { Self.guests.contains(self) }

    /// The bridge's port that leads there: a guest's own, the uplink, or the bridge itself.
    public var port: String {
        if let number = Self.guests.firstIndex(of: self) { return "vif\(number + 1).0" }
        return self == .host || self == .backend ? Stage.bridge : Stage.uplink
    }
}

/// One machine's card: what it is addressed by.
public struct Party: Sendable, Hashable {
    public let site: Site
    public let mac: MACAddress
    public let ip4: IPv4Address
    public let ip6: IPv6Address

    /// What the card makes of its MAC (RFC 4291 appendix A).
    public var linkLocal: IPv6Address { mac.eui64LinkLocal }

    /// Machine number `number` of the subnet: the last byte of all three addresses.
    init(_ site: Site, _ number: UInt8) {
        self.site = site
        mac = MACAddress(0x02, 0x16, 0x3e, 0, 0, number)
        ip4 = IPv4Address(192, 0, 2, number)
        ip6 = IPv6Address(high: Stage.subnet6.high, low: UInt64(number))
    }
}
