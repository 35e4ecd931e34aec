import Foundation
import GRDB
import Packets
import Policy
import Synchronization

/// Reads the store of events, while an agent writes it or when none runs. May be used by any number of threads.
public final class EventReader: Sendable {
    public let path: String
    private let open: Mutex<(queue: DatabaseQueue, device: dev_t, node: ino_t)?> = Mutex(nil)

    /// Opens nothing yet.
    public init(_ folder: StateFolder = StateFolder()) { path = folder.events }

    /// Whether there is a store.
    ///
    /// - Throws: `EventStoreError.system` if that can't be told, such as where one may not look.
    public func exists() throws(EventStoreError) -> Bool {
        var status = stat()
        if stat(path, &status) == 0 { return true }
        guard errno == ENOENT || errno == ENOTDIR else { throw .system(action: "look for \(path)", errno: errno) }
        return false
    }

    /// Which file the store is; another number after it was set aside and begun anew: numbers of changes start over then.
    public var fileNumber: UInt64 { EventStore.identity(path).map { UInt64($0.node) } ?? 0 }

    // MARK: Questions

    /// Violations by minute, with their samples.
    ///
    /// - Parameters:
    ///   - newestFirst: else the oldest come first.
    ///   - place: only those behind this one, in that order.
    ///   - limit: at most so many; ask again with the last one's place for more.
    public func violations(
        _ filter: EventFilter = EventFilter(), newestFirst: Bool = false, after place: StoredViolation.Place? = nil, limit: Int = 1000
    ) throws(EventStoreError) -> [StoredViolation] {
        let (condition, arguments) = filter.condition
        let (sign, order) = newestFirst ? ("<", "DESC") : (">", "ASC")
        var sql = "SELECT * FROM violations WHERE \(condition)"
        var values = arguments
        if let place {
            sql += " AND (minute, id) \(sign) (?, ?)"
            values += [place.minute, place.id]
        }
        sql += " ORDER BY minute \(order), id \(order) LIMIT ?"
        values += [max(0, limit)]
        return try read { database in try Self.violations(database, sql, values) }
    }

    /// Where the newest `limit` begin: the place of the one before them; nil if there are no more.
    public func place(before limit: Int, _ filter: EventFilter = EventFilter()) throws(EventStoreError) -> StoredViolation.Place? {
        let (condition, arguments) = filter.condition
        return try read { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT minute, id FROM violations WHERE \(condition) ORDER BY minute DESC, id DESC LIMIT 1 OFFSET ?",
                arguments: arguments + [max(0, limit)])
            return row.map { StoredViolation.Place(minute: $0["minute"], id: $0["id"]) }
        }
    }

    /// The number of the last change.
    public func lastChange() throws(EventStoreError) -> Int64 {
        try read { database in try Int64.fetchOne(database, sql: "SELECT change FROM progress") ?? 0 }
    }

    /// Violations that were counted since a change, as they are now, in the order of their changes.
    ///
    /// - Parameter limit: about so many at most: what one change brought is never cut in two.
    public func changes(after change: Int64, _ filter: EventFilter = EventFilter(), limit: Int = 1000) throws(EventStoreError)
        -> [StoredViolation]
    {
        let (condition, arguments) = filter.condition
        return try read { database in
            let last = try Int64.fetchOne(
                database, sql: "SELECT change FROM violations WHERE change > ? AND \(condition) ORDER BY change LIMIT 1 OFFSET ?",
                arguments: [change] + arguments + [max(0, limit - 1)])
            let sql = "SELECT * FROM violations WHERE change > ? AND change <= ? AND \(condition) ORDER BY change, id"
            return try Self.violations(database, sql, [change, last ?? Int64.max] + arguments)
        }
    }

    /// Sums by guest, port where there is no guest, bridge, direction, reason and verdict: most packets first.
    public func totals(_ filter: EventFilter = EventFilter(), limit: Int = 1000) throws(EventStoreError) -> [ViolationTotal] {
        let (condition, arguments) = filter.condition
        return try read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT guest, max(port) AS port, bridge, direction, reason, audited, sum(packets) AS packets, sum(bytes) AS bytes,
                    min(first) AS first, max(last) AS last FROM violations WHERE \(condition)
                    GROUP BY guest, CASE guest WHEN '' THEN port ELSE '' END, bridge, direction, reason, audited
                    ORDER BY packets DESC, guest, reason LIMIT ?
                    """, arguments: arguments + [max(0, limit)])
            return rows.compactMap { row in
                guard let violation = Violation(row) else { return nil }
                return ViolationTotal(
                    guest: violation.guest, port: violation.port, bridge: violation.bridge, direction: violation.direction,
                    reason: violation.reason, wasAudited: violation.wasAudited, packets: number(row["packets"]), bytes: number(row["bytes"]),
                    first: number(row["first"]), last: number(row["last"]))
            }
        }
    }

    /// Kept frames: what addresses a guest used, say.
    ///
    /// - Parameters:
    ///   - newestFirst: else in the order in which they were kept.
    ///   - id: only those behind this one, in that order.
    public func samples(
        _ filter: EventFilter = EventFilter(), newestFirst: Bool = false, after id: Int64? = nil, limit: Int = 1000
    ) throws(EventStoreError) -> [StoredSample] {
        let (condition, arguments) = filter.condition
        let (sign, order) = newestFirst ? ("<", "DESC") : (">", "ASC")
        // In this order of tables: left to itself SQLite reads all samples there are for a few of one guest.
        var sql = "SELECT samples.*, violations.bridge, violations.port, violations.guest, violations.direction, violations.reason, "
        sql += "violations.audited FROM violations CROSS JOIN samples ON samples.violation = violations.id WHERE \(condition)"
        var values = arguments
        if let id {
            sql += " AND samples.id \(sign) ?"
            values += [id]
        }
        sql += " ORDER BY samples.id \(order) LIMIT ?"
        values += [max(0, limit)]
        return try read { database in
            try Row.fetchAll(database, sql: sql, arguments: values).compactMap { row in
                Violation(row).map { StoredSample(id: row["id"], violation: $0, sample: SampleFrame(row)) }
            }
        }
    }

    /// Where the newest `limit` samples begin: the number of the one before them; nil if there are no more.
    public func sample(before limit: Int, _ filter: EventFilter = EventFilter()) throws(EventStoreError) -> Int64? {
        let (condition, arguments) = filter.condition
        return try read { database in
            try Int64.fetchOne(
                database,
                sql: """
                    SELECT samples.id FROM violations CROSS JOIN samples ON samples.violation = violations.id WHERE \(condition)
                    ORDER BY samples.id DESC LIMIT 1 OFFSET ?
                    """, arguments: arguments + [max(0, limit)])
        }
    }

    // MARK: Rows

    private static func violations(_ database: Database, _ sql: String, _ arguments: StatementArguments) throws -> [StoredViolation] {
        var violations = try Row.fetchAll(database, sql: sql, arguments: arguments).compactMap(StoredViolation.init)
        let select = try database.cachedStatement(sql: "SELECT * FROM samples WHERE violation = ? ORDER BY id")
        for place in violations.indices {
            violations[place].count.samples = try Row.fetchAll(select, arguments: [violations[place].id]).map(SampleFrame.init)
        }
        return violations
    }

    private func read<T>(_ body: (Database) throws -> T) throws(EventStoreError) -> T {
        let queue = try connection()
        return try EventStoreError.wrap(path: path) { try queue.read(body) }
    }

    /// The connection to the file that is there now.
    private func connection() throws(EventStoreError) -> DatabaseQueue {
        guard try exists(), let identity = EventStore.identity(path) else { throw .missing(path: path) }
        let result: Result<DatabaseQueue, EventStoreError> = open.withLock { open in
            if let open, (open.device, open.node) == identity { return .success(open.queue) }
            do throws(EventStoreError) {
                let queue = try Self.connect(path)
                open = (queue, identity.device, identity.node)
                return .success(queue)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func connect(_ path: String) throws(EventStoreError) -> DatabaseQueue {
        try EventStoreError.wrap(path: path) {
            // Told with its errno, which SQLite doesn't. Not by opening it: to close any descriptor of the file takes from this
            // process all the locks that its other connections have on it (fcntl(2)), the agent's writer's among them.
            guard faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 else { throw EventStoreError.system(action: "open \(path)", errno: errno) }
            let queue = try DatabaseQueue(path: path, configuration: EventStore.configuration(readonly: true))
            // An agent that has just begun makes it: its tables are there in a moment.
            for _ in 0..<40 where try queue.read({ try !$0.tableExists("violations") }) { usleep(50_000) }
            try queue.read { database in
                if try EventStore.migrations.hasBeenSuperseded(database) { throw EventStoreError.newer(path: path) }
                guard try EventStore.migrations.hasCompletedMigrations(database) else { throw EventStoreError.older(path: path) }
            }
            return queue
        }
    }
}

private func number(_ value: Int64) -> UInt64 { UInt64(clamping: value) }

extension Violation {
    /// nil for what this version has no words for.
    fileprivate init?(_ row: Row) {
        guard let direction = Direction(rawValue: UInt8(truncatingIfNeeded: row["direction"] as Int64)),
            let reason = Reason(rawValue: UInt16(truncatingIfNeeded: row["reason"] as Int64))
        else { return nil }
        let guest: String = row["guest"]
        self.init(
            bridge: row["bridge"], guest: guest.isEmpty ? nil : guest, port: row["port"], direction: direction, reason: reason,
            wasAudited: row["audited"])
    }
}

extension StoredViolation {
    fileprivate init?(_ row: Row) {
        guard let violation = Violation(row) else { return nil }
        self.init(
            id: row["id"], change: row["change"], minute: row["minute"], violation: violation,
            count: ViolationCount(
                packets: number(row["packets"]), bytes: number(row["bytes"]), first: number(row["first"]), last: number(row["last"])))
    }
}

extension SampleFrame {
    fileprivate init(_ row: Row) {
        let type: Int64? = row["tag_protocol"]
        let control: Int64? = row["tag_control"]
        let bytes: Data = row["bytes"]
        self.init(
            time: number(row["time"]), bytes: Array(bytes),
            tag: type.map { VLANTag(tpid: EtherType(rawValue: UInt16(truncatingIfNeeded: $0)), tci: UInt16(truncatingIfNeeded: control ?? 0)) },
            length: UInt32(clamping: row["length"] as Int64))
    }
}
