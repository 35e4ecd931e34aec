import Foundation
import GRDB
import Policy
import Testing

@testable import EventStore

/// Whatever becomes of the file, recording goes on, and says what it did.
@Suite(.timeLimit(.minutes(10)))
struct RecorderTests {
    typealias Fixture = StoreFixture

    private func permissions(_ path: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? 0
    }

    @Test func `folder and files are closed to the world`() throws {
        let fixture = StoreFixture()
        let recorder = fixture.recorder()
        recorder.add(Fixture.violation(), Fixture.count(1))
        #expect(fixture.flush(recorder))
        #expect(try permissions(fixture.folder.path) & 0o027 == 0)
        for suffix in ["", "-wal", "-shm"] { #expect(try permissions(fixture.folder.events + suffix) & 0o137 == 0, "\(suffix)") }
    }

    @Test(arguments: ["garbage", "cut", "overwritten"])
    func `a damaged file is set aside, and a new one begun`(how: String) throws {
        let fixture = StoreFixture()
        let store = try fixture.store()
        let rows = (0..<500).map { (Fixture.violation(port: "vif\($0).0"), Fixture.count(1, samples: [Fixture.sample(1)])) }
        try store.write(Dictionary(uniqueKeysWithValues: rows), nil)
        store.close()
        let path = URL(filePath: fixture.folder.events)
        var bytes = try Data(contentsOf: path)
        switch how {
        case "garbage": bytes = Data((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        case "cut": bytes = bytes.prefix(bytes.count / 2 + 100)
        default: bytes.replaceSubrange(8192..<bytes.count - 4096, with: Data(repeating: 0xa5, count: bytes.count - 12_288))
        }
        try bytes.write(to: path)

        let recorder = fixture.recorder()
        recorder.add(Fixture.violation(), Fixture.count(3))
        #expect(fixture.flush(recorder))
        let aside = fixture.folder.events + ".damaged"
        guard case .setAside(.damaged, aside) = fixture.notices.first else {
            Issue.record("\(fixture.notices)")
            return
        }
        #expect(fixture.notices.count == 1)
        #expect(try Data(contentsOf: URL(filePath: aside)) == bytes)
        #expect(try fixture.reader.violations().map(\.count.packets) == [3])
        #expect(fixture.notices[0].description.contains(aside))
    }

    @Test func `a later version's file is set aside unharmed`() throws {
        let fixture = StoreFixture()
        let store = try fixture.store()
        try store.write([Fixture.violation(): Fixture.count(9)], nil)
        try store.queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('2 what is to come')") }
        #expect(throws: EventStoreError.newer(path: fixture.folder.events)) { try fixture.reader.violations() }
        store.close()
        let recorder = fixture.recorder()
        recorder.add(Fixture.violation(), Fixture.count(3))
        #expect(fixture.flush(recorder))
        let aside = fixture.folder.events + ".newer"
        #expect(fixture.notices == [.setAside(why: .newer(path: fixture.folder.events), path: aside)])
        #expect(try fixture.reader.violations().map(\.count.packets) == [3])
        let kept = try DatabaseQueue(path: aside)
        #expect(try kept.read { try Int.fetchOne($0, sql: "SELECT packets FROM violations") } == 9)
    }

    @Test func `while somebody else holds the file what happens waits, and is written whole then`() throws {
        let fixture = StoreFixture()
        let recorder = fixture.recorder()
        recorder.add(Fixture.violation(), Fixture.count(1))
        #expect(fixture.flush(recorder))
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: fixture.folder.events, configuration: configuration)
        try other.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
        for _ in 0..<3 {
            recorder.add(Fixture.violation(), Fixture.count(10))
            #expect(!fixture.flush(recorder))
        }
        #expect(fixture.notices.count == 1)
        guard case .unwritable(.database(_, code: 5, _)) = fixture.notices.first else {
            Issue.record("\(fixture.notices)")
            return
        }
        try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
        #expect(fixture.flush(recorder) && recorder.isUpToDate)
        #expect(fixture.notices.last == .writable && fixture.notices.count == 2 && recorder.lost == 0)
        #expect(try fixture.reader.violations().map(\.count.packets) == [31])
    }

    @Test func `on a full disk nothing is taken out of a store that has room left, and all is written once there is room`() throws {
        let fixture = StoreFixture()
        let recorder = fixture.recorder()
        for number in 0..<200 { recorder.add(Fixture.violation(port: "vif\(number).0"), Fixture.count(1, samples: [Fixture.sample(1)])) }
        #expect(fixture.flush(recorder))
        // No page more, as on a disk that is full.
        let queue = try #require(recorder.store?.queue)
        func bound(pages: Int) throws { _ = try queue.inDatabase { try Int.fetchOne($0, sql: "PRAGMA max_page_count = \(pages)") } }
        try bound(pages: 1)
        for number in 200..<1000 { recorder.add(Fixture.violation(port: "vif\(number).0"), Fixture.count(1, samples: [Fixture.sample(1)])) }
        for _ in 0..<3 { #expect(!fixture.flush(recorder)) }
        #expect(fixture.notices == [.unwritable(.full(path: fixture.folder.events))])
        #expect(try fixture.reader.violations(limit: 2000).count == 200)
        try bound(pages: 1 << 20)
        #expect(fixture.flush(recorder) && recorder.lost == 0)
        #expect(try fixture.reader.violations(limit: 2000).count == 1000)
    }

    @Test func `what waits is bounded, and what is lost is counted`() throws {
        let fixture = StoreFixture()
        // A file where the folder should be.
        try Data().write(to: fixture.url)
        let recorder = fixture.recorder()
        for round in 1...2 {
            for number in 0..<(EventBacklog.bound + 100) {
                recorder.add(Fixture.violation(port: "vif\(number).0"), Fixture.count(2, samples: (1...4).map { Fixture.sample($0) }))
            }
            #expect(!fixture.flush(recorder))
            #expect(recorder.lost == UInt64(200 * round))
        }
        #expect(fixture.notices.count == 1 && fixture.notices[0].description.contains("can't"))
        try FileManager.default.removeItem(at: fixture.url)
        #expect(fixture.flush(recorder))
        let total = try fixture.reader.totals(limit: 10_000).reduce(0) { $0 + $1.packets }
        #expect(total == UInt64(EventBacklog.bound * 4))
        #expect(try fixture.reader.samples(limit: 100_000).count == EventBacklog.bound * 4)
    }

    @Test func `a file that was removed under way is made anew, with all baselines`() throws {
        let fixture = StoreFixture()
        let recorder = fixture.recorder()
        var baselines = Baselines(epoch: "a")
        _ = baselines.advance(to: [Fixture.reading(dropped: 10)], monotonic: 1, time: Fixture.noon)
        #expect(recorder.flush(&baselines, monotonic: 1, time: Fixture.noon))
        for suffix in ["", "-wal", "-shm"] { try FileManager.default.removeItem(atPath: fixture.folder.events + suffix) }
        recorder.add(Fixture.violation(), Fixture.count(1))
        #expect(recorder.flush(&baselines, monotonic: 2, time: Fixture.noon))
        #expect(fixture.notices == [.replaced(path: fixture.folder.events)])
        #expect(try fixture.reader.violations().count == 1)
        // Whoever starts next doesn't count the 10 again.
        #expect(fixture.recorder().baselines(epoch: "a", monotonic: 3)?.tallies == baselines.tallies)
    }

    @Test func `damage that only shows in use is set aside the second time it shows`() throws {
        let fixture = StoreFixture()
        let store = try fixture.store()
        // A row that its index doesn't know: each page by itself is sound.
        try store.queue.writeWithoutTransaction { database in
            try database.execute(
                sql: """
                    PRAGMA writable_schema = ON;
                    CREATE TEMP TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'violations_change';
                    DELETE FROM sqlite_schema WHERE name = 'violations_change';
                    PRAGMA writable_schema = RESET;
                    """)
        }
        try store.write([Fixture.violation(): Fixture.count(1)], nil)
        try store.queue.writeWithoutTransaction { database in
            try database.execute(
                sql: "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM kept; PRAGMA writable_schema = RESET")
        }
        store.close()
        let recorder = fixture.recorder()
        recorder.add(Fixture.violation(), Fixture.count(3))
        #expect(!fixture.flush(recorder) && !fixture.flush(recorder))
        #expect(fixture.flush(recorder))
        #expect(fixture.notices.count == 3 && fixture.notices.last == .writable, "\(fixture.notices)")
        #expect(FileManager.default.fileExists(atPath: fixture.folder.events + ".damaged"))
        #expect(try fixture.reader.violations().map(\.count.packets) == [3])
    }

    @Test func `an agent's lock says that one runs, until it is let go`() throws {
        let fixture = StoreFixture()
        #expect(!AgentLock.isHeld(in: fixture.folder))
        var lock = try AgentLock.take(in: fixture.folder)
        #expect(lock != nil && AgentLock.isHeld(in: fixture.folder))
        #expect(try AgentLock.take(in: fixture.folder) == nil)
        lock = nil
        #expect(!AgentLock.isHeld(in: fixture.folder))
        lock = try AgentLock.take(in: fixture.folder)
        #expect(lock != nil)
    }
}
