import Testing

@testable import Agent

struct ScheduleTests {
    private let start = ContinuousClock.now

    private func begun() -> Schedule {
        var schedule = Schedule(interval: .seconds(10), settling: .milliseconds(250), now: start)
        _ = schedule.begin(now: start)
        return schedule
    }

    @Test func `the first run is due at once, and the next after the interval`() {
        var schedule = Schedule(interval: .seconds(10), now: start)
        #expect(schedule.isDue(now: start))
        #expect(schedule.begin(now: start) == [.start])
        #expect(!schedule.isDue(now: start + .milliseconds(9999)) && schedule.isDue(now: start + .seconds(10)))
        #expect(schedule.begin(now: start + .seconds(10)) == [.inspection])
    }

    @Test func `what happens together is one run, soon after the first of it`() {
        var schedule = begun()
        schedule.request(.left(port: "a"), now: start + .seconds(1))
        schedule.request(.left(port: "b"), now: start + .milliseconds(1200))
        schedule.request(.left(port: "a"), now: start + .milliseconds(1210))
        #expect(schedule.delay(now: start + .seconds(1)) == .milliseconds(250))
        #expect(schedule.isDue(now: start + .milliseconds(1250)))
        #expect(schedule.begin(now: start + .milliseconds(1250)) == [.left(port: "a"), .left(port: "b")])
        #expect(schedule.delay(now: start + .milliseconds(1250)) == .seconds(10))
    }

    @Test func `what can't wait doesn't`() {
        var schedule = begun()
        schedule.request(.overrun, isUrgent: true, now: start + .seconds(1))
        #expect(schedule.isDue(now: start + .seconds(1)))
    }

    @Test func `runs leave as much time as they take`() {
        var schedule = begun()
        schedule.end(start, now: start + .seconds(2))
        schedule.request(.asked, isUrgent: true, now: start + .seconds(2))
        #expect(!schedule.isDue(now: start + .milliseconds(3999)) && schedule.isDue(now: start + .seconds(4)))
    }

    @Test func `a storm's causes are bounded`() {
        var schedule = begun()
        for number in 0..<1000 { schedule.request(.left(port: "\(number)"), now: start) }
        #expect(schedule.triggers.count == Schedule.triggerLimit)
    }
}
