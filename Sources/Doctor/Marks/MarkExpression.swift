/// What one bit of a value of nft's is, as far as can be told without a packet.
enum MarkBit: Sendable, Hashable {
    case zero, one
    /// The stamp as it was, or its opposite.
    case stamp, notStamp
    /// The stamp's bit of the connection's mark.
    case connection
    case unknown

    /// - Parameters:
    ///   - index: which bit of the value, from 0.
    ///   - value: libnftables-json(5), EXPRESSIONS.
    ///   - stamp: which bit of the mark is the stamp.
    init(_ index: Int, of value: JSONValue, stamp: Int) {
        self = .unknown
        switch value {
        case .integer(let number): self = (0..<32).contains(index) && number >> Int64(index) & 1 == 1 ? .one : .zero
        case .text(let text):
            if let number = Masked.number(text) { self.init(index, of: .integer(Int64(number)), stamp: stamp) }
        case .object:
            if let only = value.only { self.init(index, operation: only.key, only.value, stamp: stamp) }
        case .list, .other: break
        }
    }

    private init(_ index: Int, operation: String, _ operand: JSONValue, stamp: Int) {
        self = .unknown
        let operands = operand.list ?? []
        func bit(_ place: Int, _ index: Int) -> MarkBit { MarkBit(index, of: operands[place], stamp: stamp) }
        switch operation {
        case "meta" where operand["key"]?.text == "mark" && index == stamp: self = .stamp
        case "ct" where operand["key"]?.text == "mark" && index == stamp: self = .connection
        case "&", "|", "^":
            guard operands.count >= 2 else { return }
            self = (1..<operands.count).reduce(bit(0, index)) { $0.combined(operation, bit($1, index)) }
        case "<<", ">>":
            guard operands.count == 2, let shift = operands[1].integer, (0..<32).contains(shift) else { return }
            let source = index + (operation == "<<" ? -Int(shift) : Int(shift))
            self = (0..<32).contains(source) ? bit(0, source) : .zero
        case "map":
            // All values alike, or who knows.
            guard let pairs = operand["data"]?["set"]?.list, !pairs.isEmpty else { return }
            let bits = Set(pairs.map { pair in pair.list.flatMap { $0.count == 2 ? MarkBit(index, of: $0[1], stamp: stamp) : nil } ?? .unknown })
            if bits.count == 1, let bit = bits.first { self = bit }
        case "jhash", "symhash", "numgen":
            // From `offset` on, `mod` values.
            let offset = operand["offset"]?.integer ?? 0
            let values = Int64(0)..<(Int64(1) << Int64(index))
            guard let count = operand["mod"]?.integer, values.contains(offset), values.contains(count), values.contains(offset + count) else {
                return
            }
            self = .zero
        default: break
        }
    }

    private func combined(_ operation: String, _ other: MarkBit) -> MarkBit {
        switch (operation, self, other) {
        case ("&", .zero, _), ("&", _, .zero): .zero
        case ("&", .one, let bit), ("&", let bit, .one): bit
        case ("|", .one, _), ("|", _, .one): .one
        case ("|", .zero, let bit), ("|", let bit, .zero): bit
        case ("^", .zero, let bit), ("^", let bit, .zero): bit
        case ("^", .one, let bit), ("^", let bit, .one): bit.inverted
        default: self == other && operation != "^" ? self : .unknown
        }
    }

    private var inverted: MarkBit {
        switch self {
        case .zero: .one
        case .one: .zero
        case .stamp: .notStamp
        case .notStamp: .stamp
        case .connection, .unknown: .unknown
        }
    }

    /// What becomes of the stamp if this is written in its place.
    var fate: StampFate {
        switch self {
        case .zero: .cleared
        case .one: .set
        case .stamp: .kept
        case .notStamp: .flipped
        case .connection: .fromConnection
        case .unknown: .unknown
        }
    }

    /// Whether a connection's mark that this is written into remembers the stamp, or pretends to.
    var isSaving: Bool { self == .stamp || self == .notStamp || self == .one }
}
