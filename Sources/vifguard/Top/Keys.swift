/// A key as it was pressed.
enum Key: Hashable, Sendable {
    case character(Character)
    case enter, backspace, escape
    case up, down, pageUp, pageDown, home, end
    /// Deletes all that was typed (^U).
    case eraseLine
    /// Draws anew (^L).
    case redraw
    /// Some key that means nothing here.
    case other
}

/// Makes keys of the bytes that a terminal sends (ECMA-48, 5.4; xterm's ctlseqs). Whatever comes, it keeps a few bytes at
/// most.
struct KeyReader {
    private static let escape: UInt8 = 0x1b
    private static let longest = 32
    private var pending: [UInt8] = []

    /// Whether a sequence has begun that may end here: the Escape key alone, if nothing follows soon.
    var isWaiting: Bool { !pending.isEmpty }

    /// The keys that these bytes, after those before, make up.
    mutating func read(_ bytes: some Sequence<UInt8>) -> [Key] {
        bytes.compactMap { take($0) }
    }

    /// Nothing followed: what has begun is all.
    mutating func settle() -> [Key] {
        defer { pending = [] }
        if pending.isEmpty { return [] }
        return [pending == [Self.escape] ? .escape : .other]
    }

    private mutating func take(_ byte: UInt8) -> Key? {
        guard let first = pending.first else { return begin(byte) }
        // Escape begins anew wherever it comes.
        if byte == Self.escape {
            pending = [byte]
            return first == Self.escape ? .escape : .other
        }
        pending.append(byte)
        let isOver = first == Self.escape ? Self.isOver(sequence: pending) : pending.count == Self.length(of: first)
        guard isOver || pending.count >= Self.longest else { return nil }
        defer { pending = [] }
        return first == Self.escape ? Self.key(of: pending) : Self.character(pending)
    }

    private mutating func begin(_ byte: UInt8) -> Key? {
        switch byte {
        case Self.escape, 0xc2...0xf4:
            pending = [byte]
            return nil
        case 0x0a, 0x0d: return .enter
        case 0x08, 0x7f: return .backspace
        case 0x0c: return .redraw
        case 0x15: return .eraseLine
        case 0x20..<0x7f: return .character(Character(Unicode.Scalar(byte)))
        default: return .other
        }
    }

    /// Of a character in UTF-8.
    private static func length(of first: UInt8) -> Int { first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4 }

    private static func character(_ bytes: [UInt8]) -> Key {
        guard let text = String(validating: bytes, as: UTF8.self), let character = text.first, text.count == 1 else { return .other }
        return .character(character)
    }

    /// ESC [ parameters final; ESC O final; ESC and one more.
    private static func isOver(sequence: [UInt8]) -> Bool {
        switch sequence[1] {
        case 0x5b: sequence.count > 2 && (0x40...0x7e).contains(sequence[sequence.count - 1])
        case 0x4f: sequence.count > 2
        default: true
        }
    }

    private static func key(of sequence: [UInt8]) -> Key {
        switch String(decoding: sequence.dropFirst(), as: UTF8.self) {
        case "[A", "OA": .up
        case "[B", "OB": .down
        case "[5~": .pageUp
        case "[6~": .pageDown
        case "[H", "OH", "[1~", "[7~": .home
        case "[F", "OF", "[4~", "[8~": .end
        default: .other
        }
    }
}
