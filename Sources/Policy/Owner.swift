/// Whose an address or MAC is on a bridge (policy.md, Terms).
public struct Owner: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// A guest's by its binding; `port` is the interface index, nil while the guest is stopped.
        case guest(port: UInt32?)
        /// A link-local address that the guest on this port has claimed.
        case claim(port: UInt32)
        /// A gateway's, the host's own, or one that the configuration reserves.
        case reserved
        /// A router's that advertises itself on the uplink (rule U3).
        case router
    }

    public var kind: Kind
    /// The guest is moving to or from another host: rules U1 and U2 leave it out.
    public var isMigrating: Bool

    public init(_ kind: Kind, isMigrating: Bool = false) {
        self.kind = kind
        self.isMigrating = isMigrating
    }

    /// The port that it belongs to; nil for a stopped guest's, a reserved one and a router's.
    public var port: UInt32? {
        switch kind {
        case .guest(let port): port
        case .claim(let port): port
        case .reserved, .router: nil
        }
    }

    /// Whether rules U1 and U2 protect it: a local guest's, running or stopped, that isn't on the move.
    var isGuarded: Bool {
        switch kind {
        case .guest, .claim: !isMigrating
        case .reserved, .router: false
        }
    }
}
