import Datapath
import Policy
import Reporting
import Testing

@testable import vifguard

/// What is drawn, in windows of every size.
struct TopViewTests {
    private static let ports: [ObservedPort] = {
        func port(_ index: UInt32, _ name: String, _ guest: String?, _ kind: PortKind = .guest) -> ObservedPort {
            ObservedPort(Port(index: index, name: name, bridgeIndex: 1, bridgeName: "br0"), kind: kind, guest: guest)
        }
        return [
            port(1, "br0", nil, .bridge), port(2, "up0", nil, .uplink), port(3, "vif1.0", "www.example.com"), port(4, "vif2.0", nil),
            port(5, "vif10.0", "東京の\u{202e}お客様\u{1b}[2Jとても長い名前"),
        ]
    }()

    /// One second in which vif10.0 floods with a forged sender and vif1.0 speaks as it should.
    private static func snapshot(_ more: [ObservedPort] = []) -> TopSnapshot {
        var now = ports
        now[2].counters.into.passed = .init(packets: 1500, bytes: 150_000)
        now[3].counters.into.dropped[.noBinding] = .init(packets: 3, bytes: 180)
        now[4].counters.into.dropped[.arpSenderIP] = .init(packets: 25_000, bytes: 1_050_000)
        let before = Observation(nanoseconds: 0, ports: ports + more)
        let rates = PortRates.between(before, Observation(nanoseconds: 1_000_000_000, ports: now + more))
        var history = ReasonHistory()
        history.add(rates, until: 1_000_000_000)
        let rows = rates.map { rate in
            let observed = rate.observed
            let state: PortFacts.State = observed.kind != .guest ? .trusted : observed.guest == nil ? .closed : .bound
            return TopRow(rate, state, name: observed.port.name, history, at: 4_000_000_000)
        }
        return TopSnapshot(clock: WallClock(nanoseconds: 0), seconds: 1, rows: rows, bridges: ["br0"], isAgentRunning: false)
    }

    private func lines(_ columns: Int, _ lines: Int, _ keys: String = "", style: Style = Style(isOn: false)) -> [String] {
        var state = TopState()
        for key in keys { state.press(.character(key), page: 10) }
        return TopView(Self.snapshot(), state, WindowSize(columns: columns, lines: lines), style, interval: 1).lines
    }

    @Test func `the flooder is named above all, and stands on top of the rows`() {
        let lines = lines(80, 24)
        #expect(lines[3].hasPrefix("FLOOD 25.0k/s arp-sender-ip from vif10.0 東京の"))
        #expect(lines[6].hasPrefix("vif10.0 ") && lines[6].contains(" 25.0k ") && lines[6].contains("arp-sender-ip"))
        #expect(lines[7].hasPrefix("vif2.0 ") && lines[7].contains("(CLOSED)") && lines[7].contains("no-binding 3 3s"))
        // What passed: 1500 packets, 1,200,000 bits.
        let honest = lines.first { $0.hasPrefix("vif1.0 ") }
        #expect(honest?.contains("1.50k") == true && honest?.contains("1.20M") == true)
    }

    @Test func `the head tells of the host`() {
        let lines = lines(80, 24)
        #expect(lines[0].contains("vifguard top") && lines[0].contains("agent not running") && lines[0].contains("br0"))
        #expect(lines[1].hasPrefix("ports 5: 2 bound, 1 closed, 2 trusted"))
        #expect(lines[2].hasPrefix("dropped 25.0k/s 8.40M b/s   passed 1.50k/s 1.20M b/s"))
        #expect(lines.count == 6 + 5)
    }

    @Test func `every line fills its window to the column, whatever the size`() {
        for columns in Array(1...130) + [200, 500, 2000] {
            for height in [1, 2, 3, 4, 5, 7, 8, 9, 24, 300] {
                for keys in ["", "?", "/", "/vif", "r", "x"] {
                    let lines = lines(columns, height, keys)
                    #expect(lines.count <= height, "\(columns)x\(height) '\(keys)'")
                    #expect(!lines.isEmpty)
                    for line in lines { #expect(line.terminalColumns == columns, "\(columns)x\(height) '\(keys)': \(line)") }
                }
            }
        }
    }

    @Test func `the smallest windows still show who is worst`() {
        #expect(lines(7, 1) == ["vif10.0"])
        #expect(lines(1, 1) == ["…"])
        #expect(lines(30, 8).contains { $0.hasPrefix("vif10.0 ") && $0.contains("25.0k") })
        #expect(lines(40, 5).contains { $0.hasPrefix("vif10.0 ") })
    }

    @Test func `a wide window shows all figures both ways`() {
        let titles = lines(200, 50)[4]
        for pair in TopColumns.Pair.allCases { #expect(titles.contains(pair.rawValue)) }
        #expect(lines(200, 50)[6].contains("8.40M"))
    }

    @Test func `no guest's name steers the terminal`() {
        for style in [Style(isOn: false), Style(isOn: true)] {
            for line in lines(200, 50, style: style) {
                #expect(!line.contains("\u{1b}[2J") && !line.contains("\u{202e}"))
            }
        }
        #expect(lines(200, 50)[6].contains("\\u{202e}"))
    }

    @Test func `floods and closed ports stand out in colour`() {
        let lines = lines(80, 24, style: Style(isOn: true))
        #expect(lines[6].contains("\u{1b}[31m") && lines[6].contains("\u{1b}[1m") && lines[7].contains("\u{1b}[33m"))
        #expect(!lines[8].contains("\u{1b}[31m"))
    }

    @Test func `rows are in the order asked for`() {
        func names(_ keys: String) -> [Substring] { lines(80, 24, keys).dropFirst(6).map { $0.prefix { $0 != " " } } }
        #expect(names("") == ["vif10.0", "vif2.0", "br0", "up0", "vif1.0"])
        #expect(names("p").first == "vif1.0")
        #expect(names("n") == ["br0", "up0", "vif1.0", "vif2.0", "vif10.0"])
        #expect(names("nr") == ["vif10.0", "vif2.0", "vif1.0", "up0", "br0"])
        #expect(names("g").prefix(2) == ["vif1.0", "vif10.0"])
        #expect(names("/EXAMPLE") == ["vif1.0"] && names("/vif1") == ["vif10.0", "vif1.0"] && names("/nobody") == [])
    }

    @Test func `who was dropped from lately stands above who never was`() {
        var history = ReasonHistory()
        let before = Observation(nanoseconds: 0, ports: Self.ports)
        var spoofing = Self.ports
        spoofing[4].counters.into.dropped[.macSource] = .init(packets: 1, bytes: 60)
        history.add(PortRates.between(before, Observation(nanoseconds: 1, ports: spoofing)), until: 1)
        let quiet = PortRates.between(Observation(nanoseconds: 1, ports: spoofing), Observation(nanoseconds: 2, ports: spoofing))
        history.add(quiet, until: 2)
        let rows = quiet.map { TopRow($0, .bound, name: $0.observed.port.name, history, at: 2) }
        #expect(TopOrder.dropped.arranged(rows).map(\.name) == ["vif10.0", "br0", "up0", "vif1.0", "vif2.0"])
    }

    @Test func `a port of a guarded bridge that joined it since is shown`() {
        var snapshot = Self.snapshot()
        snapshot.rows.append(TopRow(unguarded: Port(index: 99, name: "tap0", bridgeIndex: 1, bridgeName: "br0")))
        let view = TopView(snapshot, TopState(), WindowSize(columns: 80, lines: 24), Style(isOn: false), interval: 1)
        #expect(view.lines[1].contains("1 UNGUARDED") && view.lines.contains { $0.hasPrefix("tap0 ") && $0.contains("(NOT GUARDED)") })
    }

    @Test func `without a window all rows are printed, with no blanks at their ends`() {
        let view = TopView(Self.snapshot(), TopState(), WindowSize(columns: 80, lines: .max), Style(isOn: false), interval: 1)
        #expect(view.plainLines.count == 11)
        for line in view.plainLines { #expect(line.last != " " && line.terminalColumns <= 80) }
    }
}

/// What is sent to a terminal, so that it shows these lines.
struct ScreenTests {
    private let size = WindowSize(columns: 5, lines: 3)

    private func sent(_ screen: inout Screen, _ lines: [String], _ size: WindowSize? = nil) -> String {
        String(decoding: screen.bytes(showing: lines, in: size ?? self.size), as: UTF8.self)
    }

    @Test func `only what differs is sent`() {
        var screen = Screen()
        #expect(sent(&screen, ["one  ", "two  "]) == "\u{1b}[0m\u{1b}[2J\u{1b}[1;1H\u{1b}[0mone  \u{1b}[2;1H\u{1b}[0mtwo  ")
        #expect(sent(&screen, ["one  ", "two  "]) == "")
        #expect(sent(&screen, ["one  ", "three"]) == "\u{1b}[2;1H\u{1b}[0mthree")
        #expect(sent(&screen, ["one  "]) == "\u{1b}[2;1H\u{1b}[0m\u{1b}[K")
    }

    @Test func `another size, or what nobody knows, is drawn anew`() {
        var screen = Screen()
        _ = sent(&screen, ["one  "])
        #expect(sent(&screen, ["one"], WindowSize(columns: 3, lines: 1)).contains("\u{1b}[2J"))
        screen.forget()
        #expect(sent(&screen, ["one"], WindowSize(columns: 3, lines: 1)).hasSuffix("one"))
    }

    @Test func `never more lines than the window has`() {
        var screen = Screen()
        #expect(!sent(&screen, ["1", "2", "3", "4"]).contains("4;1H"))
    }
}
