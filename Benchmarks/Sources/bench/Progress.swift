import Foundation

/// Tells whoever waits what is going on, on standard error: in one line that changes, or line by line into a file.
struct Progress {
    private let isTerminal = isatty(2) == 1
    private let began = ContinuousClock.now

    func update(_ text: String) {
        let seconds = Int((ContinuousClock.now - began) / .seconds(1))
        write(isTerminal ? "\r\u{1b}[K\(seconds) s  \(text)" : "\(seconds) s  \(text)\n")
    }

    func end() {
        if isTerminal { write("\r\u{1b}[K") }
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
