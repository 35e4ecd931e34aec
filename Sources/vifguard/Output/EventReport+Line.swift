import Reporting

extension EventReport {
    /// One line, as long as it is.
    func line(_ style: Style) -> String {
        let who = guest.map { "\(port) (\($0))" } ?? port
        let cut = frame.utf8.count / 2 < Int(length) ? " of \(length)" : ""
        let others = leftOut > 0 ? style.faint(" (\(leftOut) more like it left out)") : ""
        let what = verdict == .drop ? style.red(reason) : style.yellow("would drop \(reason)")
        return "\(clock.local) \(style.bold(who.visible)) \(direction) \(what): \(summary)\(cut)\(others)"
    }
}
