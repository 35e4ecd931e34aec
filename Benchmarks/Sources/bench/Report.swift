/// All that was measured; its text is the table for people.
struct Report: Codable {
    let machine: Machine
    let rounds: Int
    let results: [Result]
    let fanOuts: [FanOut]
    let victims: [Victim]
    /// Why an engine's column is empty.
    let absent: [String: String]
    /// The median ratio with the most guests on one bridge, divided by that with one.
    let growth: [Growth]
    /// nil where they weren't asked for.
    let changes: Changes?

    struct Growth: Codable {
        let route: String
        let kind: String
        let engine: Engine
        let factor: Double
    }

    init(machine: Machine, rounds: Int, outcomes: [Comparison.Outcome], changes: Changes?) {
        self.machine = machine
        self.rounds = rounds
        results = outcomes.flatMap(\.results)
        fanOuts = outcomes.flatMap(\.fanOuts)
        victims = outcomes.flatMap(\.victims)
        absent = outcomes.reduce(into: [:]) { absent, outcome in
            for (engine, reason) in outcome.absent { absent[engine.rawValue] = reason }
        }
        self.changes = changes
        growth = Self.growth(results.filter { $0.bridges == 1 })
    }

    private static func growth(_ results: [Result]) -> [Growth] {
        let sizes = results.map(\.guests)
        guard let least = sizes.min(), let most = sizes.max(), least < most else { return [] }
        return results.filter { $0.guests == most && $0.engine != .plain }.compactMap { many in
            let few = results.first { $0.guests == least && $0.engine == many.engine && $0.route == many.route && $0.kind == many.kind }
            return few.map {
                Growth(route: many.route, kind: many.kind, engine: many.engine, factor: many.ratio.median / $0.ratio.median)
            }
        }
    }

    var isEmpty: Bool { results.isEmpty && fanOuts.isEmpty && victims.isEmpty && changes == nil }

    /// Frames that a change lost or let through, in words; nil if there were none.
    var unsound: String? {
        let unsound = changes?.frames.filter { !$0.isSound } ?? []
        guard !unsound.isEmpty else { return nil }
        return "frames were lost or leaked: " + unsound.map { "\($0.change): \($0.lost) lost, \($0.leaked) leaked" }.joined(separator: "; ")
    }

    /// At most 80 columns.
    var text: String {
        var lines = [machine.line, machine.processor, "Median and range of \(rounds) rounds."]
        lines += frameLines + growthLines + rateLines + fanOutLines + victimLines
        for (engine, reason) in absent.sorted(by: { $0.key < $1.key }) { lines += ["", "no '\(engine)' here: \(reason)"] }
        return (lines + (changes?.lines ?? [])).joined(separator: "\n") + "\n"
    }

    // MARK: Words

    /// A title, and cells below each other.
    ///
    /// - Parameter widths: of the title and of each cell.
    static func line(_ title: String, _ cells: [String], widths: (Int, Int) = (26, 18)) -> String {
        let columns = cells.map { $0.padded(to: widths.1) }.joined()
        return String((title.padded(to: widths.0) + columns).reversed().drop { $0 == " " }.reversed())
    }

    /// "1.15 1.04-1.19": the more digits before the point, the fewer behind it.
    static func cell(_ spread: Spread) -> String {
        let places = spread.median < 10 ? 2 : spread.median < 100 ? 1 : 0
        return "\(decimal(spread.median, places)) \(decimal(spread.minimum, places))-\(decimal(spread.maximum, places))"
    }

    /// With a point, whatever the language of the host.
    static func decimal(_ number: Double, _ places: Int) -> String {
        guard number.isFinite, number.magnitude < 1e12 else { return "-" }
        let scale = places == 0 ? 1 : places == 1 ? 10 : 100
        let scaled = Int((number * Double(scale)).rounded())
        guard places > 0 else { return "\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: places - fraction.count) + fraction
    }
}

extension Machine {
    /// For the head of a table.
    var line: String { "Linux \(kernel) on \(architecture), cores: \(cores), load before: \(Report.decimal(load, 1))" }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
