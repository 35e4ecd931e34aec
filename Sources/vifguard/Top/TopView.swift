import Datapath
import Policy
import Reporting

/// Draws what `top` shows, as lines of exactly the window's width: a value of values, so that it can be tested without a
/// terminal.
struct TopView {
    let snapshot: TopSnapshot
    let state: TopState
    let size: WindowSize
    let style: Style
    /// Of the view, in seconds.
    let interval: Double
    /// What went wrong, if something did.
    var complaint: String?

    private let rows: [TopRow]
    private let columns: TopColumns

    init(_ snapshot: TopSnapshot, _ state: TopState, _ size: WindowSize, _ style: Style, interval: Double, complaint: String? = nil) {
        self.snapshot = snapshot
        self.state = state
        self.size = size
        self.style = style
        self.interval = interval
        self.complaint = complaint
        rows = state.order.arranged(snapshot.rows, filter: state.wanted, isReversed: state.isReversed)
        columns = TopColumns(
            width: size.columns, port: snapshot.rows.map(\.name.visible.terminalColumns).max() ?? 0,
            guest: snapshot.rows.map { Self.who($0).terminalColumns }.max() ?? 0)
    }

    /// How many rows there are to scroll through.
    var rowCount: Int { rows.count }
    /// How many of them are in sight.
    var page: Int { max(0, size.lines - head.count) }

    /// At most as many lines as the window has.
    var lines: [String] {
        if state.showsHelp { return Array(help.prefix(size.lines)) }
        let head = head
        return head + rows.dropFirst(state.offset).prefix(max(0, size.lines - head.count)).map(line)
    }

    /// All rows, for those who have no window: as wide as `size` says, without blanks at their ends.
    var plainLines: [String] {
        let lines = summary + (snapshot.flooder == nil ? [] : [note]) + [pairTitles, titles] + rows.map(line)
        return lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
    }

    // MARK: Above the rows

    /// A small window keeps its lines for rows.
    private var head: [String] {
        switch size.lines {
        case ...1: state.draft == nil ? [] : [note]
        case ...4: [note]
        case ...7: [note, titles]
        default: summary + [note, pairTitles, titles]
        }
    }

    private var summary: [String] {
        let bridges = snapshot.bridges.map(\.visible).joined(separator: ", ")
        let agent = "agent \(snapshot.isAgentRunning ? "running" : "not running")   "
        let host = "\(agent)\(bridges.isEmpty ? "no bridge is guarded" : bridges)"
        let states: [(PortFacts.State, String)] = [
            (.bound, "bound"), (.closed, "closed"), (.unguarded, "UNGUARDED"), (.gone, "gone"), (.trusted, "trusted"),
        ]
        let counts = states.map { ($0, snapshot.count($0.0)) }.filter { [.bound, .closed].contains($0.0.0) || $0.1 > 0 }
        let isConcern = counts.contains { [.unguarded, .gone].contains($0.0.0) }
        let ports = "ports \(snapshot.rows.count): " + counts.map { "\($0.1) \($0.0.1)" }.joined(separator: ", ")
        let (dropped, passed) = (snapshot.dropped, snapshot.passed)
        let totals =
            snapshot.seconds == 0
            ? "measuring …"
            : "dropped \(dropped.packets.shortRate)/s \(dropped.bits.shortRate) b/s   passed \(passed.packets.shortRate)/s \(passed.bits.shortRate) b/s"
        return [
            style.bold(fit("vifguard top  \(Self.time(snapshot.clock))  every \(Self.words(interval)) s   \(host)")),
            isConcern ? style.red(fit(ports)) : fit(ports), fit(totals),
        ]
    }

    /// What matters most just now, in one line.
    private var note: String {
        if let draft = state.draft { return style.bold(fit("filter: \(draft.visible)_")) }
        if let complaint { return style.red(fit(complaint.visible)) }
        var words = state.isPaused ? ["PAUSED"] : []
        if !state.filter.isEmpty { words.append("only '\(state.filter.visible)': \(rows.count) of \(snapshot.rows.count)") }
        if let flooder = snapshot.flooder {
            let reason = flooder.causes.first { $0.cause.isSent }.map { " \($0.cause.reason.name)" } ?? ""
            // The longest last: of a long name the end may be missing.
            let name = "FLOOD \(flooder.sent.dropped.packets.shortRate)/s\(reason) from \(flooder.name.visible) \(Self.who(flooder))"
            return style.bold(style.red(fit((words + [name]).joined(separator: "   "))))
        }
        words.append("by \(state.order.rawValue)\(state.isReversed ? ", reversed" : "")   h help, q quit")
        return style.faint(fit(words.joined(separator: "   ")))
    }

    private var pairTitles: String {
        var line = String(repeating: " ", count: columns.port + (columns.guest > 0 ? columns.guest + 1 : 0))
        for pair in columns.pairs { line += " " + pair.rawValue.fitted(to: TopColumns.Pair.width, isNumber: true) }
        return style.bold(fit(line))
    }

    private var titles: String {
        var cells = ["PORT".fitted(to: columns.port)]
        if columns.guest > 0 { cells.append("GUEST".fitted(to: columns.guest)) }
        for _ in columns.pairs { cells += ["in", "out"].map { $0.fitted(to: 5, isNumber: true) } }
        if columns.reasons > 0 { cells.append("LAST REASONS".fitted(to: columns.reasons)) }
        return style.inverse(fit(cells.joined(separator: " ")))
    }

    // MARK: Rows

    private func line(_ row: TopRow) -> String {
        let paint = paint(row)
        var cells = [paint(row.name.visible.fitted(to: columns.port))]
        if columns.guest > 0 { cells.append(paint(Self.who(row).fitted(to: columns.guest))) }
        for pair in columns.pairs {
            let (sent, received) = row.figures(pair)
            let figures = [sent, received].map { $0.shortRate.fitted(to: 5, isNumber: true) }
            cells.append([.droppedPackets, .droppedBits].contains(pair) && sent > 0 ? style.red(figures[0]) : paint(figures[0]))
            cells.append(paint(figures[1]))
        }
        if columns.reasons > 0 { cells.append(paint(reasons(row).fitted(to: columns.reasons))) }
        let width =
            columns.port + (columns.guest > 0 ? columns.guest + 1 : 0) + columns.pairs.count * 12 + (columns.reasons > 0 ? columns.reasons + 1 : 0)
        return cells.joined(separator: " ") + String(repeating: " ", count: max(0, size.columns - width))
    }

    private func paint(_ row: TopRow) -> (String) -> String {
        if row.isFlooding { return { style.bold(style.red($0)) } }
        return switch row.state {
        case .closed: style.yellow
        case .gone, .unguarded: style.red
        case .bound, .trusted: { $0 }
        }
    }

    static func who(_ row: TopRow) -> String {
        switch (row.state, row.kind) {
        case (.gone, _): "(GONE) \(row.guest?.visible ?? "")"
        case (.unguarded, _): "(NOT GUARDED) \(row.guest?.visible ?? "")"
        case (.closed, _): "(CLOSED)"
        case (_, .uplink): "(uplink)"
        case (_, .bridge): "(the host)"
        case (_, .guest): row.guest?.visible ?? "(CLOSED)"
        }
    }

    /// As many as fit in whole; of the first at least as much as fits.
    private func reasons(_ row: TopRow) -> String {
        var text = ""
        for recent in row.causes {
            let age = shortAge(nanoseconds: row.age(of: recent))
            let name = (recent.cause.isAudited ? "audit:" : "") + (recent.cause.isSent ? "" : "to:") + recent.cause.reason.name
            let whole = "\(name) \(Double(recent.packets).shortRate) \(age)"
            if text.isEmpty {
                text = whole.utf8.count <= columns.reasons ? whole : "\(name) \(age)"
            } else if text.utf8.count + 2 + whole.utf8.count <= columns.reasons {
                text += ", " + whole
            } else {
                break
            }
        }
        return text
    }

    // MARK: Help

    private var help: [String] {
        let text = """
            vifguard top: what each port sends and gets, and what is dropped

            d p n g   order by what is dropped, by what passes, by port, by guest
            r         reverse the order
            /         only ports and guests with a text in their name; Escape: all
            space     pause, go on
            arrows, page up, page down, home, end   scroll
            h ?       this help
            q ^C      quit

            in   what the port sends into the bridge
            out  what the bridge sends out of it, to the guest
            Reasons stand with how many packets since top runs, and how long ago;
            to: on the way to the port; audit: let pass by audit mode.
            'FLOOD': a thousand packets a second or more dropped from one port.
            """
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { fit(String($0)) }
    }

    private func fit(_ text: String) -> String { text.fitted(to: size.columns) }

    /// "12:00:00", where this host is.
    private static func time(_ clock: WallClock) -> Substring { clock.local.dropFirst("2026-03-01 ".count).prefix("12:00:00".count) }

    /// "1", "0.2"
    private static func words(_ seconds: Double) -> String { seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)" }
}

extension TopRow {
    fileprivate func figures(_ pair: TopColumns.Pair) -> (sent: Double, received: Double) {
        switch pair {
        case .droppedPackets: (sent.dropped.packets, received.dropped.packets)
        case .droppedBits: (sent.dropped.bits, received.dropped.bits)
        case .auditedPackets: (sent.audited.packets, received.audited.packets)
        case .passedPackets: (sent.passed.packets, received.passed.packets)
        case .passedBits: (sent.passed.bits, received.passed.bits)
        }
    }
}
