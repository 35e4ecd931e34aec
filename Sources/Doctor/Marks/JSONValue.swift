/// Any JSON, for output whose shape its tool doesn't promise.
indirect enum JSONValue: Sendable, Hashable, Decodable {
    case integer(Int64)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])
    /// Null, true, false, and numbers with a fraction: nothing here asks for them.
    case other

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else if let value = try? container.decode([String: JSONValue].self) {
            self = .object(value)
        } else {
            self = .other
        }
    }

    /// A member of an object; nil for anything else.
    subscript(_ key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var integer: Int64? { if case .integer(let integer) = self { integer } else { nil } }
    var list: [JSONValue]? { if case .list(let list) = self { list } else { nil } }

    /// The only member of an object that has one.
    var only: (key: String, value: JSONValue)? {
        if case .object(let members) = self, members.count == 1 { members.first } else { nil }
    }

    /// It and all that is in it.
    func visit(_ body: (JSONValue) -> Void) {
        body(self)
        switch self {
        case .list(let values): for value in values { value.visit(body) }
        case .object(let members): for value in members.values { value.visit(body) }
        default: break
        }
    }
}
