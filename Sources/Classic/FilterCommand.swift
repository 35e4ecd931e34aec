/// One command of the article: a tool and its arguments, run without a shell.
public struct FilterCommand: Sendable, Hashable, Encodable {
    public var filter: Filter
    public var arguments: [String]

    init(_ filter: Filter, _ arguments: [String]) {
        self.filter = filter
        self.arguments = arguments
    }

    public static func policy(_ filter: Filter, _ target: String) -> FilterCommand { FilterCommand(filter, ["-P", "FORWARD", target]) }
    public static func flush(_ filter: Filter) -> FilterCommand { FilterCommand(filter, ["-F", "FORWARD"]) }
    public static func append(_ rule: Rule) -> FilterCommand { FilterCommand(rule.filter, ["-A", "FORWARD"] + rule.words) }
    public static func delete(_ rule: Rule) -> FilterCommand { FilterCommand(rule.filter, ["-D", "FORWARD"] + rule.words) }
    static func delete(_ filter: Filter, number: Int) -> FilterCommand { FilterCommand(filter, ["-D", "FORWARD", "\(number)"]) }

    /// Remembers, and forgets, that a port is attached (`FilterState.attached`). The article has nothing of the kind.
    static func mark(_ port: String) -> FilterCommand { FilterCommand(.iptables, ["-N", FilterState.mark(of: port)]) }
    static func unmark(_ port: String) -> FilterCommand { FilterCommand(.iptables, ["-X", FilterState.mark(of: port)]) }

    /// Shuts each of the three chains and empties it: the bridge is guarded from then on, and nothing crosses it.
    public static let guarding: [FilterCommand] = Filter.allCases.flatMap { [.policy($0, "DROP"), .flush($0)] }

    /// Whether it adds or deletes a rule, written out.
    var isAboutRule: Bool { ["-A", "-D"].contains(arguments.first) && arguments.count > 3 }

    /// As the article prints it, the tools' names one below the other. No word needs quotes: names, addresses and numbers.
    public var line: String {
        let name = filter.rawValue
        return name + String(repeating: " ", count: 9 - name.utf8.count) + " " + arguments.joined(separator: " ")
    }

    private enum CodingKeys: String, CodingKey { case tool, arguments }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(filter, forKey: .tool)
        try container.encode(arguments, forKey: .arguments)
    }
}
