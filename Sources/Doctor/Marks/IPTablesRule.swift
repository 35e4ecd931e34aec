/// One rule, in the words that its tool saves it in.
struct IPTablesRule: Sendable, Hashable {
    var table: String
    var chain: String
    /// Its place in the chain, from 1.
    var number: Int
    /// What follows `-A CHAIN`.
    var words: [String]

    /// Where it sends a packet: a target or a chain; nil if it only counts.
    var target: String? { targetPlace.map { words[$0 + 1] } }

    private var targetPlace: Int? { words.indices.dropLast().last { words[$0] == "-j" || words[$0] == "-g" } }

    /// Whether it can match where the interfaces have these names. What it asks beyond them isn't looked at.
    func matches(_ interfaces: Set<String>) -> Bool {
        for option in ["-i", "-o", "--logical-in", "--logical-out"] {
            guard let place = words.firstIndex(of: option), place + 1 < words.count else { continue }
            // "! -i br0", and with some versions "-i ! br0".
            if place > 0 && words[place - 1] == "!" || words[place + 1] == "!" { continue }
            let name = words[place + 1]
            let prefix = name.hasSuffix("+") ? name.dropLast() : nil
            if !interfaces.contains(where: { prefix.map($0.hasPrefix) ?? ($0 == name) }) { return false }
        }
        return true
    }

    // MARK: What it does to the mark

    /// - Parameter stamp: the stamp, one bit.
    func change(stamp: UInt32) -> MarkChange {
        // The match "socket" can do it, too.
        let bySocket = words.contains("--restore-skmark") ? MarkChange(stamp: .unknown) : MarkChange()
        guard let place = targetPlace else { return bySocket }
        let options = Array(words[(place + 2)...])
        let change: MarkChange? =
            switch words[place + 1] {
            case "MARK", "mark": Self.marking(options, stamp)
            case "TPROXY":
                Self.option(["--tproxy-mark"], options).flatMap(Masked.init).map { MarkChange(value: $0.value, mask: $0.mask, stamp: stamp) }
            case "CONNMARK": Self.connectionMarking(options, stamp)
            case "HMARK": MarkChange(stamp: .unknown)
            case "SET" where options.contains("--map-mark"): MarkChange(stamp: .unknown)
            default: nil
            }
        return change ?? bySocket
    }

    private static func option(_ names: [String], _ options: [String]) -> String? {
        guard let place = options.firstIndex(where: names.contains), place + 1 < options.count else { return nil }
        return options[place + 1]
    }

    /// mark = (mark & ~mask) ^ value, for the words that say so.
    private static func exclusive(_ options: [String]) -> Masked? {
        if let text = option(["--set-xmark"], options) { return Masked(text) }
        if let set = option(["--set-mark", "--mark-set"], options).flatMap(Masked.init) {
            return Masked(value: set.value, mask: set.mask | set.value)
        }
        if let bits = option(["--and-mark", "--mark-and"], options).flatMap(Masked.init) { return Masked(value: 0, mask: ~bits.value) }
        if let bits = option(["--or-mark", "--mark-or"], options).flatMap(Masked.init) { return Masked(value: bits.value, mask: bits.value) }
        if let bits = option(["--xor-mark", "--mark-xor"], options).flatMap(Masked.init) { return Masked(value: bits.value, mask: 0) }
        return nil
    }

    private static func marking(_ options: [String], _ stamp: UInt32) -> MarkChange {
        // A way of saying it that this doesn't know may be any.
        guard let change = exclusive(options) else { return MarkChange(stamp: .unknown) }
        return MarkChange(value: change.value, mask: change.mask, stamp: stamp)
    }

    /// net/netfilter/xt_connmark.c.
    private static func connectionMarking(_ options: [String], _ stamp: UInt32) -> MarkChange {
        if let change = exclusive(options) {
            let fate = MarkChange(value: change.value, mask: change.mask, stamp: stamp).stamp
            return MarkChange(isSaved: fate == .set || fate == .flipped)
        }
        let both = number(["--mask"], options)
        let packet = number(["--nfmask"], options) ?? both ?? .max
        let connection = number(["--ctmask"], options) ?? both ?? .max
        let isShifted = options.contains("--left-shift-mark") || options.contains("--right-shift-mark")
        if options.contains("--save-mark") { return MarkChange(isSaved: packet & stamp != 0) }
        guard options.contains("--restore-mark") else { return MarkChange(stamp: .unknown) }
        if isShifted { return MarkChange(stamp: .fromConnection) }
        switch (packet & stamp != 0, connection & stamp != 0) {
        case (_, true): return MarkChange(stamp: .fromConnection)
        case (true, false): return MarkChange(stamp: .cleared)
        case (false, false): return MarkChange()
        }
    }

    private static func number(_ names: [String], _ options: [String]) -> UInt32? {
        option(names, options).flatMap(Masked.number)
    }

    /// The same rule with the stamp left out of its masks; nil where that isn't how to mend it.
    func sparing(stamp: UInt32) -> [String]? {
        guard let place = targetPlace else { return nil }
        var words = words
        var isSpared = false
        let isRestoring = words[place...].contains("--restore-mark") || words[place...].contains("--save-mark")
        for option in place + 2..<words.count where option + 1 < words.count {
            switch words[option] {
            case "--set-xmark", "--tproxy-mark", "--set-mark":
                guard let change = Masked(words[option + 1]) else { return nil }
                if words[option] == "--set-mark" { words[option] = "--set-xmark" }
                words[option + 1] = Masked(value: change.value & ~stamp, mask: change.mask & ~stamp).description
                isSpared = true
            case "--nfmask" where isRestoring, "--ctmask" where isRestoring:
                guard let mask = Masked.number(words[option + 1]) else { return nil }
                words[option + 1] = "0x" + String(mask & ~stamp, radix: 16)
                isSpared = true
            default: break
            }
        }
        let isMended = { Self(table: table, chain: chain, number: number, words: words).change(stamp: stamp).isHarmless }
        return isSpared && isMended() ? words : nil
    }

    // MARK: Words

    /// The words of a line. Quotes and backslashes are as xtables_save_string writes them; a quote that nothing closes
    /// ends with the line.
    static func words(_ line: Substring) -> [String] {
        var words: [String] = []
        var word: String?
        var isQuoted = false
        var isEscaped = false
        for character in line {
            switch character {
            case _ where isEscaped:
                word = (word ?? "") + String(character)
                isEscaped = false
            case "\\" where isQuoted: isEscaped = true
            case "\"":
                isQuoted.toggle()
                word = word ?? ""
            case " " where !isQuoted, "\t" where !isQuoted:
                if let done = word { words.append(done) }
                word = nil
            default: word = (word ?? "") + String(character)
            }
        }
        if let word { words.append(word) }
        return words
    }
}

/// A value and a mask: "0x1/0xff"; without one the mask is all bits.
struct Masked: Sendable, Hashable, CustomStringConvertible {
    var value: UInt32
    var mask: UInt32 = .max

    init(value: UInt32, mask: UInt32) {
        self.value = value
        self.mask = mask
    }

    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let value = Self.number(parts[0]) else { return nil }
        self.value = value
        guard parts.count > 1 else { return }
        guard let mask = Self.number(parts[1]) else { return nil }
        self.mask = mask
    }

    /// Decimal or, behind 0x, hexadecimal.
    static func number(_ text: String) -> UInt32? {
        text.hasPrefix("0x") || text.hasPrefix("0X") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
    }

    var description: String { "0x\(String(value, radix: 16))/0x\(String(mask, radix: 16))" }
}
