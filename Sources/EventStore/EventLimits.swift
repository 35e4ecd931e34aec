/// How much of what happened is kept.
public struct EventLimits: Sendable, Hashable {
    /// Events older than this go.
    public var days: Int
    /// The database grows no larger, in bytes; the oldest events make room. At least `leastBytes`.
    public var bytes: Int

    public static let leastBytes = 256 << 10

    public init(days: Int = 30, bytes: Int = 256 << 20) {
        self.days = max(days, 1)
        self.bytes = max(bytes, Self.leastBytes)
    }
}
