import Glibc

/// A point in time as people read it.
package struct WallClock {
    /// Nanoseconds since 1970.
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// - Parameter monotonic: nanoseconds of CLOCK_MONOTONIC, not long ago.
    package init(monotonic: UInt64) {
        let age = Int64(clamping: Self.now(CLOCK_MONOTONIC)) - Int64(clamping: monotonic)
        nanoseconds = UInt64(clamping: Int64(clamping: Self.now(CLOCK_REALTIME)) &- age)
    }

    package static var now: WallClock { WallClock(nanoseconds: now(CLOCK_REALTIME)) }

    /// What a clock of the kernel shows, in nanoseconds: CLOCK_REALTIME, CLOCK_MONOTONIC.
    package static func now(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// "2026-03-01 12:00:00.123", where this host is.
    package var local: String { text("%Y-%m-%d %H:%M:%S", localtime_r) }

    /// "2026-03-01T11:00:00.123Z"
    package var universal: String { text("%Y-%m-%dT%H:%M:%S", gmtime_r) + "Z" }

    private func text(
        _ format: String, _ calendar: (UnsafePointer<time_t>, UnsafeMutablePointer<tm>) -> UnsafeMutablePointer<tm>?
    ) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var fields = tm()
        guard calendar(&seconds, &fields) != nil else { return "\(nanoseconds)" }
        var buffer = [UInt8](repeating: 0, count: 64)
        let length = buffer.withUnsafeMutableBytes {
            strftime($0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count, format, &fields)
        }
        let milliseconds = String(nanoseconds / 1_000_000 % 1000)
        return String(decoding: buffer[..<length], as: UTF8.self) + "." + String(repeating: "0", count: 3 - milliseconds.count)
            + milliseconds
    }
}
