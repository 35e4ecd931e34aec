extension Report {
    /// What stands side by side: three columns fit.
    private static let blocks: [(title: String, engines: [Engine])] = [
        ("", [.tcx, .clsact, .classic]), (", others", [.verdictMap, .chainPerGuest, .ebtables]),
    ]

    /// CPU per frame.
    var frameLines: [String] {
        guard !results.isEmpty else { return [] }
        var lines = [
            "", "CPU PER FRAME of 60 bytes, as a ratio to a frame forwarded by a plain bridge in",
            "the same round; of spoofs, to the nearest honest frame.",
        ]
        for size in Set(results.filter { $0.bridges == 1 }.map(\.guests)).sorted() {
            for (title, engines) in Self.blocks {
                let here = results.filter { $0.bridges == 1 && $0.guests == size && engines.contains($0.engine) }
                lines += Self.block((size == 1 ? "1 GUEST" : "\(size) GUESTS") + title, here, engines)
            }
        }
        if let many = results.first(where: { $0.bridges > 1 && $0.engine != .plain }) {
            let here = results.filter { $0.bridges == many.bridges && $0.engine == many.engine }
            lines += Self.block("\(many.bridges) x \(many.guests) GUESTS", here, [many.engine])
        }
        return lines
    }

    private static func block(_ title: String, _ results: [Result], _ engines: [Engine]) -> [String] {
        guard !results.isEmpty else { return [] }
        return ["", line(title, engines.map(\.title))] + rows(results.filter { !$0.isSpoofed }, engines)
            + ["  spoofs"] + rows(results.filter(\.isSpoofed), engines)
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

    private static func cell(_ result: Result) -> String { result.isSpoofed && result.passes ? "not stopped" : cell(result.ratio) }

    var growthLines: [String] {
        guard let most = results.filter({ $0.bridges == 1 }).map(\.guests).max(), !growth.isEmpty else { return [] }
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
}

extension Report.Growth {
    fileprivate func isUnstopped(_ engine: Engine, _ results: [Result]) -> Bool {
        results.contains { $0.engine == engine && $0.route == route && $0.kind == kind && $0.isSpoofed && $0.passes }
    }
}
