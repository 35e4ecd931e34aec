import Datapath
import EventStore
import Policy

/// Which events are looked at: a few a minute of each kind. The rest are counted by the kernel, and dropped unread.
struct Sampling {
    struct Key: Hashable {
        var port: UInt32
        var direction: Direction
        var reason: Reason
        var wasAudited: Bool

        init(_ event: GuardEvent) {
            port = event.port
            direction = event.direction
            reason = event.reason
            wasAudited = event.wasAudited
        }
    }

    struct Uncounted {
        var bridge: UInt32
        var packets: UInt64 = 0
        var bytes: UInt64 = 0
    }

    private static let minute: UInt64 = 60_000_000_000

    private var currentMinute: UInt64 = 0
    private var taken: [Key: Int] = [:]
    private var countingSince: UInt64 = 0
    /// Events of this step that are newer than the counters' last reading.
    private(set) var uncounted: [Key: Uncounted] = [:]
    /// Frames of which no event was sent, as the events of this step tell.
    private(set) var leftOut: UInt64 = 0

    /// Before the events of a step.
    ///
    /// - Parameter countingSince: when counters were last read, in nanoseconds of CLOCK_MONOTONIC.
    mutating func begin(_ now: Moment, countingSince: UInt64) {
        if now.time / Self.minute != currentMinute {
            currentMinute = now.time / Self.minute
            taken = [:]
        }
        self.countingSince = countingSince
        uncounted = [:]
        leftOut = 0
    }

    mutating func isWanted(_ event: GuardEvent) -> Bool {
        leftOut &+= UInt64(event.leftOut)
        guard Violation.isWorthKeeping(event.reason, event.direction) else { return false }
        let key = Key(event)
        if event.time > countingSince {
            uncounted[key, default: Uncounted(bridge: event.bridge)].packets += 1
            uncounted[key]?.bytes += UInt64(event.frameLength)
        }
        let count = taken[key, default: 0]
        guard count < SampleFrame.perMinute else { return false }
        taken[key] = count + 1
        return true
    }
}
