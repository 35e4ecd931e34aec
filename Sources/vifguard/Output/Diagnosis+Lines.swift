import Doctor
import Reporting

// `doctor` as people read it.
extension Diagnosis {
    /// The findings by severity, and how many there are of each.
    func lines(_ style: Style) -> [String] {
        let groups = Finding.Severity.allCases.compactMap { severity -> [String]? in
            let findings = findings.filter { $0.severity == severity }
            if findings.isEmpty { return nil }
            return [style.bold("\(severity.title)S")] + findings.flatMap { $0.lines(style) }
        }
        return Array((groups + [[summary(style)]]).joined(separator: [""]))
    }

    private func summary(_ style: Style) -> String {
        let text = "\(counted(problems, "problem")), \(counted(warnings, "warning")), \(counted(notes, "note"))."
        return problems > 0 ? style.red(text) : warnings > 0 ? style.yellow(text) : style.green(text)
    }
}

extension Finding.Severity {
    fileprivate var title: String {
        switch self {
        case .problem: "PROBLEM"
        case .warning: "WARNING"
        case .note: "NOTE"
        }
    }
}

extension Finding {
    fileprivate func lines(_ style: Style) -> [String] {
        let head = wrapped("  \(place.visible): \(found.visible)", indent: 4, firstColumn: 2 + id.count)
        // Commands stay whole, to be copied.
        return ["  \(paint(style, id))\(head)", "    " + wrapped(meaning.visible, indent: 4, firstColumn: 4)] + mend.map { "        \($0.visible)" }
    }

    private func paint(_ style: Style, _ text: String) -> String {
        switch severity {
        case .problem: style.red(text)
        case .warning: style.yellow(text)
        case .note: style.bold(text)
        }
    }
}
