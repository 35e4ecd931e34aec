/// Tables with a row for each engine, and a column for each number of guests.
extension Report {
    private static let widths = (20, 15)

    /// - Parameter cell: nil for "-".
    private static func grid(_ title: [String], _ sizes: Set<Int>, _ engines: Set<Engine>, _ cell: (Engine, Int) -> String?) -> [String] {
        let sizes = sizes.sorted()
        let heading = line("  guests", sizes.map { "\($0)" }, widths: widths)
        let rows = Engine.allCases.filter(engines.contains).map { engine in
            line("  " + engine.title, sizes.map { cell(engine, $0) ?? "-" }, widths: widths)
        }
        return [""] + title + [heading] + rows
    }

    /// Frames a second, which are this machine's alone.
    var rateLines: [String] {
        let own = "by one core, thousands; figures of this machine alone:"
        return rates("guest to uplink", "IPv4", ["FRAMES A SECOND forwarded \(own)", "guest to uplink, IPv4"])
            + rates(
                Result.spoofed, Spoof.ipv4.rawValue,
                ["SPOOFS A SECOND dropped \(own)", "wrong IPv4 source (plain bridge: honest ones, forwarded)"])
    }

    private func rates(_ route: String, _ kind: String, _ title: [String]) -> [String] {
        let own = results.filter { $0.bridges == 1 && $0.route == route && $0.kind == kind }
        guard !own.isEmpty else { return [] }
        return Self.grid(title, Set(own.map(\.guests)), Set(own.map(\.engine))) { engine, guests in
            own.first { $0.engine == engine && $0.guests == guests }.map { result in
                result.isSpoofed && result.passes && engine != .plain ? "not stopped" : Self.cell(result.nanoseconds.map { 1e6 / $0 })
            }
        }
    }

    var fanOutLines: [String] {
        guard !fanOuts.isEmpty else { return [] }
        let (sizes, engines) = (Set(fanOuts.map(\.guests)), Set(fanOuts.map(\.engine)))
        func found(_ engine: Engine, _ guests: Int) -> FanOut? { fanOuts.first { $0.engine == engine && $0.guests == guests } }
        let costs = Self.grid(
            ["A BROADCAST from the uplink, an ARP request for one guest: CPU, as a ratio to", "the plain bridge"], sizes,
            engines.subtracting([.plain])
        ) { found($0, $1).map { Self.cell($0.ratio) } }
        let copies = Self.grid(["Copies of it that guests got"], sizes, engines) { found($0, $1).map { Self.decimal($0.copies, 0) } }
        return costs + copies
    }

    var victimLines: [String] {
        guard !victims.isEmpty else { return [] }
        let (sizes, engines) = (Set(victims.map(\.guests)), Set(victims.map(\.engine)))
        func grid(_ title: [String], _ engines: Set<Engine>, _ figure: (Victim) -> Spread) -> [String] {
            Self.grid(title, sizes, engines) { engine, guests in
                victims.first { $0.engine == engine && $0.guests == guests }.map { Self.cell(figure($0)) }
            }
        }
        return grid(
            [
                "BESIDE A FLOOD of spoofed IPv4 that the same core has to deal with in turn: a",
                "victim's frames a second, as a ratio to those without the flood",
            ], engines, \.kept)
            + grid(["the same, as a ratio to those on a plain bridge beside the flood"], engines.subtracting([.plain]), \.toPlain)
            + grid(["the same, thousands; figures of this machine alone"], engines) { $0.flooded.map { $0 / 1000 } }
    }
}
