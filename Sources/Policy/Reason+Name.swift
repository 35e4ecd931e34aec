extension Reason: LosslessStringConvertible {
    /// The name used in policy.md, output and JSON.
    public var name: String {
        switch self {
        case .noBinding: "no-binding"
        case .unjudged: "unjudged"
        case .macSource: "mac-source"
        case .l2Control: "l2-control"
        case .vlanTag: "vlan-tag"
        case .etherType: "ethertype"
        case .truncated: "truncated"
        case .noIPv4: "no-ipv4"
        case .noIPv6: "no-ipv6"
        case .arpMalformed: "arp-malformed"
        case .arpOpcode: "arp-opcode"
        case .arpSenderMAC: "arp-sender-mac"
        case .arpSenderIP: "arp-sender-ip"
        case .arpProbeTarget: "arp-probe-target"
        case .ip4Malformed: "ip4-malformed"
        case .ip4Source: "ip4-source"
        case .ip4SourceRoute: "ip4-source-route"
        case .dhcp4Client: "dhcp4-client"
        case .dhcp4Server: "dhcp4-server"
        case .ip4TinyFragment: "ip4-tiny-fragment"
        case .icmp4Router: "icmp4-router"
        case .multicastQuery: "multicast-query"
        case .ip6Malformed: "ip6-malformed"
        case .ip6Source: "ip6-source"
        case .ip6HeaderChain: "ip6-header-chain"
        case .ip6Fragment: "ip6-fragment"
        case .ndMalformed: "nd-malformed"
        case .raGuard: "ra-guard"
        case .ndRedirect: "nd-redirect"
        case .ndSolicitation: "nd-solicitation"
        case .ndAdvertisement: "nd-advertisement"
        case .ndRouterSolicitation: "nd-router-solicitation"
        case .icmp6Control: "icmp6-control"
        case .dhcp6Server: "dhcp6-server"
        case .llClaimed: "ll-claimed"
        case .uplinkGuestMAC: "uplink-guest-mac"
        case .uplinkGuestAddress: "uplink-guest-address"
        case .notForGuestMAC: "not-for-guest-mac"
        case .notForGuestIP4: "not-for-guest-ip4"
        case .notForGuestIP6: "not-for-guest-ip6"
        case .quiet: "quiet"
        case .limitBroadcast: "limit-broadcast"
        case .limitNeighbor: "limit-neighbor"
        }
    }

    public var description: String { name }

    /// The reason of this name; nil if there is none.
    public init?(name: String) {
        guard let reason = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = reason
    }

    public init?(_ description: String) { self.init(name: description) }
}
