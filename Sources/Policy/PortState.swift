import Addresses

/// What is known about one port when a frame crosses it.
public struct PortState: Sendable {
    public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        case guest = 1
        case uplink = 2
        /// The bridge interface itself, the way to the host's own stack.
        case bridge = 3
    }

    public static let maximumClaims = 4

    /// The interface index.
    public let index: UInt32
    /// The bridge's interface name.
    public let bridge: String
    public let kind: Kind
    /// Who may use what here; nil: nobody vouches for this port (`no-binding`). Uplinks and bridges have none.
    public let binding: Binding?
    let entitlement: Entitlement?
    /// Link-local addresses that the guest has claimed, at most `maximumClaims`.
    public var claims: [IPv6Address]
    public var buckets: Buckets

    /// - Parameter subnets: the bridge's IPv4 subnets, for rule G4.
    public init(
        index: UInt32, bridge: String, kind: Kind, binding: Binding? = nil, subnets: [IPv4Prefix] = [],
        claims: [IPv6Address] = [], buckets: Buckets = Buckets()
    ) {
        self.index = index
        self.bridge = bridge
        self.kind = kind
        self.binding = binding
        entitlement = binding.map { Entitlement($0, subnets: subnets) }
        self.claims = claims
        self.buckets = buckets
    }
}
