import EventStore
import Foundation
import Packets
import Policy
import Testing

/// `events` on a store that needs neither root nor a guarded host.
@Suite(.timeLimit(.minutes(10)))
struct RecordedEventsTests {
    /// A state folder with events of long ago and of now.
    private final class Store {
        let url = FileManager.default.temporaryDirectory.appending(path: "vifguard-events-\(UUID().uuidString)")
        let now = UInt64(Date().timeIntervalSince1970) * 1_000_000_000
        private let recorder: EventRecorder
        static let hour: UInt64 = 3600 * 1_000_000_000

        init() { recorder = EventRecorder(StateFolder(url.path)) { Issue.record("\($0)") } }

        deinit { try? FileManager.default.removeItem(at: url) }

        func add(
            _ packets: UInt64, at time: UInt64, guest: String? = "www", port: String = "vif1.0", _ reason: Reason = .arpSenderIP,
            samples: [SampleFrame] = []
        ) {
            let violation = Violation(bridge: "br0", guest: guest, port: port, direction: .fromGuest, reason: reason, wasAudited: false)
            recorder.add(violation, ViolationCount(packets: packets, bytes: packets * 60, first: time, last: time, samples: samples))
            var baselines = Baselines(epoch: "test")
            #expect(recorder.flush(&baselines, monotonic: 1, time: time))
        }

        func events(_ arguments: String..., zone: String = "UTC") throws -> Command {
            try Command(["events", "--state", url.path] + arguments, environment: ["TZ": zone])
        }

        /// How many frames each line tells of.
        func packets(_ arguments: String..., zone: String = "UTC") throws -> [Int] {
            let command = try Command(["events", "--json", "--state", url.path] + arguments, environment: ["TZ": zone])
            #expect(command.status == 0, "\(command.errors)")
            return try command.output.split(separator: "\n").map {
                let object = try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
                return try #require(object["packets"] as? Int)
            }
        }
    }

    @Test func `a day is told unless more or less is asked for, the newest last`() throws {
        let store = Store()
        for (packets, age): (UInt64, UInt64) in [(1, 72), (2, 30), (3, 20), (4, 2)] { store.add(packets, at: store.now - age * Store.hour) }
        #expect(try store.packets() == [3, 4])
        #expect(try store.packets("--since", "3h") == [4])
        #expect(try store.packets("--since", "7d") == [1, 2, 3, 4])
        #expect(try store.packets("--since", "2880m", "--until", "10h") == [2, 3])
        #expect(try store.packets("--since", "7d", "--limit", "2") == [3, 4])
        #expect(try store.packets("--since", "90s") == [])
    }

    @Test func `times are this host's unless they say their zone`() throws {
        let store = Store()
        // 2026-03-01 12:00:00 and 12:30:00 UTC.
        let noon: UInt64 = 1_772_366_400 * 1_000_000_000
        store.add(1, at: noon)
        store.add(2, at: noon + Store.hour / 2)
        #expect(try store.packets("--since", "2026-03-01") == [1, 2])
        #expect(try store.packets("--since", "2026-03-01T12:01") == [2])
        #expect(try store.packets("--since", "2026-03-01T12:00:00") == [1, 2])
        #expect(try store.packets("--since", "2026-03-01T12:00:00.000000001Z") == [2])
        #expect(try store.packets("--since", "2026-03-01T13:01:00+01:00") == [2])
        #expect(try store.packets("--since", "2026-03-01T07:01:00-05:00") == [2])
        #expect(try store.packets("--since", "2026-03-01", "--until", "2026-03-01T12:29:59Z") == [1])
        // An hour ahead of UTC in winter.
        #expect(try store.packets("--since", "2026-03-01T13:01", zone: "Europe/Berlin") == [2])
        #expect(try store.packets("--since", "2026-03-01T13:01Z", zone: "Europe/Berlin") == [])
    }

    @Test func `what is no time, or asks for two things at once, is wrong usage`() throws {
        let store = Store()
        for time in [
            "", "yesterday", "5", "5x", "-5m", "1h30m", "2026-02-30", "2026-13-01", "2026-3-1", "2026-03-01T24:00", "2026-03-01T12",
            "2026-03-01T12:00+1",
            "99999999999d", "1969-12-31", "2026-03-01T12:00:00.Z", "２h",
        ] {
            let command = try store.events("--since", time)
            #expect(command.status == 2 && command.output.isEmpty, "\(time): \(command.output)")
        }
        for arguments in [
            ["--follow", "--until", "1h"], ["--follow", "--pcap", "x"], ["--summary", "--pcap", "x"], ["--json", "--pcap", "x"], ["--limit", "0"],
            ["--since", "1h", "--until", "2h"], ["--severity", "grave"], ["--state", ""],
        ] {
            #expect(try Command(["events"] + arguments).status == 2, "\(arguments)")
        }
    }

    @Test func `only what is asked for is told`() throws {
        let store = Store()
        store.add(1, at: store.now)
        store.add(2, at: store.now, guest: "mail", port: "vif2.0")
        store.add(4, at: store.now, guest: "mail", port: "vif2.0", .truncated)
        store.add(8, at: store.now, guest: nil, port: "vif3.0", .noBinding)
        #expect(try store.packets("--guest", "mail") == [2, 4])
        #expect(try store.packets("--port", "vif3.0") == [8])
        #expect(try store.packets("--reason", "truncated") == [4])
        #expect(try store.packets("--severity", "violation") == [1, 2])
        #expect(try store.packets("--bridge", "br1") == [])
        #expect(try store.packets("--direction", "to-guest") == [])
        #expect(try store.packets("--summary") == [8, 4, 2, 1])
    }

    @Test func `a capture has the frames as they were on the wire, and is its owner's alone`() throws {
        let store = Store()
        let frame = [UInt8](0..<60)
        let tag = VLANTag(tpid: .vlan, tci: 0x2064)
        store.add(
            3, at: store.now,
            samples: [
                SampleFrame(time: store.now, bytes: frame, length: 1514),
                SampleFrame(time: store.now + 1_234_000, bytes: frame, tag: tag, length: 60),
                SampleFrame(time: store.now, bytes: [1, 2, 3], tag: tag, length: 3),
            ])
        store.add(1, at: store.now, guest: "mail", samples: [SampleFrame(time: store.now, bytes: [9], length: 1)])
        let file = store.url.appending(path: "frames.pcap")
        // One that was there before, for everybody to read.
        try Data(count: 100_000).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file.path)
        let command = try store.events("--guest", "www", "--pcap", file.path)
        #expect(command.status == 0 && command.output.isEmpty, "\(command.errors)")
        let packets = try CaptureFile(parsing: [UInt8](Data(contentsOf: file))).packets
        #expect(packets.map(\.bytes) == [frame, Array(frame[..<12]) + [0x81, 0x00, 0x20, 0x64] + Array(frame[12...]), [1, 2, 3]])
        #expect(packets.map(\.originalLength) == [1514, 64, 3])
        #expect(packets.map(\.timestamp) == [store.now, store.now + 1_234_000, store.now])
        #expect(try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int == 0o600)
        #expect(try store.events("--limit", "1", "--pcap", file.path).status == 0)
        #expect(try CaptureFile(parsing: [UInt8](Data(contentsOf: file))).packets.map(\.bytes) == [[9]])
        #expect(try store.events("--pcap", store.url.path).status == 1)
    }

    @Test func `no name steers a terminal`() throws {
        let store = Store()
        let name = "www\u{1b}[2J\u{202e}\nvifguard: all is well"
        store.add(1, at: store.now, guest: name, port: "vif\u{7}")
        for arguments in [[], ["--summary"], ["--json"]] {
            let command = try Command(["events", "--state", store.url.path] + arguments)
            #expect(command.status == 0 && !command.output.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" }, "\(command.output)")
            #expect(!command.output.contains("\nvifguard"), "\(command.output)")
        }
        #expect(try store.packets("--guest", name) == [1])
    }

    @Test func `sums fit into 80 columns`() throws {
        let store = Store()
        store.add(10_000_000_000_000, at: store.now, guest: String(repeating: "x", count: 100), .ndRouterSolicitation)
        let sums = try store.events("--summary")
        #expect(sums.output.contains("nd-router-solicitation"))
        for line in sums.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }

    @Test func `what only a store can tell needs one`() throws {
        for arguments in [["--since", "1h"], ["--limit", "1"], ["--summary"], ["--pcap", "-"]] {
            let command = try Command(["events", "--state", "/nowhere"] + arguments)
            #expect(command.status == 1 && command.errors.contains("/nowhere/events.db") && command.output.isEmpty, "\(arguments): \(command.errors)")
        }
    }
}
