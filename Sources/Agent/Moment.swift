import Glibc

/// A point in time, by both of the kernel's clocks: intervals are measured by one, people are told the other.
public struct Moment: Sendable, Hashable {
    /// Nanoseconds of CLOCK_MONOTONIC.
    public var monotonic: UInt64
    /// Nanoseconds since 1970.
    public var time: UInt64

    public init(monotonic: UInt64, time: UInt64) {
        self.monotonic = monotonic
        self.time = time
    }

    public static func now() -> Moment { Moment(monotonic: read(CLOCK_MONOTONIC), time: read(CLOCK_REALTIME)) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// When another moment of CLOCK_MONOTONIC was, or will be, in nanoseconds since 1970.
    func time(of other: UInt64) -> UInt64 {
        other <= monotonic ? time - min(time, monotonic - other) : time + min(UInt64.max - time, other - monotonic)
    }
}
