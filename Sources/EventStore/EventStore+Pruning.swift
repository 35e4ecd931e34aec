import GRDB

extension EventStore {
    /// How many rows go in one transaction, and how many transactions one call makes at most: the thread that prunes has
    /// counters to read.
    private static let chunk = 1000
    private static let rounds = 20

    /// Removes what is too old, and the oldest where the bound of bytes comes near.
    ///
    /// - Parameter now: nanoseconds since 1970.
    /// - Returns: how many rows went.
    @discardableResult
    func prune(now: UInt64) throws(EventStoreError) -> Int {
        try EventStoreError.wrap(path: path) {
            let oldest = Int64(clamping: now / Self.minute) - Int64(limits.days) * 24 * 60
            var pruned = 0
            for _ in 0..<Self.rounds {
                let count = try queue.write { database in
                    try database.execute(
                        sql: "DELETE FROM violations WHERE id IN (SELECT id FROM violations WHERE minute < ? ORDER BY minute, id LIMIT ?)",
                        arguments: [oldest, Self.chunk])
                    return database.changesCount
                }
                pruned += count
                if count < Self.chunk { break }
            }
            var isLarge = try bytesUsed() > limits.bytes / 8 * 7
            for _ in 0..<Self.rounds where isLarge {
                let count = try pruneOldest()
                pruned += count
                // Down to less than is asked for, or each write would prune.
                isLarge = try count > 0 && bytesUsed() > limits.bytes / 4 * 3
            }
            if pruned > 0 { try giveBack() }
            return pruned
        }
    }

    /// Whether it is the store's own bound that leaves no room.
    func isNearBound() throws(EventStoreError) -> Bool {
        try EventStoreError.wrap(path: path) { try bytesUsed() > limits.bytes / 4 * 3 }
    }

    /// Makes room for what the store has none for.
    func pruneInNeed() throws(EventStoreError) {
        try EventStoreError.wrap(path: path) { _ = try pruneOldest() }
    }

    /// An eighth of all rows, the oldest, in one transaction; at most a chunk.
    private func pruneOldest() throws -> Int {
        try queue.write { database in
            let rows = try Int.fetchOne(database, sql: "SELECT count(*) FROM violations") ?? 0
            try database.execute(
                sql: "DELETE FROM violations WHERE id IN (SELECT id FROM violations ORDER BY minute, id LIMIT ?)",
                arguments: [min(rows / 8 + 1, Self.chunk)])
            return database.changesCount
        }
    }

    /// Gives free pages back to the file system, as far as the rows that are left don't need them soon.
    private func giveBack() throws {
        try queue.writeWithoutTransaction { database in
            _ = try Row.fetchAll(database, sql: "PRAGMA incremental_vacuum")
            _ = try database.checkpoint(.passive)
        }
    }

    /// Bytes of the file's pages that hold something.
    func bytesUsed() throws -> Int {
        try queue.read { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            let size = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
            return (pages - free) * size
        }
    }
}
