import Agent
import EventStore
import Logging
import Policy
import Testing

/// The journal names who tries what, in few lines.
@Suite(.timeLimit(.minutes(10)))
struct ViolationJournalTests {
    private static let second: UInt64 = 1_000_000_000
    private let log = Log()
    private let journal: ViolationJournal

    init() { journal = ViolationJournal(log.logger) }

    private func note(
        _ packets: UInt64 = 1, guest: String? = "www", port: String = "vif1.0", reason: Reason = .arpSenderIP,
        direction: Direction = .fromGuest, at seconds: UInt64, sample: SampleFrame? = nil
    ) {
        let now = (1000 + seconds) * Self.second
        journal.note(
            Violation(bridge: "br0", guest: guest, port: port, direction: direction, reason: reason, wasAudited: false),
            ViolationCount(packets: packets, bytes: packets * 60, first: 0, last: 0, samples: sample.map { [$0] } ?? []), now: now)
        journal.look(now: now)
    }

    @Test func `the first line says who, where, what, how often and what it looked like`() {
        let arp: [UInt8] = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 2, 0, 0, 0, 0, 0, 0, 192,
            0, 2, 254,
        ]
        note(5, at: 0, sample: SampleFrame(time: 0, bytes: arp, length: 42))
        #expect(log.lines.count == 1 && log.lines[0].level == .warning)
        let metadata = log.violations[0]
        #expect(metadata["guest"] == "www" && metadata["port"] == "vif1.0" && metadata["bridge"] == "br0" && metadata["packets"] == "5")
        #expect(metadata["reason"] == "arp-sender-ip" && metadata["direction"] == "from-guest" && metadata["severity"] == "violation")
        #expect(metadata["verdict"] == "drop" && metadata["sample"]?.contains("192.0.2.2") == true)
    }

    @Test func `what goes on is told every ten minutes, with all that came since`() {
        for second in 0...1799 { note(2, at: UInt64(second)) }
        #expect(log.violations.map { $0["packets"] } == ["2", "1200", "1200"])
        #expect(log.lines.map(\.message) == ["a rule is broken", "a rule is still being broken", "a rule is still being broken"])
    }

    @Test func `what has stopped is told to its end, and is new ten minutes later`() {
        note(1, at: 0)
        note(4, at: 10)
        for second in 11...2000 { journal.look(now: (1000 + UInt64(second)) * Self.second) }
        #expect(log.violations.map { $0["packets"] } == ["1", "4"])
        note(9, at: 2001)
        #expect(log.violations.map { $0["packets"] } == ["1", "4", "9"] && log.lines[2].message == "a rule is broken")
    }

    @Test func `each guest, port, reason and direction is told by itself`() {
        note(at: 0)
        note(guest: "mail", at: 0)
        note(port: "vif2.0", at: 0)
        note(reason: .arpSenderMAC, at: 0)
        note(direction: .toGuest, at: 0)
        note(at: 0)
        #expect(log.violations.count == 5)
    }

    @Test func `notices aren't told`() {
        for reason in Reason.allCases { note(reason: reason, at: 0) }
        #expect(Set(log.violations.compactMap { $0["reason"] }) == Set(Reason.allCases.filter { $0.severity != .notice }.map(\.name)))
        #expect(log.lines.allSatisfy { $0.level == .warning })
    }

    @Test func `however many begin at once, lines are few, and how many were left out is told`() {
        for guest in 0..<1000 { note(guest: "guest-\(guest)", at: 0) }
        #expect(log.violations.count == 50 && journal.lines == 50 && journal.suppressed == 950)
        // 20 tokens later.
        for guest in 1000..<1100 { note(guest: "guest-\(guest)", at: 1) }
        let told = log.lines.compactMap { $0.metadata["lines"] }.compactMap { Int($0) }
        #expect(log.violations.count + told.count == 70)
        #expect(told.count == 1 && told[0] >= 950)
        // Nobody is forgotten: what those did is told with the next ten minutes.
        for second in 2...700 { journal.look(now: (1000 + UInt64(second)) * Self.second) }
        #expect(log.violations.count == 50 + 19 + 950 + 81)
    }

    @Test func `of more than can be remembered the rest are counted as left out`() {
        for guest in 0..<20_000 { note(guest: "guest-\(guest)", at: 0) }
        #expect(journal.lines == 50 && journal.suppressed == 20_000 - 50)
    }

    @Test func `no name steers the journal`() {
        note(guest: "www\nvifguard: all is well\u{1b}[2J", port: "vif\r1.0", at: 0)
        let metadata = log.violations[0]
        for (_, value) in metadata { #expect(!value.unicodeScalars.contains { $0.value < 0x20 }, "\(value)") }
        #expect(metadata["guest"]?.contains("all is well") == true)
    }
}
