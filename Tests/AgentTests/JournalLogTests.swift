import Glibc
import Logging
import Testing

@testable import Agent

struct JournalLogTests {
    private func line(_ level: Logger.Level, _ message: String, _ facts: Logger.Metadata = [:]) -> String {
        JournalLog(isJournal: true).line(level, "\(message)", facts)
    }

    /// The numbers are syslog(3)'s.
    @Test func `the journal is told how severe it is, and the facts as words`() {
        #expect(line(.warning, "violation", ["guest": "www", "count": "3"]) == "<4>violation count=3 guest=www\n")
        #expect(line(.error, "no") == "<3>no\n" && line(.notice, "so") == "<5>so\n" && line(.debug, "ah") == "<7>ah\n")
    }

    @Test func `no text from elsewhere becomes a line, a field or a terminal's command`() {
        let forged = line(.info, "guest\n<0>all is well", ["guest": "a b=c\"\u{1b}[2J"])
        #expect(forged == "<6>guest\\u{a}<0>all is well guest=\"a b=c\\\"\\\\u{1b}[2J\"\n")
        #expect(forged.filter { $0 == "\n" }.count == 1)
    }

    @Test func `elsewhere the time stands before it`() {
        let line = JournalLog(isJournal: false).line(.info, "begun", nil)
        #expect(line.wholeMatch(of: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} info begun\n/) != nil, "\(line)")
    }

    @Test func `a reader that hangs holds nobody up, and is told how much it has missed`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        // Reading doesn't wait in this test; writing would.
        try #require(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        defer { for end in ends { close(end) } }
        let log = Logger(label: "test") { _ in JournalLog(isJournal: true, to: LogLines(ends[1])) }
        func read() -> [String] {
            var bytes = [UInt8](repeating: 0, count: 1 << 21)
            let count = Glibc.read(ends[0], &bytes, bytes.count)
            return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self).split(separator: "\n").map(String.init)
        }
        let sent = 5000
        for number in 0..<sent { log.info("\(number) \(String(repeating: "x", count: 100))") }
        let first = read()
        #expect(first.count > 100 && first.count < sent && first.allSatisfy { $0.hasSuffix("x") } && first[1].hasPrefix("<6>1 "))
        log.info("and on")
        #expect(read() == ["<4>\(sent - first.count) lines before this one are lost: nobody read them in time", "<6>and on"])
        log.info("\(String(repeating: "y", count: 10_000))")
        #expect(read().map(\.utf8.count) == [4095])
    }
}
