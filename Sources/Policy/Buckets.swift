/// The token buckets of one guest port (policy.md, section 8), as times of virtual scheduling in nanoseconds.
public struct Buckets: Sendable, Hashable {
    /// The time at which the bucket for frames to groups is full again.
    public var broadcast: UInt64
    /// The time at which the bucket for ARP and neighbour discovery is full again.
    public var neighbor: UInt64

    public init(broadcast: UInt64 = 0, neighbor: UInt64 = 0) {
        self.broadcast = broadcast
        self.neighbor = neighbor
    }
}

/// A rate and burst in the units of the kernel program: virtual scheduling (ITU-T I.371, the GCRA). A full bucket
/// lets exactly `burst` frames pass, and then one each interval.
package struct TokenBucket: Sendable {
    /// Nanoseconds a frame; 0 is no limit.
    let interval: UInt64
    /// Nanoseconds that a burst may run ahead.
    let burst: UInt64

    /// - Parameters:
    ///   - rate: frames a second; 0 is no limit, and so is what has no whole nanosecond a frame.
    ///   - burst: frames at once.
    package init(rate: UInt32, burst: UInt32) {
        interval = rate == 0 ? 0 : 1_000_000_000 / UInt64(rate)
        self.burst = interval * UInt64(burst)
    }

    /// Takes a frame's worth out of the bucket, if it is there; false: the frame is one too many, and nothing is taken.
    package func take(from time: inout UInt64, now: UInt64) -> Bool {
        guard interval > 0 else { return true }
        let start = max(time, now)
        guard burst >= interval, start - now <= burst - interval else { return false }
        time = start &+ interval
        return true
    }
}
