import Glibc

/// The growth of the ratio with the number of guests, as a picture (SVG): both scales logarithmic, a line an engine.
struct Plot {
    let results: [Result]
    private static let (width, height) = (720.0, 420.0)
    private static let (left, right, top, bottom) = (64.0, 190.0, 40.0, 48.0)
    private static let colours = ["#1b6ca8", "#58a4d8", "#b3541e", "#3d8b57", "#8a4fa3", "#7d7d7d"]

    /// One line: what it is of, and its points by number of guests.
    private struct Line {
        let engine: Engine
        let points: [(guests: Int, ratio: Double)]
    }

    /// - Parameters:
    ///   - route: such as "guest to uplink".
    ///   - kind: such as "IPv4".
    /// - Returns: nil where there is nothing to draw a line through.
    func svg(route: String, kind: String) -> String? {
        let lines = Engine.allCases.filter { $0 != .plain }.map { engine in
            let own = results.filter { $0.engine == engine && $0.route == route && $0.kind == kind }
            return Line(engine: engine, points: own.map { ($0.guests * $0.bridges, $0.ratio.median) }.sorted { $0.guests < $1.guests })
        }.filter { $0.points.count > 1 }
        let all = lines.flatMap(\.points)
        guard let most = all.map(\.guests).max(), let highest = all.map(\.ratio).max() else { return nil }
        let decades = Self.decades(to: highest)
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
            Self.text(Self.left, 20, "CPU per frame, \(route), \(kind): ratio to a plain bridge"),
        ]
        for ratio in Self.marks(to: decades) {
            let y = Self.y(ratio, decades)
            parts.append("<line x1=\"\(Self.left)\" y1=\"\(y)\" x2=\"\(Self.width - Self.right)\" y2=\"\(y)\" stroke=\"#dddddd\"/>")
            parts.append(Self.text(Self.left - 8, y + 4, Report.decimal(ratio, 0), anchor: "end"))
        }
        for guests in Set(all.map(\.guests)).sorted() {
            let x = Self.x(guests, most)
            parts.append("<line x1=\"\(x)\" y1=\"\(Self.top)\" x2=\"\(x)\" y2=\"\(Self.height - Self.bottom)\" stroke=\"#eeeeee\"/>")
            parts.append(Self.text(x, Self.height - Self.bottom + 18, "\(guests)", anchor: "middle"))
        }
        let legend = "guests of the host, at most 1000 a bridge"
        parts.append(Self.text((Self.left + Self.width - Self.right) / 2, Self.height - 12, legend, anchor: "middle"))
        parts += names(lines, most, decades)
        return (parts + ["</svg>", ""]).joined(separator: "\n")
    }

    /// The lines, each with its name at its end, no two names upon each other.
    private func names(_ lines: [Line], _ most: Int, _ decades: Double) -> [String] {
        var parts: [String] = []
        var lowest = Double.infinity
        for line in lines.sorted(by: { ($0.points.last?.ratio ?? 0) < ($1.points.last?.ratio ?? 0) }) {
            let place = Engine.allCases.firstIndex(of: line.engine) ?? 0
            let colour = Self.colours[place % Self.colours.count]
            let path = line.points.map { "\(Self.x($0.guests, most)),\(Self.y($0.ratio, decades))" }.joined(separator: " ")
            parts.append("<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\"/>")
            let end = line.points[line.points.count - 1]
            let y = min(Self.y(end.ratio, decades), lowest - 14)
            lowest = y
            let words = "\(line.engine.title) \(Report.decimal(end.ratio, end.ratio < 10 ? 2 : 0))"
            parts.append(Self.text(Self.width - Self.right + 8, y + 4, words, colour: colour))
        }
        return parts
    }

    // MARK: Scales

    /// Tens, as many as the highest ratio needs.
    private static func decades(to highest: Double) -> Double {
        var (decades, reach) = (1.0, 10.0)
        while reach < highest { (decades, reach) = (decades + 1, reach * 10) }
        return decades
    }

    private static func marks(to decades: Double) -> [Double] {
        var marks: [Double] = []
        var ten = 1.0
        for _ in 0..<Int(decades) {
            marks += [ten, 2 * ten, 5 * ten]
            ten *= 10
        }
        return marks + [ten]
    }

    private static func x(_ guests: Int, _ most: Int) -> Double {
        rounded(left + (width - left - right) * log(Double(guests)) / max(log(Double(most)), 1e-9))
    }

    private static func y(_ ratio: Double, _ decades: Double) -> Double {
        rounded(height - bottom - (height - top - bottom) * log(max(ratio, 1)) / (decades * log(10)))
    }

    private static func rounded(_ number: Double) -> Double { (number * 10).rounded() / 10 }

    private static func text(_ x: Double, _ y: Double, _ words: String, anchor: String = "start", colour: String = "#222222") -> String {
        "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\" fill=\"\(colour)\">\(words)</text>"
    }
}
