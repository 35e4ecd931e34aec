import Testing

@testable import vifguard

/// Figures and names in columns of a terminal.
struct TopTextTests {
    @Test(arguments: [
        (0.0, "0"), (0.001, "<.01"), (0.25, "0.25"), (0.999, "1"), (1, "1"), (7.5, "7.5"), (9.97, "10"), (812.4, "812"), (999.6, "1.00k"),
        (1234, "1.23k"), (9996, "10.0k"), (99_960, "100k"), (123_456, "123k"), (999_600, "1.00M"), (45_600_000, "45.6M"), (7.89e11, "789G"),
        (1e15, "1.00P"), (1e19, ">1e18"), (.infinity, "0"), (.nan, "0"), (-3, "0"),
    ])
    func `a rate has three digits and at most five columns`(rate: Double, text: String) {
        #expect(rate.shortRate == text)
    }

    @Test func `no rate at all takes more than five columns`() {
        var rate = 0.0001
        while rate < 1e20 {
            for near in [rate.nextDown, rate, rate.nextUp] { #expect(near.shortRate.count <= 5, "\(near): \(near.shortRate)") }
            rate *= 1.0007
        }
    }

    @Test(arguments: [
        (0, "now"), (999_999_999, "now"), (1_000_000_000, "1s"), (59_900_000_000, "59s"), (60_000_000_000, "1m"), (3_600_000_000_000, "1h"),
        (86_400_000_000_000, "1d"), (UInt64.max, "999d"),
    ])
    func `an age is short`(nanoseconds: UInt64, text: String) { #expect(shortAge(nanoseconds: nanoseconds) == text) }

    /// Widths by Unicode TR 11 and as xterm, VTE and tmux show them.
    @Test(arguments: [
        ("vif1.0", 6), ("東京", 4), ("한글", 4), ("ｗ", 2), ("é", 1), ("e\u{301}", 1), ("🔥", 2), ("日本e\u{301}", 5), ("…", 1), ("Ω", 1), ("", 0),
    ])
    func `text is as wide as a terminal shows it`(text: String, columns: Int) { #expect(text.terminalColumns == columns) }

    @Test(arguments: [
        ("東京タワー", 5, "東京…"), ("東京タワー", 6, "東京… "), ("東京", 4, "東京"), ("東京", 6, "東京  "), ("abc", 2, "a…"), ("abc", 1, "…"), ("abc", 0, ""),
        ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
    ])
    func `text is cut between characters, and fills its columns`(text: String, columns: Int, cut: String) {
        #expect(text.fitted(to: columns) == cut)
        #expect(text.fitted(to: columns).terminalColumns == columns)
    }
}
