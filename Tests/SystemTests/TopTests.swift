import Foundation
import Lab
import Synchronization
import Testing

/// `vifguard top` as people use it: on a terminal, with traffic.
@Suite(.timeLimit(.minutes(5)))
struct TopTests {
    /// Guest 1 says without end in ARP that another's address is its own, and speaks as it should now and then.
    private final class Flood: Sendable {
        private let isOver = Mutex(false)
        private let hasEnded = Mutex(false)

        init(_ fixture: CommandFixture) throws {
            let sender = try FrameSender(on: "p-vif1.0", in: fixture.host)
            let spoofs = [[UInt8]](repeating: arpRequest(from: 1, sender: [192, 0, 2, 2]), count: 20)
            Thread { [self] in
                while !isOver.withLock({ $0 }) {
                    try? sender.send(spoofs + [arpRequest(from: 1)])
                    usleep(500)
                }
                hasEnded.withLock { $0 = true }
            }.start()
        }

        func stop() {
            isOver.withLock { $0 = true }
            while !hasEnded.withLock({ $0 }) { usleep(1000) }
        }
    }

    private func guarded() throws -> CommandFixture {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        return fixture
    }

    private func terminal(_ fixture: CommandFixture, columns: Int = 80, lines: Int = 24, _ options: String...) throws -> PseudoTerminal {
        try PseudoTerminal([CommandFixture.binary, "top"] + options, in: fixture.host, columns: columns, lines: lines)
    }

    @Test func `it names the flooder, fits every window, and leaves the terminal as it was`() throws {
        let fixture = try guarded()
        let flood = try Flood(fixture)
        defer { flood.stop() }
        let terminal = try terminal(fixture)
        // The shell's: what is there before anything is drawn. The program may have begun, so a fresh terminal tells.
        let before = try PseudoTerminal(["/bin/true"], in: fixture.host, columns: 80, lines: 24).settings
        terminal.wait { $0.text.contains("/s arp-sender-ip from vif1.0 www.example.com") }
        #expect(terminal.isRaw && terminal.screen.has(1049) && !terminal.screen.has(25))
        let screen = terminal.screen
        #expect(String(screen.lines[6]).hasPrefix("vif1.0 www.example.com"))
        #expect(String(screen.lines[6]).contains("arp-sender-ip"))
        #expect(String(screen.lines[1]).hasPrefix("ports 4: 1 bound, 1 closed, 2 trusted"))
        #expect(screen.line(beginning: "vif2.0")?.contains("(CLOSED)") == true)

        for (columns, lines) in [(200, 50), (30, 8), (1, 1), (300, 2), (80, 24)] {
            try terminal.resize(columns: columns, lines: lines)
            // All that was there is gone ("~"), and the flooder stands somewhere.
            let shown = columns == 1 ? "v" : "vif1.0"
            terminal.wait { !$0.text.contains("~") && ($0.text.contains(shown) || columns == 1) }
        }
        #expect(!terminal.screen.wasOverrun && terminal.screen.unknown.isEmpty, "\(terminal.screen.unknown)")

        terminal.press("q")
        #expect(terminal.ended() == 0)
        #expect(terminal.settings == before)
        #expect(!terminal.screen.has(1049) && terminal.screen.has(25) && terminal.screen.has(7))
    }

    @Test func `keys order, choose and explain`() throws {
        let fixture = try guarded()
        let terminal = try terminal(fixture)
        terminal.wait { $0.text.contains("by dropped") }
        terminal.press("n")
        terminal.wait { $0.text.contains("by name") && String($0.lines[6]).hasPrefix("br0 ") }
        terminal.press("r")
        terminal.wait { $0.text.contains("by name, reversed") && String($0.lines[6]).hasPrefix("vif2.0 ") }
        terminal.press("/EXAMPLE")
        terminal.wait { $0.text.contains("filter: EXAMPLE_") && String($0.lines[6]).hasPrefix("vif1.0 ") && $0.line(beginning: "br0 ") == nil }
        terminal.press("\r")
        terminal.wait { $0.text.contains("only 'EXAMPLE': 1 of 4") }
        terminal.press("\u{1b}")
        terminal.wait { $0.line(beginning: "br0 ") != nil }
        terminal.press("?")
        terminal.wait { $0.text.contains("this help") }
        terminal.press("x ")
        terminal.wait { $0.text.contains("PAUSED") }
        terminal.press("\u{3}")
        #expect(terminal.ended() == 0)
    }

    @Test(arguments: [SIGTERM, SIGHUP, SIGSEGV, SIGABRT])
    func `whatever ends it, the terminal is as it was`(signal: Int32) throws {
        let fixture = try guarded()
        let terminal = try terminal(fixture)
        let before = try PseudoTerminal(["/bin/true"], in: fixture.host, columns: 80, lines: 24).settings
        terminal.wait { $0.text.contains("by dropped") }
        terminal.signal(signal)
        #expect(terminal.ended() == 128 + signal)
        #expect(terminal.settings == before)
        #expect(!terminal.screen.has(1049) && terminal.screen.has(25))
    }

    @Test func `a shell gets its terminal while it is stopped, and it comes back`() throws {
        let fixture = try guarded()
        let script = "set -m; \"$0\" top; stty -a; echo STOPPED; read line; fg; echo ENDED $?"
        let terminal = try PseudoTerminal(["/bin/sh", "-c", script, CommandFixture.binary], in: fixture.host, columns: 80, lines: 24)
        terminal.wait { $0.text.contains("by dropped") }
        terminal.press("\u{1a}")
        terminal.wait { $0.text.contains("STOPPED") }
        #expect(!terminal.isRaw && !terminal.screen.has(1049) && terminal.screen.has(25))
        terminal.press("\n")
        terminal.wait { $0.has(1049) && $0.text.contains("by dropped") && !$0.text.contains("STOPPED") }
        #expect(terminal.isRaw)
        terminal.press("q")
        terminal.wait { $0.text.contains("ENDED 0") }
        #expect(terminal.ended() == 0 && !terminal.isRaw)
        // It may take the terminal twice: once it goes on, and when it is told so.
        let modes = terminal.screen.modes.filter { $0.hasPrefix("1049") }
        #expect(modes.prefix(3) == ["1049h", "1049l", "1049h"] && modes.last == "1049l" && modes.filter { $0 == "1049l" }.count == 2, "\(modes)")
    }

    @Test func `it goes on when the guard is taken away and comes back`() throws {
        let fixture = try guarded()
        let terminal = try terminal(fixture, "--interval", "0.2")
        terminal.wait { $0.line(beginning: "vif1.0 ") != nil }
        _ = try fixture.succeed("uninstall", "--yes")
        terminal.wait { $0.text.contains("nothing is loaded") && $0.line(beginning: "vif1.0 ") == nil }
        _ = try fixture.succeed("apply")
        terminal.wait { $0.line(beginning: "vif1.0 ") != nil }
        _ = try fixture.host.output(of: ["ip", "link", "del", "vif2.0"])
        terminal.wait { $0.line(beginning: "vif2.0 ")?.contains("(GONE)") == true }
        _ = try fixture.host.output(of: ["ip", "link", "add", "tap7", "type", "veth", "peer", "name", "p7"])
        _ = try fixture.host.output(of: ["ip", "link", "set", "tap7", "master", "br0"])
        terminal.wait { $0.line(beginning: "tap7 ")?.contains("(NOT GUARDED)") == true }
        terminal.press("q")
        #expect(terminal.ended() == 0)
    }

    private struct Report: Decodable {
        struct Rate: Decodable { var packetsPerSecond, bitsPerSecond: Double }
        struct Side: Decodable { var passed, dropped: Rate }
        struct Reason: Decodable {
            var reason, direction, verdict: String
            var packets: Int
        }
        struct Port: Decodable {
            var name, state: String
            var guest: String?
            var sent: Side
            var reasons: [Reason]
        }
        var seconds: Double
        var states: [String: Int]
        var ports: [Port]
    }

    @Test func `scripts get an object an interval, with the same figures as the counters`() throws {
        let fixture = try guarded()
        let before = try fixture.port("vif1.0").sent.dropped["arp-sender-ip"]?.packets ?? 0
        let command = try fixture.start("top", "--json", "--count", "3", "--interval", "0.5")
        let sender = try FrameSender(on: "p-vif1.0", in: fixture.host)
        // Between the first observation and the last, wherever that is: the intervals tell how many in all.
        for _ in 0..<1000 where command.outputSoFar.isEmpty { usleep(10_000) }
        try sender.send([[UInt8]](repeating: arpRequest(from: 1, sender: [192, 0, 2, 2]), count: 100))
        let result = try command.wait(atMost: .seconds(60))
        #expect(result.succeeded, "\(result)")
        let reports = try result.output.split(separator: "\n").map { try JSONDecoder().decode(Report.self, from: Data($0.utf8)) }
        #expect(reports.count == 3)
        let port = try #require(reports.last?.ports.first)
        #expect(port.name == "vif1.0" && port.guest == "www.example.com" && port.state == "bound")
        #expect(port.reasons.map(\.reason) == ["arp-sender-ip"] && port.reasons.first?.direction == "from-guest")
        #expect(port.reasons.first?.packets == 100 && port.reasons.first?.verdict == "drop")
        let rates = reports.map { report in
            let dropped = report.ports.first { $0.name == "vif1.0" }?.sent.dropped
            return ((dropped?.packetsPerSecond ?? 0) * report.seconds, (dropped?.bitsPerSecond ?? 0) * report.seconds)
        }
        // 42 bytes each.
        #expect((rates.reduce(0) { $0 + $1.0 }).rounded() == 100 && (rates.reduce(0) { $0 + $1.1 }).rounded() == 100 * 42 * 8)
        #expect(try fixture.port("vif1.0").sent.dropped["arp-sender-ip"]?.packets == before + 100)
        #expect(reports.last?.states == ["bound": 1, "closed": 1, "trusted": 2])
    }

    @Test func `without a terminal it prints plain snapshots`() throws {
        let fixture = try guarded()
        let once = try fixture.run("top", "--once", "--interval", "0.2")
        #expect(once.succeeded && once.errors.isEmpty && !once.output.contains("\u{1b}"))
        #expect(once.output.contains("ports 4: 1 bound, 1 closed, 2 trusted\n") && once.output.contains("\nvif1.0 "))
        for line in once.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        let twice = try fixture.run("top", "--count", "2", "--interval", "0.2")
        #expect(twice.output.components(separatedBy: "vifguard top").count == 3)
        // Its reader goes, and so does it.
        let pipe = try fixture.host.start(["sh", "-c", "\"$0\" top --interval 0.2 | head -n 1", CommandFixture.binary])
        #expect(try pipe.wait(atMost: .seconds(60)).succeeded)
    }

    @Test func `with nothing loaded it says what to do, and doesn't touch the terminal`() throws {
        let fixture = try CommandFixture()
        let refused = try fixture.run("top", "--once")
        #expect(refused.status == 1 && refused.errors.contains("'vifguard apply'"), "\(refused)")
        let terminal = try terminal(fixture)
        #expect(terminal.ended() == 1)
        #expect(terminal.screen.modes.isEmpty && terminal.screen.text.contains("'vifguard apply'"))
    }
}
