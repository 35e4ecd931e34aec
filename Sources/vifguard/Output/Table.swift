import Reporting

/// Rows of cells in columns as wide as their widest.
struct Table {
    struct Column {
        var title: String
        var isNumber = false
        /// Wider cells are cut.
        var limit = Int.max
    }

    /// One row, and the lines that stand indented below it.
    private struct Row {
        var cells: [String]
        var paint: (String) -> String
        var notes: [String]
    }

    private let columns: [Column]
    private var rows: [Row] = []

    init(_ columns: [Column]) { self.columns = columns }

    mutating func add(_ cells: [String], notes: [String] = [], paint: @escaping (String) -> String = { $0 }) {
        rows.append(Row(cells: zip(cells, columns).map { $0.cut(to: $1.limit) }, paint: paint, notes: notes))
    }

    /// The lines, the titles first, without blanks at their ends.
    func lines(_ style: Style) -> [String] {
        let widths = columns.indices.map { column in
            ([columns[column].title] + rows.map { $0.cells[column] }).map(\.count).max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            var text = cells.indices.map { column in
                let blanks = String(repeating: " ", count: widths[column] - cells[column].count)
                return columns[column].isNumber ? blanks + cells[column] : cells[column] + blanks
            }.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return text
        }
        return [style.faint(line(columns.map(\.title)))] + rows.flatMap { [$0.paint(line($0.cells))] + $0.notes.map { "    " + $0 } }
    }
}

extension UInt64 {
    /// In at most seven columns: as it is below ten million, rounded down with a unit above.
    var short: String {
        if self < 10_000_000 { return "\(self)" }
        var (value, unit) = (self / 1_000_000, 0)
        while value >= 10_000 {
            value /= 1000
            unit += 1
        }
        return "\(value)\(["M", "G", "T", "P"][unit])"
    }
}
