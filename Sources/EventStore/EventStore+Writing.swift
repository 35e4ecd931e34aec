import Datapath
import Foundation
import GRDB
import Packets
import Policy

extension EventStore {
    static let minute: UInt64 = 60_000_000_000

    /// Adds violations to those of the same minute, and keeps up to which counts they go: both, or nothing.
    func write(_ violations: [Violation: ViolationCount], _ baselines: Baselines?) throws(EventStoreError) {
        try EventStoreError.wrap(path: path) {
            try queue.write { database in
                let change = try Int64.fetchOne(database, sql: "UPDATE progress SET change = change + 1 RETURNING change") ?? 0
                for (violation, count) in violations { try Self.add(violation, count, change, database) }
                if let baselines { try Self.put(baselines, database) }
            }
        }
    }

    private static func add(_ violation: Violation, _ count: ViolationCount, _ change: Int64, _ database: Database) throws {
        var key: [(any DatabaseValueConvertible)?] = [
            Int64(count.last / minute), violation.bridge, violation.port, violation.guest ?? "", Int64(violation.direction.rawValue),
            Int64(violation.reason.rawValue), violation.wasAudited,
        ]
        let row: Row?
        if count.packets == 0 {
            // Frames that were counted before: of no row, no samples either.
            let known = try database.cachedStatement(
                sql: """
                    UPDATE violations SET change = ? WHERE minute = ? AND bridge = ? AND port = ? AND guest = ? AND direction = ?
                    AND reason = ? AND audited = ? RETURNING id, samples
                    """)
            row = try Row.fetchOne(known, arguments: StatementArguments([change] + key))
        } else {
            let upsert = try database.cachedStatement(
                sql: """
                    INSERT INTO violations (minute, bridge, port, guest, direction, reason, audited, packets, bytes, first, last, change)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (minute, bridge, port, guest, direction, reason, audited) DO UPDATE SET
                    packets = packets + excluded.packets, bytes = bytes + excluded.bytes, first = min(first, excluded.first),
                    last = max(last, excluded.last), change = excluded.change RETURNING id, samples
                    """)
            key += [
                Int64(clamping: count.packets), Int64(clamping: count.bytes), Int64(clamping: count.first), Int64(clamping: count.last), change,
            ]
            row = try Row.fetchOne(upsert, arguments: StatementArguments(key))
        }
        guard let row else { return }
        let kept: Int = row["samples"]
        let samples = count.samples.prefix(max(0, SampleFrame.perMinute - kept))
        guard !samples.isEmpty else { return }
        let id: Int64 = row["id"]
        let insert = try database.cachedStatement(
            sql: "INSERT INTO samples (violation, time, length, tag_protocol, tag_control, bytes) VALUES (?, ?, ?, ?, ?, ?)")
        for sample in samples {
            let tag = sample.tag.map { (Int64($0.tpid.rawValue), Int64($0.tci)) }
            try insert.execute(arguments: [
                id, Int64(clamping: sample.time), Int64(sample.length), tag?.0, tag?.1, Data(sample.bytes),
            ])
        }
        try database.execute(sql: "UPDATE violations SET samples = ? WHERE id = ?", arguments: [kept + samples.count, id])
    }

    // MARK: Baselines

    /// What the counters said at the last `write`; nil if that was in another epoch, or never.
    func baselines(epoch: String) throws(EventStoreError) -> Baselines? {
        try EventStoreError.wrap(path: path) {
            try queue.read { database in
                guard
                    let progress = try Row.fetchOne(
                        database, sql: "SELECT read_at, read_at_time FROM progress WHERE epoch = ?", arguments: [epoch])
                else { return nil }
                var names: [UInt32: Baselines.Name] = [:]
                for row in try Row.fetchAll(database, sql: "SELECT interface, port, bridge, guest FROM interfaces") {
                    let guest: String = row["guest"]
                    names[UInt32(truncatingIfNeeded: row["interface"] as Int64)] = Baselines.Name(
                        port: row["port"], bridge: row["bridge"], guest: guest.isEmpty ? nil : guest)
                }
                var tallies: [Baselines.Key: DropTally.Counts] = [:]
                for row in try Row.fetchAll(database, sql: "SELECT * FROM baselines") {
                    guard let direction = Direction(rawValue: UInt8(truncatingIfNeeded: row["direction"] as Int64)),
                        let reason = Reason(rawValue: UInt16(truncatingIfNeeded: row["reason"] as Int64))
                    else { continue }
                    let key = Baselines.Key(
                        interface: UInt32(truncatingIfNeeded: row["interface"] as Int64), direction: direction, reason: reason)
                    tallies[key] = DropTally.Counts(
                        dropped: Counters.Count(packets: Self.count(row["packets"]), bytes: Self.count(row["bytes"])),
                        audited: Counters.Count(packets: Self.count(row["audited_packets"]), bytes: Self.count(row["audited_bytes"])))
                }
                return Baselines(
                    epoch: epoch, readAt: Self.count(progress["read_at"]), readAtTime: Self.count(progress["read_at_time"]), names: names,
                    tallies: tallies)
            }
        }
    }

    private static func count(_ value: Int64) -> UInt64 { UInt64(clamping: value) }

    private static func put(_ baselines: Baselines, _ database: Database) throws {
        if try String.fetchOne(database, sql: "SELECT epoch FROM progress") != baselines.epoch {
            try database.execute(sql: "DELETE FROM interfaces")
        }
        try database.execute(
            sql: "UPDATE progress SET epoch = ?, read_at = ?, read_at_time = ?",
            arguments: [baselines.epoch, Int64(clamping: baselines.readAt), Int64(clamping: baselines.readAtTime)])
        for interface in baselines.changes.removed where baselines.names[interface] == nil {
            try database.execute(sql: "DELETE FROM interfaces WHERE interface = ?", arguments: [Int64(interface)])
        }
        let name = try database.cachedStatement(
            sql: """
                INSERT INTO interfaces (interface, port, bridge, guest) VALUES (?, ?, ?, ?)
                ON CONFLICT (interface) DO UPDATE SET port = excluded.port, bridge = excluded.bridge, guest = excluded.guest
                """)
        for interface in baselines.changes.names {
            guard let known = baselines.names[interface] else { continue }
            try name.execute(arguments: [Int64(interface), known.port, known.bridge, known.guest ?? ""])
        }
        let tally = try database.cachedStatement(sql: "INSERT OR REPLACE INTO baselines VALUES (?, ?, ?, ?, ?, ?, ?)")
        for key in baselines.changes.tallies {
            guard let counts = baselines.tallies[key] else { continue }
            try tally.execute(arguments: [
                Int64(key.interface), Int64(key.direction.rawValue), Int64(key.reason.rawValue), Int64(clamping: counts.dropped.packets),
                Int64(clamping: counts.dropped.bytes), Int64(clamping: counts.audited.packets), Int64(clamping: counts.audited.bytes),
            ])
        }
    }
}
