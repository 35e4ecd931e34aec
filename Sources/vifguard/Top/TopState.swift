/// What the person at the terminal has chosen: keys change it, and nothing else.
struct TopState: Sendable, Hashable {
    /// Longer filters match nothing that a port or a guest can be called.
    private static let longestFilter = 128

    var order = TopOrder.dropped
    var isReversed = false
    var isPaused = false
    var showsHelp = false
    var filter = ""
    /// What is being typed after '/'; nil while nothing is.
    var draft: String?
    /// How many rows are out of sight above.
    var offset = 0
    var isOver = false

    /// What rows are chosen by: what is being typed is tried at once.
    var wanted: String { draft ?? filter }

    /// Takes one key.
    ///
    /// - Parameter page: how many rows are in sight.
    mutating func press(_ key: Key, page: Int) {
        if draft != nil { return type(key, page: page) }
        if showsHelp {
            showsHelp = false
            if key == .character("q") { isOver = true }
            return
        }
        switch key {
        case .character(let character): command(character, page: page)
        case .escape:
            filter = ""
            offset = 0
        case .enter: move(by: 1)
        default: scroll(key, page: page)
        }
    }

    private mutating func command(_ character: Character, page: Int) {
        switch character {
        case "q", "Q": isOver = true
        case "d", "p", "n", "g":
            order = character == "d" ? .dropped : character == "p" ? .passed : character == "n" ? .name : .guest
            isReversed = false
            offset = 0
        case "r": isReversed.toggle()
        case " ": isPaused.toggle()
        case "?", "h": showsHelp = true
        case "/": draft = ""
        case "j": move(by: 1)
        case "k": move(by: -1)
        case "G": scroll(.end, page: page)
        default: break
        }
    }

    private mutating func type(_ key: Key, page: Int) {
        switch key {
        case .character(let character) where (draft?.count ?? 0) < Self.longestFilter: draft?.append(character)
        case .backspace:
            if draft?.popLast() == nil { draft = nil }
        case .eraseLine: draft = ""
        case .enter:
            filter = draft ?? ""
            draft = nil
        case .escape: draft = nil
        default: scroll(key, page: page)
        }
        if case .character = key { offset = 0 }
    }

    private mutating func scroll(_ key: Key, page: Int) {
        switch key {
        case .up: move(by: -1)
        case .down: move(by: 1)
        case .pageUp: move(by: -max(1, page - 1))
        case .pageDown: move(by: max(1, page - 1))
        case .home: offset = 0
        case .end: offset = .max
        default: break
        }
    }

    private mutating func move(by rows: Int) { offset = max(0, offset.addingReportingOverflow(rows).overflow ? .max : offset + rows) }

    /// Keeps the offset within what there is.
    mutating func settle(rows: Int, page: Int) { offset = min(offset, max(0, rows - page)) }
}
