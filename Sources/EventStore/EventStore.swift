import Datapath
import GRDB
import Glibc
import Policy

/// The violations of the last days in an SQLite database, open for writing. One thread writes; readers
/// (`EventReader`) look on, in this process and in others.
///
/// What one `write` does is there whole or not at all, whenever the process is killed.
final class EventStore {
    let path: String
    let limits: EventLimits
    let queue: DatabaseQueue
    /// The file's number: another file may take its place.
    private let file: (device: dev_t, node: ino_t)

    /// Opens the store, makes it where there is none, and brings an earlier version's up to date.
    ///
    /// - Throws: `EventStoreError.damaged` and `.newer`, if the file has to be set aside before there can be a store.
    init(_ folder: StateFolder, limits: EventLimits = EventLimits()) throws(EventStoreError) {
        try folder.make()
        path = folder.events
        self.limits = limits
        // Made here, so that SQLite, which gives its journals the same rights, doesn't choose them.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else { throw .system(action: "open \(path)", errno: errno) }
        Glibc.close(descriptor)
        queue = try Self.connect(path, limits)
        guard let identity = Self.identity(path) else { throw .missing(path: path) }
        file = identity
    }

    private static func connect(_ path: String, _ limits: EventLimits) throws(EventStoreError) -> DatabaseQueue {
        try EventStoreError.wrap(path: path) {
            try check(path)
            let queue = try DatabaseQueue(path: path, configuration: configuration(readonly: false))
            try queue.inDatabase { database in
                let page = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
                // What the bound can't hold is full, like a disk; no page is written beyond it.
                _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(limits.bytes / page)")
            }
            try migrations.migrate(queue)
            // Whatever is in the tables that the code relies on, be it a stranger's database.
            try queue.read { database in
                guard try Int.fetchOne(database, sql: "SELECT count(*) FROM progress") == 1 else {
                    throw EventStoreError.damaged(path: path, reason: "its table of progress is empty")
                }
            }
            return queue
        }
    }

    /// Looks at the file as it is: one that has to be set aside stays as it was found.
    private static func check(_ path: String) throws {
        let queue = try DatabaseQueue(path: path, configuration: configuration(readonly: true))
        defer { try? queue.close() }
        try queue.read { database in
            guard try String.fetchOne(database, sql: "PRAGMA quick_check(1)") == "ok" else {
                throw EventStoreError.damaged(path: path, reason: "its pages contradict each other")
            }
            if try migrations.hasBeenSuperseded(database) { throw EventStoreError.newer(path: path) }
        }
    }

    /// Closes the database; the result of a failure is that SQLite does so at the next start.
    func close() { try? queue.close() }

    /// Whether the file is still the one at the path.
    var isInPlace: Bool {
        guard let now = Self.identity(path) else { return false }
        return now == file
    }

    static func identity(_ path: String) -> (device: dev_t, node: ino_t)? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return (status.st_dev, status.st_ino)
    }

    /// Puts a file that can't be used out of the way. One that was put there before is lost: a file that is damaged again
    /// and again must not fill the disk.
    ///
    /// - Returns: where it is now.
    static func setAside(_ folder: StateFolder, as ending: String) throws(EventStoreError) -> String {
        let path = folder.events
        let aside = "\(path).\(ending)"
        // Its journal first: with a new database beside it, it would be taken for that one's.
        for suffix in ["-wal", "-shm", ""] {
            guard rename(path + suffix, aside + suffix) == 0 || errno == ENOENT else {
                throw .system(action: "rename \(path)\(suffix) to \(aside)\(suffix)", errno: errno)
            }
        }
        return aside
    }
}
