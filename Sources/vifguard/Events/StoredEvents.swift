import EventStore
import Packets
import Policy
import Reporting

/// The events that the agent has recorded.
struct StoredEvents {
    let folder: StateFolder
    let filter: EventFilter
    let isJSON: Bool
    let reader: EventReader

    /// Asked for at a time: the writer isn't held up by who reads slowly.
    private static let page = 500

    init(folder: StateFolder, filter: EventFilter, isJSON: Bool) {
        self.folder = folder
        self.filter = filter
        self.isJSON = isJSON
        reader = EventReader(folder)
    }

    /// Prints them, the newest last.
    ///
    /// - Parameter limit: only the newest.
    /// - Returns: false if nobody reads any more.
    func print(limit: Int?) throws -> Bool {
        var place = try limit.flatMap { try reader.place(before: $0, filter) }
        var isFirst = true
        while true {
            let rows = try reader.violations(filter, after: place, limit: Self.page)
            if isFirst, rows.isEmpty { sayThatThereIsNothing() }
            isFirst = false
            for row in rows { guard try print(row.violation, row.count) else { return false } }
            guard rows.count == Self.page else { return true }
            place = rows.last?.place
        }
    }

    /// Prints sums by guest and reason.
    func printTotals(limit: Int) throws {
        let totals = try reader.totals(filter, limit: limit)
        if isJSON {
            for total in totals { guard Output.print(try Output.jsonLine(TotalReport(total))) else { return } }
            return
        }
        guard !totals.isEmpty else { return sayThatThereIsNothing() }
        var table = Table([
            .init(title: "GUEST", limit: 22), .init(title: "REASON"), .init(title: "DIRECTION"), .init(title: "VERDICT"),
            .init(title: "FRAMES", isNumber: true),
        ])
        for total in totals {
            let verdict = total.wasAudited ? Verdict.wouldDrop : .drop
            table.add([
                (total.guest ?? "(\(total.port))").visible, total.reason.name, total.direction.name, verdict.rawValue, total.packets.short,
            ])
        }
        Output.print(table.lines(.output))
    }

    /// To people: silence might be a mistake in what was asked.
    private func sayThatThereIsNothing() {
        if !isJSON { Output.warn("vifguard: nothing that was asked for is recorded") }
    }

    /// Prints what is recorded from now on, until nobody reads the output any more.
    ///
    /// - Parameter withHistory: what the filter asks for of the past, first.
    func follow(withHistory: Bool) throws {
        var follower = try EventFollower(reader, filter)
        if withHistory { guard try print(limit: nil) else { return } }
        var isRunning = true
        while try Output.isRead(whileWaitingFor: -1, atMost: 500) {
            for (violation, count) in try follower.next() { guard try print(violation, count) else { return } }
            let isHeld = AgentLock.isHeld(in: folder)
            if isHeld != isRunning {
                Output.warn("vifguard: the agent \(isHeld ? "runs again" : "has ended: events go on when it runs again")")
                isRunning = isHeld
            }
        }
    }

    private func print(_ violation: Violation, _ count: ViolationCount) throws -> Bool {
        let report = ViolationReport(violation, count)
        return Output.print(isJSON ? try Output.jsonLine(report) : report.line(count, Style.output))
    }
}

/// What is new in the store, each frame once: a row that grows is told by what it has grown.
private struct EventFollower {
    private let reader: EventReader
    private let filter: EventFilter
    private var change: Int64 = 0
    private var file: UInt64
    /// What rows of the last minutes held.
    private var known: [Int64: (minute: Int64, count: ViolationCount)] = [:]

    init(_ reader: EventReader, _ filter: EventFilter) throws {
        self.reader = reader
        self.filter = filter
        file = reader.fileNumber
        guard try reader.exists() else { return }
        change = try reader.lastChange()
        let now = TimePoint("2m")
        for row in try reader.violations(EventFilter(since: now?.nanoseconds), limit: 100_000) { remember(row) }
    }

    private mutating func remember(_ row: StoredViolation) { known[row.id] = (row.minute, row.count) }

    mutating func next() throws -> [(Violation, ViolationCount)] {
        // The agent may be about to make it, anew perhaps.
        guard try reader.exists() else { return [] }
        if reader.fileNumber != file {
            file = reader.fileNumber
            change = 0
            known = [:]
        }
        var news: [(Violation, ViolationCount)] = []
        for row in try reader.changes(after: change, filter) {
            change = row.change
            var count = row.count
            if let before = known[row.id]?.count {
                count.packets -= min(count.packets, before.packets)
                count.bytes -= min(count.bytes, before.bytes)
                count.first = max(count.first, before.last)
                count.samples.removeFirst(min(count.samples.count, before.samples.count))
            }
            remember(row)
            if count.packets > 0 { news.append((row.violation, count)) }
        }
        if let newest = known.values.map(\.minute).max() { known = known.filter { $0.value.minute > newest - 10 } }
        return news
    }
}

extension ViolationReport {
    /// One line, as long as it is.
    fileprivate func line(_ count: ViolationCount, _ style: Style) -> String {
        let who = guest.map { "\(port) (\($0))" } ?? port
        let what = verdict == .drop ? style.red(reason) : style.yellow("would drop \(reason)")
        let often = packets == 1 ? "" : " \(packets) times"
        let example = count.samples.first.map { ": \($0.frame.description)\($0.bytes.count < Int($0.length) ? " of \($0.length)" : "")" } ?? ""
        return "\(WallClock(nanoseconds: count.last).local) \(style.bold(who.visible)) \(direction) \(what)\(often)\(example)"
    }
}
