import Glibc

/// Colours, where a person looks on. `NO_COLOR` turns them off (no-color.org).
struct Style {
    let isOn: Bool

    static let output = Style(isOn: isatty(STDOUT_FILENO) == 1 && environment("NO_COLOR") == nil && environment("TERM") != "dumb")

    func bold(_ text: String) -> String { coded(1, text) }
    func red(_ text: String) -> String { coded(31, text) }
    func green(_ text: String) -> String { coded(32, text) }
    func yellow(_ text: String) -> String { coded(33, text) }
    func inverse(_ text: String) -> String { coded(7, text) }
    func faint(_ text: String) -> String { coded(2, text) }

    private func coded(_ code: Int, _ text: String) -> String { isOn ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text }
}
