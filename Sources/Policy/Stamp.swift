/// What a frame on its way out of a bridge carries to show where it comes from (policy.md, section 1).
public enum Stamp: Sendable, Hashable, CaseIterable {
    /// It was judged as it entered the bridge, or sent by the host through the bridge interface.
    case stamped
    /// No stamp, and none of the signs below.
    case unstamped
    /// No stamp, `ingress_ifindex` 0: made here, not received. Counts out of a port.
    case madeHere
    /// No stamp, packet type LOOPBACK: the host's own, coming back to its own listeners. Counts into the host.
    case loopback
    /// No stamp, packet type HOST: with a group destination the bridge's own queries. Counts into the host.
    case host
}
