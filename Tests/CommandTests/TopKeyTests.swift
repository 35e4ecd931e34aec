import Testing

@testable import vifguard

struct KeyReaderTests {
    /// xterm's, the Linux console's and rxvt's.
    @Test(arguments: [
        ("q", [Key.character("q")]), ("\u{1b}[A", [.up]), ("\u{1b}OB", [.down]), ("\u{1b}[5~\u{1b}[6~", [.pageUp, .pageDown]),
        ("\u{1b}[H\u{1b}[4~", [.home, .end]), ("\u{1b}[1;5A", [.other]), ("é", [.character("é")]), ("東", [.character("東")]),
        ("\r\n\u{7f}\u{15}\u{c}", [.enter, .enter, .backspace, .eraseLine, .redraw]), ("\u{1b}x", [.other]), ("\u{1}", [.other]),
        ("\u{1b}\u{1b}[A", [.escape, .up]),
    ])
    func `bytes make keys`(text: String, keys: [Key]) {
        var whole = KeyReader()
        #expect(whole.read(Array(text.utf8)) == keys)
        var single = KeyReader()
        #expect(text.utf8.flatMap { single.read([$0]) } == keys, "one byte at a time")
        #expect(!single.isWaiting)
    }

    @Test func `Escape alone is a key once nothing follows`() {
        var reader = KeyReader()
        #expect(reader.read([0x1b]) == [] && reader.isWaiting)
        #expect(reader.settle() == [.escape] && !reader.isWaiting && reader.settle() == [])
    }

    @Test func `whatever bytes come, little is kept and later keys are read`() {
        var random = SystemRandomNumberGenerator()
        var reader = KeyReader()
        for _ in 0..<200 { _ = reader.read((0..<500).map { _ in UInt8.random(in: 0...255, using: &random) }) }
        _ = reader.read([0x1b, 0x5b] + [UInt8](repeating: 0x30, count: 100_000))
        _ = reader.settle()
        #expect(reader.read([0x71]) == [.character("q")])
    }
}

struct TopStateTests {
    private func pressed(_ keys: [Key], page: Int = 10) -> TopState {
        var state = TopState()
        for key in keys { state.press(key, page: page) }
        return state
    }

    private func typed(_ text: String) -> [Key] { text.map { .character($0) } }

    @Test func `letters choose the order, r turns it round`() {
        #expect(pressed([]).order == .dropped)
        #expect(pressed(typed("p")).order == .passed && pressed(typed("n")).order == .name && pressed(typed("g")).order == .guest)
        #expect(pressed(typed("pr")).isReversed && !pressed(typed("prr")).isReversed && pressed(typed("prd")).order == .dropped)
        #expect(pressed(typed("q")).isOver && pressed(typed(" ")).isPaused && !pressed(typed("  ")).isPaused)
    }

    @Test func `a filter is typed, tried at once, taken by Enter and dropped by Escape`() {
        let typing = pressed(typed("/mailq"))
        #expect(typing.draft == "mailq" && typing.wanted == "mailq" && !typing.isOver)
        #expect(pressed(typed("/mail") + [.backspace, .enter]).filter == "mai")
        #expect(pressed(typed("/mail") + [.eraseLine] + typed("x") + [.enter]).filter == "x")
        #expect(pressed(typed("/mail") + [.enter] + typed("/web") + [.escape]).filter == "mail")
        #expect(pressed(typed("/mail") + [.enter, .escape]).filter == "")
        #expect(pressed(typed("/" + String(repeating: "x", count: 5000))).draft?.count == 128)
    }

    @Test func `help is left by any key, which does nothing else`() {
        #expect(pressed(typed("?")).showsHelp && pressed(typed("h")).showsHelp)
        let after = pressed(typed("?p"))
        #expect(!after.showsHelp && after.order == .dropped)
        #expect(pressed(typed("?q")).isOver)
    }

    @Test func `scrolling stays within the rows`() {
        func settled(_ keys: [Key], rows: Int = 100) -> Int {
            var state = pressed(keys)
            state.settle(rows: rows, page: 10)
            return state.offset
        }
        #expect(settled([.down, .down, .up]) == 1 && settled([.up]) == 0)
        #expect(settled([.pageDown]) == 9 && settled([.pageDown, .pageUp]) == 0)
        #expect(settled([.end]) == 90 && settled([.end, .down]) == 90 && settled([.end, .home]) == 0 && settled([.end], rows: 5) == 0)
        #expect(settled(typed("jjk")) == 1 && settled(typed("G")) == 90)
    }
}
