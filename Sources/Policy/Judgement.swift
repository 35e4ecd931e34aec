import Addresses

/// What policy.md says about one frame at one place, and what the frame changes if it is let pass.
public struct Judgement: Sendable, Hashable {
    /// The first rule that failed; nil: all are kept.
    public var reason: Reason?
    /// Whether the frame goes no further; false with a reason where the mode is audit.
    public var isDropped: Bool
    /// Link-local addresses that the guest claims by this frame, at most two.
    public var claims: [IPv6Address]
    /// What the frame teaches about the uplink's side.
    public var lesson: Lesson?
    /// The port's buckets after the frame.
    public var buckets: Buckets

    init(reason: Reason?, isDropped: Bool, claims: [IPv6Address] = [], lesson: Lesson? = nil, buckets: Buckets) {
        self.reason = reason
        self.isDropped = isDropped
        self.claims = claims
        self.lesson = lesson
        self.buckets = buckets
    }
}
