import EventStore
import Logging
import Packets
import Policy
import Reporting

/// Tells the journal who tries what: a line when somebody begins, then one every ten minutes while it goes on. However
/// many begin at once, lines are few; how many were left out is told.
///
/// Not Sendable: one thread tells.
public final class ViolationJournal {
    /// What one line is about.
    private struct Subject: Hashable {
        var guest: String?
        var port: String
        var direction: Direction
        var reason: Reason
    }

    private struct Course {
        var bridge: String
        var wasAudited: Bool
        /// Monotonic nanoseconds.
        var lastTold: UInt64
        var lastSeen: UInt64
        /// Since it was last told.
        var packets: UInt64
        var sample: SampleFrame?
    }

    /// Subjects remembered at once; those beyond are counted as lines left out.
    static let bound = 8192
    private static let period: UInt64 = 600_000_000_000

    private let logger: Logger
    private var courses: [Subject: Course] = [:]
    private let bucket = TokenBucket(rate: 20, burst: 50)
    private var fullAt: UInt64 = 0
    private var untold: UInt64 = 0
    private var nextLook: UInt64 = 0
    private var nextTellingOfSuppressed: UInt64 = 0
    public private(set) var lines: UInt64 = 0
    public private(set) var suppressed: UInt64 = 0

    public init(_ logger: Logger) { self.logger = logger }

    /// Takes note of frames that broke a rule. Notices aren't told: honest guests cause them too.
    ///
    /// - Parameter now: nanoseconds of CLOCK_MONOTONIC.
    public func note(_ violation: Violation, _ count: ViolationCount, now: UInt64) {
        guard violation.reason.severity != .notice, count.packets > 0 else { return }
        let subject = Subject(guest: violation.guest, port: violation.port, direction: violation.direction, reason: violation.reason)
        guard var course = courses[subject], now &- course.lastSeen < Self.period else {
            guard courses[subject] != nil || courses.count < Self.bound else { return suppress() }
            courses[subject] = Course(
                bridge: violation.bridge, wasAudited: violation.wasAudited, lastTold: now, lastSeen: now,
                packets: (courses[subject]?.packets ?? 0) &+ count.packets, sample: count.samples.first)
            return tell(subject, isNew: true, now)
        }
        course.packets &+= count.packets
        course.lastSeen = now
        course.bridge = violation.bridge
        course.wasAudited = violation.wasAudited
        course.sample = course.sample ?? count.samples.first
        courses[subject] = course
    }

    /// Tells what has gone on for ten minutes, and forgets what hasn't. To be called now and then.
    public func look(now: UInt64) {
        guard now >= nextLook else { return }
        nextLook = now &+ 1_000_000_000
        for (subject, course) in courses where now &- course.lastTold >= Self.period {
            if course.packets > 0 {
                tell(subject, isNew: false, now)
            } else if now &- course.lastSeen >= Self.period {
                courses[subject] = nil
            }
        }
        tellSuppressed(now)
    }

    private func tell(_ subject: Subject, isNew: Bool, _ now: UInt64) {
        guard let course = courses[subject] else { return }
        guard bucket.take(from: &fullAt, now: now) else {
            // What goes on is told a little later; the beginning of something, with its next ten minutes.
            if isNew { suppress() }
            return
        }
        courses[subject]?.lastTold = now
        courses[subject]?.packets = 0
        courses[subject]?.sample = nil
        lines += 1
        var metadata: Logger.Metadata = [
            "port": "\(subject.port.visible)", "bridge": "\(course.bridge.visible)", "direction": "\(subject.direction.name)",
            "reason": "\(subject.reason.name)", "severity": "\(subject.reason.severity.rawValue)",
            "verdict": course.wasAudited ? "would drop" : "drop", "packets": "\(course.packets)",
        ]
        if let guest = subject.guest { metadata["guest"] = "\(guest.visible)" }
        if let sample = course.sample { metadata["sample"] = "\(sample.frame.description.visible)" }
        logger.warning(isNew ? "a rule is broken" : "a rule is still being broken", metadata: metadata)
    }

    private func suppress() {
        untold += 1
        suppressed += 1
    }

    private func tellSuppressed(_ now: UInt64) {
        guard untold > 0, now >= nextTellingOfSuppressed, bucket.take(from: &fullAt, now: now) else { return }
        nextTellingOfSuppressed = now &+ 10_000_000_000
        logger.warning("more rules were broken than lines are written", metadata: ["lines": "\(untold)"])
        untold = 0
    }
}
