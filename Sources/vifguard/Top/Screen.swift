/// How large a terminal's window is.
struct WindowSize: Hashable, Sendable {
    /// At least 1 each.
    var columns: Int
    var lines: Int
}

/// What a terminal shows, line by line, so that only what differs is sent.
struct Screen {
    private var size: WindowSize?
    private var shown: [String] = []

    /// Nobody knows what is on it: the next frame is sent in full.
    mutating func forget() { size = nil }

    /// What to send so that these lines are on the screen, and nothing else; empty if they are.
    ///
    /// - Parameter lines: each at most as wide as the screen, and visible but for its colours.
    mutating func bytes(showing lines: [String], in size: WindowSize) -> [UInt8] {
        var text = ""
        if size != self.size {
            text = "\u{1b}[0m\u{1b}[2J"
            self.size = size
            shown = [String](repeating: "", count: size.lines)
        }
        for line in 0..<size.lines {
            let wanted = line < lines.count ? lines[line] : ""
            if wanted == shown[line] { continue }
            // Erased behind the text, not before: nothing flickers. Every frame of the view fills the lines it uses, so
            // that there is something to erase only where a line has become empty.
            text += "\u{1b}[\(line + 1);1H\u{1b}[0m" + (wanted.isEmpty ? "\u{1b}[K" : wanted)
            shown[line] = wanted
        }
        return Array(text.utf8)
    }
}
