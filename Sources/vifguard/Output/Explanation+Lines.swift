import Reporting

extension Explanation {
    func lines(_ style: Style) -> [String] {
        let head = "\(number)  "
        let word =
            switch verdict {
            case .pass: style.green("pass")
            case .drop: style.red("drop")
            case .wouldDrop: style.yellow("would drop")
            }
        var lines = [wrapped(head + summary, indent: 4)]
        if let reason, let rules, let reference {
            let place = "\(rules.count == 1 && !rules[0].contains(" ") ? "rule" : "see") \(rules.joined(separator: ", ")); \(reference)"
            lines.append(wrapped("    \(word)  \(reason) (\(place))", indent: 4))
            lines.append(wrapped("    \(explanation)", indent: 4))
        } else {
            lines.append("    \(word)")
        }
        for claim in claims { lines.append("    The guest claims \(claim) by it.") }
        if captured < length {
            lines.append(wrapped("    Captured \(captured) of \(length) bytes: a whole frame may fare otherwise.", indent: 4))
        }
        return lines
    }
}
