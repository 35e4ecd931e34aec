/// So many a second, and so many at once.
struct TokenBucket: Sendable {
    private let interval: UInt64
    private let burst: UInt64
    /// Virtual scheduling time, in nanoseconds of CLOCK_MONOTONIC (ITU-T I.371).
    private var time: UInt64 = 0

    init(rate: UInt64, burst: UInt64) {
        interval = 1_000_000_000 / rate
        self.burst = interval * burst
    }

    /// Whether there is one to take, which is taken then.
    mutating func take(_ now: UInt64) -> Bool {
        let at = max(time, now)
        guard at - now + interval <= burst else { return false }
        time = at + interval
        return true
    }
}
