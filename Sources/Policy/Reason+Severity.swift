extension Reason {
    /// How much the reason says about the guest (policy.md, section 10).
    public var severity: Severity {
        switch self {
        case .macSource, .l2Control, .vlanTag, .arpSenderMAC, .arpSenderIP, .arpProbeTarget, .ip4Source, .ip4SourceRoute,
            .dhcp4Client, .dhcp4Server, .icmp4Router, .multicastQuery, .ip6Source, .raGuard, .ndRedirect, .ndSolicitation,
            .ndAdvertisement, .ndRouterSolicitation, .icmp6Control, .dhcp6Server, .llClaimed, .uplinkGuestMAC,
            .uplinkGuestAddress:
            .violation
        case .truncated, .arpMalformed, .arpOpcode, .ip4Malformed, .ip4TinyFragment, .ip6Malformed, .ip6HeaderChain,
            .ip6Fragment, .ndMalformed:
            .malformed
        case .noBinding, .unjudged, .etherType, .noIPv4, .noIPv6, .notForGuestMAC, .notForGuestIP4, .notForGuestIP6, .quiet,
            .limitBroadcast, .limitNeighbor:
            .notice
        }
    }

    /// Whether audit mode drops it too: what guards everybody else, and what reaches the host past the bridge.
    public var dropsInAudit: Bool {
        switch self {
        case .noBinding, .unjudged, .l2Control: true
        default: false
        }
    }

    /// The rules of policy.md that give this reason, such as `S2`; a whole section where it numbers none.
    public var rules: [String] {
        switch self {
        case .noBinding: ["section 1"]
        case .unjudged: ["section 1", "G1"]
        case .macSource: ["E1"]
        case .l2Control: ["E2", "G3"]
        case .vlanTag: ["E3", "G3"]
        case .etherType: ["E4", "G3"]
        case .truncated: ["E0", "E5", "G3"]
        case .noIPv4, .noIPv6: ["E6"]
        case .arpMalformed: ["A1", "G6"]
        case .arpOpcode: ["A2"]
        case .arpSenderMAC: ["A3"]
        case .arpSenderIP: ["A4"]
        case .arpProbeTarget: ["A5"]
        case .ip4Malformed: ["F1"]
        case .ip4Source: ["F2"]
        case .ip4SourceRoute: ["F3"]
        case .dhcp4Client: ["F4"]
        case .dhcp4Server: ["F5"]
        case .ip4TinyFragment: ["F6"]
        case .icmp4Router: ["F7"]
        case .multicastQuery: ["F8", "S11"]
        case .ip6Malformed: ["S1"]
        case .ip6Source: ["S2"]
        case .ip6HeaderChain: ["S3"]
        case .ip6Fragment: ["S4"]
        case .ndMalformed: ["S5"]
        case .raGuard, .ndRedirect: ["S6"]
        case .ndSolicitation: ["S7"]
        case .ndAdvertisement: ["S8"]
        case .ndRouterSolicitation: ["S9"]
        case .icmp6Control: ["S10"]
        case .dhcp6Server: ["S12"]
        case .llClaimed: ["S2", "S7", "S8"]
        case .uplinkGuestMAC: ["U1"]
        case .uplinkGuestAddress: ["U2"]
        case .notForGuestMAC: ["G2"]
        case .notForGuestIP4: ["G4"]
        case .notForGuestIP6: ["G5"]
        case .quiet: ["G6"]
        case .limitBroadcast, .limitNeighbor: ["section 8"]
        }
    }
}
