/// All that was measured; its text is the table for people.
struct Report: Codable {
    let machine: Machine
    let rounds: Int
    let results: [Result]
    /// Why an engine's column is empty.
    let absent: [String: String]
    /// The median ratio with the most guests, divided by that with one.
    let growth: [Growth]
    let changes: Changes

    struct Growth: Codable {
        let route: String
        let kind: String
        let engine: Engine
        let factor: Double
    }

    init(machine: Machine, rounds: Int, results: [Result], absent: [Engine: String], changes: Changes) {
        self.machine = machine
        self.rounds = rounds
        self.results = results
        self.absent = Dictionary(uniqueKeysWithValues: absent.map { ($0.key.rawValue, $0.value) })
        self.changes = changes
        growth = Self.growth(results)
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
}

// MARK: For people

extension Report {
    /// What stands side by side: three columns fit.
    private static let blocks: [(title: String, engines: [Engine])] = [
        ("", [.tcx, .clsact, .classic]), (", others", [.verdictMap, .chainPerGuest, .ebtables]),
    ]

    /// At most 80 columns.
    var text: String {
        var lines = heading
        for size in Set(results.map(\.guests)).sorted() {
            for (title, engines) in Self.blocks {
                let here = results.filter { $0.guests == size && engines.contains($0.engine) }
                if here.isEmpty { continue }
                lines += ["", Self.line((size == 1 ? "1 GUEST" : "\(size) GUESTS") + title, engines.map(\.title))]
                lines += Self.rows(here.filter { !$0.isSpoofed }, engines)
                lines += ["  dropped spoofs"] + Self.rows(here.filter(\.isSpoofed), engines)
            }
        }
        lines += growthLines
        for (engine, reason) in absent.sorted(by: { $0.key < $1.key }) { lines += ["", "no '\(engine)' here: \(reason)"] }
        return (lines + changeLines).joined(separator: "\n") + "\n"
    }

    private var heading: [String] {
        [
            "CPU per frame of 60 bytes, as a ratio to a frame forwarded by a plain bridge in",
            "the same round: median and range of \(rounds) rounds.",
            machine.line, machine.processor,
        ]
    }

    private static func rows(_ results: [Result], _ engines: [Engine]) -> [String] {
        var rows: [String] = []
        var seen: [String] = []
        for result in results where !seen.contains("\(result.route) \(result.kind)") {
            seen.append("\(result.route) \(result.kind)")
            let cells = engines.map { engine in
                results.first { $0.engine == engine && $0.route == result.route && $0.kind == result.kind }.map(cell) ?? "-"
            }
            rows.append(line("  " + title(result.route, result.kind), cells))
        }
        return rows
    }

    private static func title(_ route: String, _ kind: String) -> String {
        route == Result.spoofed ? kind : "\(route), \(kind == Traffic.Family.ipv6Prefix.rawValue ? "/64" : kind)"
    }

    private static func cell(_ result: Result) -> String {
        if result.isSpoofed && result.passes { return "not stopped" }
        let places = result.ratio.median < 10 ? 2 : 1
        let range = "\(decimal(result.ratio.minimum, places))-\(decimal(result.ratio.maximum, places))"
        return "\(decimal(result.ratio.median, places)) \(range)"
    }

    private var growthLines: [String] {
        guard let most = results.map(\.guests).max(), !growth.isEmpty else { return [] }
        var lines: [String] = []
        for (title, engines) in Self.blocks where growth.contains(where: { engines.contains($0.engine) }) {
            lines += ["", Self.line("GROWTH, 1 to \(most)" + title, engines.map(\.title))]
            for first in growth where first.engine == growth[0].engine {
                let cells = engines.map { engine in
                    guard !first.isUnstopped(engine, results) else { return "not stopped" }
                    let found = growth.first { $0.engine == engine && $0.route == first.route && $0.kind == first.kind }
                    return found.map { "x \(Self.decimal($0.factor, $0.factor < 10 ? 2 : 1))" } ?? "-"
                }
                lines.append(Self.line("  " + Self.title(first.route, first.kind), cells))
            }
        }
        return lines
    }

    private var changeLines: [String] {
        func row(_ what: String, _ spread: Spread, _ unit: String) -> String {
            let places = spread.median < 10 ? 1 : 0
            let numbers = [spread.median, spread.minimum, spread.maximum].map { Self.decimal($0, places) }
            return "  " + what.padded(to: 40) + "\(numbers[0]) \(unit) (\(numbers[1])-\(numbers[2]))"
        }
        return [
            "", "CHANGES with \(changes.ports) guests: times of this machine, median (range)",
            row("programs and maps loaded and pinned", changes.load, "ms"),
            row("apply, with no port guarded before", changes.applyFirst, "ms"),
            row("apply, with nothing to change", changes.applyAgain, "ms"),
            row("attach of a port plugged in", changes.attach, "ms"),
            row("of that, its record and programs", changes.closeAndBind, "ms"),
            row("new addresses on a running port", changes.newAddresses, "µs"),
            "  " + "kernel memory of all maps".padded(to: 40) + "\(Self.decimal(Double(changes.memory) / 1_048_576, 1)) MiB",
        ]
    }

    private static func line(_ title: String, _ cells: [String]) -> String {
        let columns = cells.map { $0.padded(to: 18) }.joined()
        return String((title.padded(to: 26) + columns).reversed().drop { $0 == " " }.reversed())
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

extension Report.Growth {
    fileprivate func isUnstopped(_ engine: Engine, _ results: [Result]) -> Bool {
        results.contains { $0.engine == engine && $0.route == route && $0.kind == kind && $0.isSpoofed && $0.passes }
    }
}

extension Machine {
    /// For the head of a table.
    var line: String { "Linux \(kernel) on \(architecture), cores: \(cores), load before: \(Report.decimal(load, 1))" }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
