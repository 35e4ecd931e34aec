extension Changes {
    /// At most 80 columns.
    var lines: [String] {
        [
            "", "CHANGES with \(ports) guests: times of this machine, median (range)",
            Self.row("programs and maps loaded and pinned", load, "ms"),
            Self.row("apply, with no port guarded before", applyFirst, "ms"),
            Self.row("apply, with nothing to change", applyAgain, "ms"),
            Self.row("attach of a port plugged in", attach, "ms"),
            Self.row("of that, its record and programs", closeAndBind, "ms"),
            Self.row("new addresses on a running port", newAddresses, "µs"),
            "  " + "kernel memory of all maps".padded(to: 40) + "\(Report.decimal(Double(memory) / 1_048_576, 1)) MiB",
        ] + frameLines
    }

    private static func row(_ what: String, _ spread: Spread, _ unit: String) -> String {
        let places = spread.median < 10 ? 1 : 0
        let numbers = [spread.median, spread.minimum, spread.maximum].map { Report.decimal($0, places) }
        return "  " + what.padded(to: 40) + "\(numbers[0]) \(unit) (\(numbers[1])-\(numbers[2]))"
    }

    private var frameLines: [String] {
        let widths = (44, 9)
        let heading = Report.line("FRAMES while \(ports) guests are changed", ["honest", "lost", "spoofs", "leaked"], widths: widths)
        return ["", heading]
            + frames.map { one in
                let spoofs = one.spoofs == 0 ? ["-", "-"] : ["\(one.spoofs)", "\(one.leaked)"]
                let title = "  \(one.change)" + (one.times > 1 ? ", x \(one.times)" : "")
                return Report.line(title, ["\(one.honest)", "\(one.lost)"] + spoofs, widths: widths)
            }
    }
}
