import Foundation

/// All that was measured of the agent; its text is the table for people.
struct AgentReport: Codable {
    let machine: Machine
    /// With few ports, and with many.
    let joins: [Joins]
    let storm: Storm
    let start: Start
    let flood: Flood

    /// - Parameter isQuick: fewer joins and rounds.
    static func measure(binary: String, isQuick: Bool, progress: Progress) throws -> AgentReport {
        let machine = Machine.here()
        let repeats = isQuick ? 2 : 5
        let joins = isQuick ? 10 : 50
        let few = try ArrivingPorts(ports: 16, joins: joins, binary: binary, progress: progress)
        let joinsOfFew = try few.measureJoins()
        let storm = try few.measureStorm(repeats: repeats)
        // A bridge has 1023 ports at most, and each join is of a guest of its own.
        let many = try ArrivingPorts(ports: isQuick ? 200 : 1000, joins: 10, binary: binary, progress: progress)
        let joinsOfMany = try many.measureJoins()
        let start = try many.measureStart(repeats: repeats)
        let flood = try FloodComparison(binary: binary, progress: progress).measure(rounds: isQuick ? 5 : 15, floods: isQuick ? 1 : 3)
        return AgentReport(machine: machine, joins: [joinsOfFew, joinsOfMany], storm: storm, start: start, flood: flood)
    }
}

// MARK: For people

extension AgentReport {
    /// At most 80 columns.
    var text: String {
        var lines = [
            "The agent: times of this machine, median (range)", machine.line, machine.processor,
        ]
        for joins in joins {
            lines += [
                "", "A PORT JOINS a bridge of \(joins.ports) ports, \(joins.joins) times each",
                Self.row("closed, if nobody knows it", joins.closed, "ms"), Self.row("bound, if the policy names it", joins.boundByName, "ms"),
                Self.row("bound, a tap known by its MAC", joins.boundByMAC, "ms"),
                Self.row("of that, the kernel's joining", joins.request, "ms"),
            ]
        }
        lines += [
            "", "A STORM: \(storm.passing) ports join and go, \(storm.staying) stay, on a bridge of \(joins[0].ports)",
            Self.row("every port closed", storm.closed, "ms"), Self.row("nothing left to do", storm.settled, "ms"),
            "", "A START on a guarded host with \(start.ports) ports",
            Self.row("until it watches", start.ready, "ms"), Self.row("resident memory", start.memory.map { $0 / 1_048_576 }, "MiB"),
            "  " + "programs attached anew".padded(to: 40) + "\(start.attachedAnew)",
            "  " + "honest frames meanwhile, lost of them".padded(to: 40) + "\(start.frames.honest), \(start.frames.lost)",
            "  " + "spoofs meanwhile, leaked of them".padded(to: 40) + "\(start.frames.spoofs), \(start.frames.leaked)",
        ]
        return (lines + floodLines).joined(separator: "\n") + "\n"
    }

    private var floodLines: [String] {
        let memory = [flood.memoryBefore, flood.memoryAfter].map { Report.decimal(Double($0) / 1_048_576, 1) }
        let percent = { (share: Double) in share * 100 }
        return [
            "", "A FLOOD of spoofs from one of \(flood.ports) guests; its neighbour's frames a second,",
            "as ratios of the same round (\(flood.rounds) rounds)",
            Self.row("with / without, plain bridge", flood.plain, "", places: 2), Self.row("with / without, guarded", flood.guarded, "", places: 2),
            Self.row("guarded / plain, without", flood.quiet, "", places: 2), Self.row("guarded / plain, with", flood.flooded, "", places: 2),
            Self.row("spoofs a second, thousands", flood.spoofs.map { $0 / 1000 }, ""),
            Self.row("agent, flooded: of a core", flood.agentCPU.map(percent), "%"),
            "  " + "agent, quiet: of a core".padded(to: 40) + "\(Report.decimal(percent(flood.agentCPUQuiet), 1)) %",
            "  " + "agent's memory before, after".padded(to: 40) + "\(memory[0]), \(memory[1]) MiB",
            Self.row("flooder named by 'events' after", flood.seenInEvents, "s", places: 2),
            Self.row("flooder named by 'top' after", flood.seenByTop, "s", places: 2),
        ]
    }

    private static func row(_ what: String, _ spread: Spread, _ unit: String, places: Int? = nil) -> String {
        let places = places ?? (spread.median < 100 ? 1 : 0)
        let numbers = [spread.median, spread.minimum, spread.maximum].map { Report.decimal($0, places) }
        return "  " + what.padded(to: 40) + numbers[0] + (unit.isEmpty ? "" : " \(unit)") + " (\(numbers[1])-\(numbers[2]))"
    }
}
