/// Why a frame is dropped: one reason a rule of `Documentation/policy.md`.
///
/// The raw value is the number the kernel program counts under (`enum guard_reason`) and is stable.
public enum Reason: UInt16, Sendable, Hashable, CaseIterable {
    case noBinding = 1
    case unjudged = 2
    case macSource = 3
    case l2Control = 4
    case vlanTag = 5
    case etherType = 6
    case truncated = 7
    case noIPv4 = 8
    case noIPv6 = 9
    case arpMalformed = 10
    case arpOpcode = 11
    case arpSenderMAC = 12
    case arpSenderIP = 13
    case arpProbeTarget = 14
    case ip4Malformed = 15
    case ip4Source = 16
    case ip4SourceRoute = 17
    case dhcp4Client = 18
    case dhcp4Server = 19
    case ip4TinyFragment = 20
    case icmp4Router = 21
    case multicastQuery = 22
    case ip6Malformed = 23
    case ip6Source = 24
    case ip6HeaderChain = 25
    case ip6Fragment = 26
    case ndMalformed = 27
    case raGuard = 28
    case ndRedirect = 29
    case ndSolicitation = 30
    case ndAdvertisement = 31
    case ndRouterSolicitation = 32
    case icmp6Control = 33
    case dhcp6Server = 34
    case llClaimed = 35
    case uplinkGuestMAC = 36
    case uplinkGuestAddress = 37
    case notForGuestMAC = 38
    case notForGuestIP4 = 39
    case notForGuestIP6 = 40
    case quiet = 41
    case limitBroadcast = 42
    case limitNeighbor = 43
}

/// How much a reason says about the guest that caused it (policy.md, section 10).
public enum Severity: String, Sendable, Hashable, CaseIterable {
    /// Somebody else's identity or role was used.
    case violation
    /// The frame can't be judged, or is made to evade.
    case malformed
    /// What honest guests and busy networks cause too.
    case notice
}
