import Agent
import Datapath
import EventStore
import Foundation
import GRDB
import Glibc
import Lab
import Logging
import Packets
import Policy
import Testing

/// Real frames on a guarded bridge, recorded as an agent does, and read by the command.
@Suite(.timeLimit(.minutes(5)))
struct RecordedEventsTests {
    @Test func `each spoofed frame is recorded once, also those sent while no agent ran`() throws {
        let recording = try Recording()
        try recording.spoof(250)
        try recording.step()
        let row = try #require(try recording.spoofs().first)
        #expect(try recording.spoofs().count == 1)
        #expect(row.violation.guest == "www.example.com" && row.violation.port == "vif1.0" && row.violation.bridge == "br0")
        #expect(!row.violation.wasAudited && row.count.packets == 250 && row.count.bytes == 250 * 42)
        #expect(row.count.samples.count == 4)
        for sample in row.count.samples {
            #expect(sample.bytes == Recording.frame && sample.length == 42 && sample.tag == nil)
            #expect(sample.time >= recording.begun && sample.time <= row.count.last)
        }
        // The process is gone, and so is all it knew; the kernel goes on counting.
        recording.crash()
        try recording.spoof(17)
        try recording.step()
        #expect(try recording.spoofs().reduce(0) { $0 + $1.count.packets } == 267)
        recording.crash()
        try recording.step()
        #expect(try recording.spoofs().reduce(0) { $0 + $1.count.packets } == 267)
        let counted = try recording.fixture.port("vif1.0").sent.dropped["arp-sender-ip"]?.packets
        #expect(counted == 267)
    }

    @Test func `events prints what is recorded, as lines, JSON, sums and a capture`() throws {
        let recording = try Recording()
        try recording.spoof(250)
        try recording.step()
        let lock = try #require(try AgentLock.take(in: recording.folder))
        let line = try recording.fixture.succeed("events", "--reason", "arp-sender-ip")
        #expect(line.contains("vif1.0 (www.example.com) from-guest arp-sender-ip 250 times: 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff"), "\(line)")

        let text = try recording.fixture.succeed("events", "--json", "--reason", "arp-sender-ip")
        let event = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(event["packets"] as? Int == 250 && event["bytes"] as? Int == 10_500 && event["guest"] as? String == "www.example.com")
        #expect(event["verdict"] as? String == "drop" && event["severity"] as? String == "violation" && event["rules"] as? [String] == ["A4"])
        let samples = try #require(event["samples"] as? [[String: Any]])
        #expect(samples.count == 4 && samples[0]["frame"] as? String == Hex.text(Recording.frame) && samples[0]["length"] as? Int == 42)

        let sums = try recording.fixture.succeed("events", "--summary")
        let row = try #require(sums.split(separator: "\n").first { $0.contains("arp-sender-ip") })
        #expect(row.hasPrefix("www.example.com") && row.hasSuffix("250"), "\(sums)")
        for line in sums.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }

        let capture = recording.url.appending(path: "spoofs.pcap").path
        _ = try recording.fixture.succeed("events", "--reason", "arp-sender-ip", "--pcap", capture)
        let dump = try recording.fixture.host.output(of: ["tcpdump", "-n", "-e", "-r", capture])
        let frames = dump.split(separator: "\n").filter { $0.contains("who-has 192.0.2.254 tell 192.0.2.2") }
        #expect(frames.count == 4 && frames.allSatisfy { $0.contains("02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff") }, "\(dump)")
        #expect(try FileManager.default.attributesOfItem(atPath: capture)[.posixPermissions] as? Int == 0o600)
        withExtendedLifetime(lock) {}
    }

    @Test func `where an agent runs, events follows what it records, each frame once`() throws {
        let recording = try Recording()
        try recording.spoof(3)
        try recording.step()
        let lock = try #require(try AgentLock.take(in: recording.folder))
        let follower = try recording.fixture.start("events", "--follow", "--json", "--guest", "www.example.com")
        // It follows once it looks at the store: frames go on until one is told.
        var sent = 0
        for _ in 0..<300 where follower.outputSoFar.isEmpty {
            try recording.spoof(5)
            sent += 5
            try recording.step()
            usleep(100_000)
        }
        #expect(!follower.outputSoFar.isEmpty)
        usleep(1_500_000)
        let (output, errors) = { ($0.output, $0.errors) }(follower.stop())
        let events = try output.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        // Not those from before it began; of the rest all, though one row holds them all.
        let told = events.reduce(0) { $0 + ($1["packets"] as? Int ?? 0) }
        #expect(told > 0 && told <= sent && told % 5 == 0, "\(output)")
        #expect(events.allSatisfy { $0["reason"] as? String == "arp-sender-ip" } && errors.isEmpty, "\(errors)")
        withExtendedLifetime(lock) {}
    }

    @Test func `where none runs, events says so, and follows the kernel's ring`() throws {
        let recording = try Recording()
        try recording.spoof(3)
        try recording.step()
        let told = try recording.fixture.run("events")
        #expect(told.succeeded && told.output.contains("arp-sender-ip 3 times") && told.errors.contains("no agent runs"), "\(told)")
        let follower = try recording.fixture.start("events", "--follow", "--since", "1h")
        try recording.spoof(1)
        for _ in 0..<1000 where follower.outputSoFar.split(separator: "\n").count < 2 { usleep(10_000) }
        let lines = follower.stop().output.split(separator: "\n")
        #expect(lines.count == 2 && lines[0].contains("3 times") && lines[1].contains("from-guest arp-sender-ip: "), "\(lines)")
    }

    @Test func `a full disk costs nothing that memory can hold, and recording goes on when there is room`() throws {
        let recording = try Recording()
        // Seen by the threads of this namespace alone, and gone with it.
        try recording.fixture.host.run {
            try FileManager.default.createDirectory(atPath: recording.folder.path, withIntermediateDirectories: true)
            try #require(mount("tmpfs", recording.folder.path, "tmpfs", 0, "size=512k") == 0)
        }
        try recording.spoof(10)
        try recording.step()
        let filler = recording.folder.path + "/filler"
        try recording.fixture.host.run {
            let file = open(filler, O_WRONLY | O_CREAT, 0o600)
            defer { close(file) }
            let block = [UInt8](repeating: 0, count: 4096)
            while write(file, block, block.count) > 0 {}
            try #require(errno == ENOSPC)
        }
        // Each of them a row of its own, more than the journal has room for in pages it has already.
        for _ in 0..<5 {
            try recording.spoof(20)
            try recording.flood(rows: 500)
            #expect(try recording.step() == .collected)
        }
        #expect(!recording.totals.isRecording && recording.notices.contains { if case .unwritable(.full) = $0 { true } else { false } })
        #expect(recording.totals.packets == 110)
        try recording.fixture.host.run { try #require(unlink(filler) == 0) }
        try recording.spoof(1)
        // A store that couldn't be written is tried again after a while, and not with each step.
        #expect(try recording.step() == .collected && !recording.totals.isRecording)
        try recording.step(later: 6)
        #expect(recording.totals.isRecording && recording.totals.lostPackets == 0 && recording.notices.last == .writable)
        let (packets, check) = try recording.fixture.host.run {
            let queue = try DatabaseQueue(path: recording.folder.events)
            return try queue.read {
                (
                    try Int.fetchOne($0, sql: "SELECT sum(packets) FROM violations WHERE guest = 'www.example.com'"),
                    try String.fetchAll($0, sql: "PRAGMA integrity_check")
                )
            }
        }
        #expect(packets == 111 && check == ["ok"])
    }
}

/// A guarded bridge whose events are recorded by a collector in this process. All of it runs on the namespace's thread.
private final class Recording: @unchecked Sendable {
    let fixture: CommandFixture
    let folder: StateFolder
    let url: URL
    /// Nanoseconds since 1970.
    let begun: UInt64
    private var datapath: Datapath!
    private var collector: Collector!
    private var recorder: EventRecorder!
    private(set) var notices: [EventRecorder.Notice] = []
    private var rows = 0

    /// Guest 1 says in ARP that guest 2's address is its own.
    static let frame = arpRequest(from: 1, sender: [192, 0, 2, 2])

    init() throws {
        let begun = UInt64(Date().timeIntervalSince1970 * 1e9)
        fixture = try CommandFixture()
        (url, folder, self.begun) = (fixture.folder, StateFolder(fixture.state), begun)
        _ = try fixture.succeed("apply")
        try fixture.host.run { datapath = try Datapath.open() }
        try start()
    }

    deinit { try? fixture.host.run { collector.finish() } }

    private func start() throws {
        try fixture.host.run {
            recorder = EventRecorder(folder) { [weak self] in self?.notices.append($0) }
            collector = Collector(recorder: recorder, journal: ViolationJournal(Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
            try collector.watch(datapath)
        }
    }

    /// A new collector, which knows nothing but what the store holds. Nothing is written at the end of the former one.
    func crash() { try? start() }

    func spoof(_ count: Int) throws {
        try FrameSender(on: "p-vif1.0", in: fixture.host).send([[UInt8]](repeating: Self.frame, count: count))
    }

    /// So many violations that are nobody's, each another row.
    func flood(rows count: Int) throws {
        try fixture.host.run {
            let now = UInt64(Date().timeIntervalSince1970 * 1e9)
            for _ in 0..<count {
                rows += 1
                let violation = Violation(
                    bridge: "br0", guest: nil, port: "flood-\(rows)", direction: .fromGuest, reason: .noBinding, wasAudited: false)
                recorder.add(violation, ViolationCount(packets: 1, bytes: 60, first: now, last: now))
            }
        }
    }

    /// - Parameter later: seconds from now.
    @discardableResult
    func step(later: UInt64 = 0) throws -> Collector.Outcome {
        try fixture.host.run {
            collector.step {
                let now = Moment.now()
                return Moment(monotonic: now.monotonic + later * 1_000_000_000, time: now.time + later * 1_000_000_000)
            }
        }
    }

    var totals: CollectorTotals.Values { collector.totals.values }

    func spoofs() throws -> [StoredViolation] { try EventReader(folder).violations(EventFilter(reason: .arpSenderIP)) }
}
