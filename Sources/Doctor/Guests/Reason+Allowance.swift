import Policy

extension Reason {
    /// The line of the policy that lets a guest do what this reason stops, where there is one.
    var allowance: String? {
        switch self {
        case .macSource: "macs: [...]"
        case .vlanTag: "vlans: [...]"
        case .etherType: "ethertypes: [...]"
        case .arpSenderIP, .arpProbeTarget, .ip4Source, .noIPv4, .ip6Source, .noIPv6, .notForGuestIP4, .notForGuestIP6, .ndAdvertisement,
            .ndSolicitation:
            "addresses: [...]"
        case .llClaimed: "link-local: {addresses: [...]}"
        case .dhcp4Server: "roles: [dhcp4-server]"
        case .dhcp6Server: "roles: [dhcp6-server]"
        case .icmp4Router, .raGuard, .ndRedirect: "roles: [router]"
        case .multicastQuery: "roles: [multicast-querier]"
        case .limitBroadcast: "limits: {broadcast: {rate: ...}}"
        case .limitNeighbor: "limits: {neighbor: {rate: ...}}"
        default: nil
        }
    }
}
