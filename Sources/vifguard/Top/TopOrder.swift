/// What rows are ordered by.
enum TopOrder: String, Sendable, CaseIterable {
    /// Whoever sends what is dropped stands on top, whoever something is kept from below; then who did so lately.
    case dropped
    case passed
    /// By the port's name, its numbers as numbers.
    case name
    case guest

    /// The rows that the filter lets through, in order.
    func arranged(_ rows: [TopRow], filter: String = "", isReversed: Bool = false) -> [TopRow] {
        let wanted = filter.lowercased()
        let chosen = wanted.isEmpty ? rows : rows.filter { $0.matches(wanted) }
        let sorted: [TopRow] =
            switch self {
            case .dropped: Self.sorted(chosen, by: \.droppedKey) { $0 > $1 }
            case .passed: Self.sorted(chosen, by: \.passedKey) { $0 > $1 }
            case .name: Self.sorted(chosen, by: { NaturalName($0.name) }) { $0 < $1 }
            case .guest: Self.sorted(chosen, by: { ($0.guest == nil ? 1 : 0, NaturalName($0.guest ?? $0.name)) }) { $0 < $1 }
            }
        return isReversed ? sorted.reversed() : sorted
    }

    /// Keys are made once a row; rows with equal ones stay in the order of their interfaces, so that nothing jumps about.
    private static func sorted<Key>(_ rows: [TopRow], by key: (TopRow) -> Key, _ isBefore: (Key, Key) -> Bool) -> [TopRow] {
        let keys = rows.map(key)
        let places = rows.indices.sorted { left, right in
            if isBefore(keys[left], keys[right]) { return true }
            if isBefore(keys[right], keys[left]) { return false }
            return rows[left].index < rows[right].index
        }
        return places.map { rows[$0] }
    }
}

extension TopRow {
    fileprivate var droppedKey: (Double, Double, UInt64) {
        (sent.dropped.packets, received.dropped.packets, causes.first { $0.cause.isSent }?.nanoseconds ?? 0)
    }

    fileprivate var passedKey: (Double, Double) {
        (sent.passed.packets + received.passed.packets, sent.passed.bits + received.passed.bits)
    }

    /// - Parameter text: in lower case.
    fileprivate func matches(_ text: String) -> Bool {
        name.lowercased().contains(text) || guest?.lowercased().contains(text) ?? false
    }
}

/// A name to be ordered as people do: vif2.0 before vif10.0.
private struct NaturalName: Comparable {
    private enum Part: Equatable {
        /// How many digits, without leading zeros; then these.
        case number(Int, [UInt8])
        case letters([UInt8])
    }

    private let parts: [Part]

    init(_ name: String) {
        var parts: [Part] = []
        var rest = Array(name.utf8)[...]
        while let first = rest.first {
            let isNumber = Self.isDigit(first)
            let run = rest.prefix { Self.isDigit($0) == isNumber }
            rest = rest.dropFirst(run.count)
            let digits = run.drop { $0 == 0x30 }
            parts.append(isNumber ? .number(digits.count, Array(digits)) : .letters(Array(run)))
        }
        self.parts = parts
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    static func < (left: NaturalName, right: NaturalName) -> Bool {
        for (one, other) in zip(left.parts, right.parts) where one != other {
            switch (one, other) {
            case (.number(let count, let digits), .number(let others, let otherDigits)):
                return count == others ? digits.lexicographicallyPrecedes(otherDigits) : count < others
            case (.letters(let letters), .letters(let others)): return letters.lexicographicallyPrecedes(others)
            case (.number, .letters): return true
            case (.letters, .number): return false
            }
        }
        return left.parts.count < right.parts.count
    }
}
