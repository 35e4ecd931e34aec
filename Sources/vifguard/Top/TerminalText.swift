// Text as wide as a terminal shows it, which isn't as many columns as it has characters.
extension Unicode.Scalar {
    /// Columns: 0 for what is put on the character before, 2 for wide ones (Unicode TR 11: East Asian Width W and F).
    fileprivate var terminalColumns: Int {
        if value < 0x300 { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        switch value {
        case 0x1160...0x11ff: return 0  // Hangul vowels and finals, put into the syllable
        case 0x1f1e6...0x1f1ff: return 1  // regional indicators: two make a flag
        case 0x1100...0x115f, 0x2329...0x232a, 0x2630...0x2637, 0x268a...0x268f, 0x2e80...0x303e, 0x3041...0x3247, 0x3250...0xa4cf,
            0xa960...0xa97c, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe10...0xfe19, 0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6,
            0x16fe0...0x18dff, 0x1aff0...0x1b2ff, 0x1d300...0x1d376, 0x1f200...0x1f265, 0x20000...0x3fffd:
            return 2
        default: return properties.isEmojiPresentation ? 2 : 1
        }
    }
}

extension Character {
    fileprivate var terminalColumns: Int { unicodeScalars.reduce(0) { $0 + $1.terminalColumns } }
}

extension String {
    /// How many columns of a terminal it takes. It must be `visible`.
    var terminalColumns: Int {
        if utf8.allSatisfy({ $0 < 0x80 }) { return utf8.count }
        return unicodeScalars.reduce(0) { $0 + $1.terminalColumns }
    }

    /// In exactly that many columns of a terminal: cut, with an ellipsis for the rest, or with blanks before or behind it.
    func fitted(to columns: Int, isNumber: Bool = false) -> String {
        let width = terminalColumns
        if width <= columns {
            let blanks = String(repeating: " ", count: columns - width)
            return isNumber ? blanks + self : self + blanks
        }
        guard columns > 0 else { return "" }
        var text = ""
        var taken = 0
        for character in self {
            guard taken + character.terminalColumns < columns else { break }
            text.append(character)
            taken += character.terminalColumns
        }
        // Half of a wide character is left blank.
        return text + "…" + String(repeating: " ", count: columns - taken - 1)
    }
}

extension Double {
    /// A rate in at most five columns: "0", "0.25", "7.5", "812", "1.23k", "45.6M", "789G".
    var shortRate: String {
        guard isFinite, self > 0 else { return "0" }
        if self < 0.005 { return "<.01" }
        if self < 0.995 { return decimal(2) }
        if self < 9.95 { return (self - rounded()).magnitude < 0.05 ? "\(Int(rounded()))" : decimal(1) }
        if self < 999.5 { return "\(Int(rounded()))" }
        var (value, unit) = (self / 1000, 0)
        let units = ["k", "M", "G", "T", "P"]
        while value >= 999.5, unit + 1 < units.count {
            value /= 1000
            unit += 1
        }
        if value >= 999.5 { return ">1e18" }
        return (value < 9.995 ? value.decimal(2) : value < 99.95 ? value.decimal(1) : "\(Int(value.rounded()))") + units[unit]
    }

    /// With one or two digits behind the point.
    private func decimal(_ digits: Int) -> String {
        let scale = digits == 1 ? 10 : 100
        let scaled = Int((self * Double(scale)).rounded())
        let rest = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: digits - rest.count) + rest
    }
}

/// How long ago, in at most four columns: "now", "59s", "59m", "23h", "999d".
func shortAge(nanoseconds: UInt64) -> String {
    let seconds = nanoseconds / 1_000_000_000
    switch seconds {
    case 0: return "now"
    case ..<60: return "\(seconds)s"
    case ..<3600: return "\(seconds / 60)m"
    case ..<86400: return "\(seconds / 3600)h"
    default: return "\(min(seconds / 86400, 999))d"
    }
}
