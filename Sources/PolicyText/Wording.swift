/// The text with everything escaped that could steer a terminal or hide what it says.
func printable(_ text: some StringProtocol) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
        if isPrintable(scalar) {
            shown.unicodeScalars.append(scalar)
        } else {
            shown += "\\u{\(String(scalar.value, radix: 16))}"
        }
    }
    return shown
}

/// The text in quotation marks, escaped, and cut to a readable length.
func quoted(_ text: some StringProtocol) -> String {
    let limit = 60
    let start = String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit)))
    return "\"\(printable(start))\(text.unicodeScalars.dropFirst(limit).isEmpty ? "" : "…")\""
}

/// Neither a control character, nor one that breaks a line or turns the direction of writing (Unicode TR 36, 2.5).
func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x2028...0x202e, 0x2066...0x2069, 0xfeff, 0xfff9...0xfffb, 0xe0000...0xe007f: false
    case 0x10_0000...: false
    default: scalar.value & 0xfffe != 0xfffe
    }
}

/// `a`, `a or b`, `a, b or c`.
func alternatives(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or " + last
}

/// The one of `candidates` that the text was probably meant to be: nearest by edits, and near enough.
func nearest(to text: String, among candidates: some Collection<String>) -> String? {
    guard (1...64).contains(text.unicodeScalars.count) else { return nil }
    let typed = Array(text.lowercased().unicodeScalars)
    var best: (distance: Int, candidate: String)?
    for candidate in candidates {
        let meant = Array(candidate.lowercased().unicodeScalars.prefix(64))
        let limit = max(1, min(3, min(typed.count, meant.count) / 3))
        guard abs(meant.count - typed.count) <= limit else { continue }
        let distance = edits(from: typed, to: meant)
        if distance <= limit, distance < best?.distance ?? .max { best = (distance, candidate) }
    }
    return best?.candidate
}

/// How many characters to insert, delete, replace or swap with their neighbour (optimal string alignment).
private func edits(from left: [Unicode.Scalar], to right: [Unicode.Scalar]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for i in left.indices {
        var row = [i + 1]
        for j in right.indices {
            var cost = min(last[j] + (left[i] == right[j] ? 0 : 1), min(last[j + 1], row[j]) + 1)
            if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { cost = min(cost, beforeLast[j - 1] + 1) }
            row.append(cost)
        }
        (beforeLast, last) = (last, row)
    }
    return last[right.count]
}
