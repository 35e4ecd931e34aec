import GRDB
import Policy

/// Which events are asked for; nil asks for all.
public struct EventFilter: Sendable, Hashable {
    public var guest: String?
    public var port: String?
    public var bridge: String?
    public var reason: Reason?
    public var severity: Severity?
    public var direction: Direction?
    /// What audit mode let pass, or what was dropped.
    public var wasAudited: Bool?
    /// Nanoseconds since 1970: not those that had all happened before.
    public var since: UInt64?
    /// Nanoseconds since 1970: not those that all happened after.
    public var until: UInt64?

    public init(
        guest: String? = nil, port: String? = nil, bridge: String? = nil, reason: Reason? = nil, severity: Severity? = nil,
        direction: Direction? = nil, wasAudited: Bool? = nil, since: UInt64? = nil, until: UInt64? = nil
    ) {
        self.guest = guest
        self.port = port
        self.bridge = bridge
        self.reason = reason
        self.severity = severity
        self.direction = direction
        self.wasAudited = wasAudited
        self.since = since
        self.until = until
    }

    /// Whether it asks for a violation, whenever it happened.
    public func matches(_ violation: Violation) -> Bool {
        (guest == nil || guest == violation.guest) && (port == nil || port == violation.port) && (bridge == nil || bridge == violation.bridge)
            && (reason == nil || reason == violation.reason) && (severity == nil || severity == violation.reason.severity)
            && (direction == nil || direction == violation.direction) && (wasAudited == nil || wasAudited == violation.wasAudited)
    }

    /// The same question to a table `violations`: conditions, and the values that are bound to their question marks.
    var condition: (sql: String, arguments: StatementArguments) {
        var parts: [String] = []
        var arguments = StatementArguments()
        func ask(_ part: String, _ values: (any DatabaseValueConvertible)...) {
            parts.append(part)
            arguments += StatementArguments(values)
        }
        if let guest { ask("violations.guest = ?", guest) }
        if let port { ask("violations.port = ?", port) }
        if let bridge { ask("violations.bridge = ?", bridge) }
        if let reason { ask("violations.reason = ?", Int64(reason.rawValue)) }
        if let direction { ask("violations.direction = ?", Int64(direction.rawValue)) }
        if let wasAudited { ask("violations.audited = ?", wasAudited) }
        if let severity {
            let numbers = Reason.allCases.filter { $0.severity == severity }.map { String($0.rawValue) }
            ask("violations.reason IN (\(numbers.joined(separator: ", ")))")
        }
        // A row's minute is that of its last frame, and the key begins with it.
        if let since { ask("violations.minute >= ? AND violations.last >= ?", Int64(clamping: since / EventStore.minute), Int64(clamping: since)) }
        if let until { ask("violations.first <= ?", Int64(clamping: until)) }
        return (parts.isEmpty ? "1" : parts.joined(separator: " AND "), arguments)
    }
}
