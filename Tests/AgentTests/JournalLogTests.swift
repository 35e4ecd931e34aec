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
}
