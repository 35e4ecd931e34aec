import Datapath
import Foundation
import GRDB
import Policy
import Testing

@testable import EventStore

private let writerVariable = "VIFGUARD_TEST_WRITER"

/// Whenever a writer is killed, its file is whole, and counts and baselines in it agree.
@Suite(.timeLimit(.minutes(10)))
struct KilledWriterTests {
    typealias Fixture = StoreFixture

    /// In a process of its own, which the other test kills: counts one packet more at each of five ports, for ever.
    @Test(.enabled(if: ProcessInfo.processInfo.environment[writerVariable] != nil))
    func `write until killed`() throws {
        let folder = StateFolder(ProcessInfo.processInfo.environment[writerVariable] ?? "")
        let store = try EventStore(folder, limits: EventLimits(bytes: 256 << 20))
        var baselines = try store.baselines(epoch: "killed") ?? Baselines(epoch: "killed")
        var packets = baselines.tallies.values.first?.dropped.packets ?? 0
        while true {
            packets += 1
            let now = Fixture.noon + packets * Fixture.second
            let readings = (1...5).map { Fixture.reading(UInt32($0), dropped: packets) }
            let differences = baselines.advance(to: readings, monotonic: packets, time: now)
            let samples = [Fixture.sample(UInt8(truncatingIfNeeded: packets), at: now)]
            try store.write(
                Dictionary(uniqueKeysWithValues: differences.map { ($0.violation, Fixture.count($0.packets, at: now, samples: samples)) }), baselines)
            baselines.changes = Baselines.Changes()
        }
    }

    /// This test's process, run anew for the one test above.
    private func startWriter(_ folder: StateFolder) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["--testing-library", "swift-testing", "--filter", "KilledWriterTests.*write.until.killed"]
        process.environment = ProcessInfo.processInfo.environment.merging([writerVariable: folder.path]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    @Test(.disabled(if: ProcessInfo.processInfo.environment[writerVariable] != nil))
    func `a killed writer leaves a sound file, and the next goes on from it`() throws {
        let fixture = StoreFixture()
        var former: UInt64 = 0
        for round in 0..<12 {
            let writer = try startWriter(fixture.folder)
            defer { kill(writer.processIdentifier, SIGKILL) }
            // Until it has written something, and then a little longer, each time another little.
            let deadline = ContinuousClock.now + .seconds(60)
            while try packets(fixture) <= former {
                try #require(writer.isRunning && ContinuousClock.now < deadline, "the writer doesn't write")
                usleep(5000)
            }
            usleep(UInt32(round * 3700 + 100))
            kill(writer.processIdentifier, SIGKILL)
            writer.waitUntilExit()
            #expect(writer.terminationReason == .uncaughtSignal)

            let queue = try DatabaseQueue(path: fixture.folder.events)
            #expect(try queue.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") } == ["ok"], "round \(round)")
            #expect(try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM pragma_foreign_key_check") } == 0)
            // What is recorded is what the baselines say, port by port.
            let sums = try queue.read { try Int64.fetchAll($0, sql: "SELECT sum(packets) FROM violations GROUP BY port ORDER BY port") }
            let bases = try queue.read { try Int64.fetchAll($0, sql: "SELECT packets FROM baselines ORDER BY interface") }
            #expect(sums == bases && sums.count == 5, "round \(round)")
            former = UInt64(sums.first ?? 0)
        }
        #expect(former >= 12)
    }

    private func packets(_ fixture: StoreFixture) throws -> UInt64 {
        // The writer may be just making its file.
        guard let totals = try? fixture.reader.totals() else { return 0 }
        return (totals.first?.packets ?? 0) / 5
    }
}
