/// When the reconciler looks at the whole host again: soon after something happened, once for all that happens together,
/// and at intervals in any case. A value; the clock is the caller's.
struct Schedule {
    /// Between two inspections.
    let interval: Duration
    /// How long it waits for more to happen.
    let settling: Duration

    /// Why the next run is made, in the order in which it came up; at most `triggerLimit` of them.
    private(set) var triggers: [Trigger] = []
    private var due: ContinuousClock.Instant
    private var earliest: ContinuousClock.Instant

    static let triggerLimit = 8

    /// The first run is due at once.
    init(interval: Duration = .seconds(10), settling: Duration = .milliseconds(250), now: ContinuousClock.Instant) {
        self.interval = interval
        self.settling = settling
        due = now
        earliest = now
        triggers = [.start]
    }

    /// - Parameter isUrgent: as soon as may be.
    mutating func request(_ trigger: Trigger, isUrgent: Bool = false, now: ContinuousClock.Instant) {
        if triggers.count < Self.triggerLimit, !triggers.contains(trigger) { triggers.append(trigger) }
        due = min(due, isUrgent ? now : now + settling)
    }

    func isDue(now: ContinuousClock.Instant) -> Bool { now >= next }

    /// How long until the next run; zero if it is due.
    func delay(now: ContinuousClock.Instant) -> Duration { max(.zero, now.duration(to: next)) }

    private var next: ContinuousClock.Instant { max(due, earliest) }

    /// A run begins. Gives why.
    mutating func begin(now: ContinuousClock.Instant) -> [Trigger] {
        defer {
            triggers = []
            due = now + interval
        }
        return triggers.isEmpty ? [.inspection] : triggers
    }

    /// It has ended. The next one leaves as much time as this one took to everybody else: a storm of changes costs half a
    /// core at most.
    mutating func end(_ begun: ContinuousClock.Instant, now: ContinuousClock.Instant) { earliest = now + begun.duration(to: now) }
}
