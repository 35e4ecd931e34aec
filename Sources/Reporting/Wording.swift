/// Text is written for terminals of this width.
package let textColumns = 80

/// The text broken between words into lines of at most 80 columns; all but the first are indented. Lines that are there stay.
package func wrapped(_ text: String, indent: Int = 0, firstColumn: Int = 0) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.enumerated().map { number, line in
        var result = ""
        var column = number == 0 ? firstColumn : 0
        for (place, word) in line.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
            if place > 0, column + 1 + word.count > textColumns {
                result += "\n" + String(repeating: " ", count: indent)
                column = indent
            } else if place > 0 {
                result += " "
                column += 1
            }
            result += word
            column += word.count
        }
        return result
    }.joined(separator: "\n")
}

/// "1 guest", "2 guests".
package func counted(_ count: some BinaryInteger, _ noun: String, plural: String? = nil) -> String {
    "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
}

extension String {
    /// With nothing in it that could steer a terminal or turn the direction of writing (Unicode TR 36, 2.5).
    package var visible: String {
        unicodeScalars.reduce(into: "") { text, scalar in
            if scalar.isVisible { text.unicodeScalars.append(scalar) } else { text += "\\u{\(String(scalar.value, radix: 16))}" }
        }
    }

    /// As `visible`, but for the ends of its lines.
    package var visibleLines: String {
        split(separator: "\n", omittingEmptySubsequences: false).map { String($0).visible }.joined(separator: "\n")
    }

    /// Cut to a number of columns, with an ellipsis for the rest.
    package func cut(to columns: Int) -> String { count <= columns ? self : prefix(max(0, columns - 1)) + "…" }
}

extension Unicode.Scalar {
    fileprivate var isVisible: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}
