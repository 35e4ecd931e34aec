import Agent
import Datapath
import EventStore
import Foundation
import Lab
import Logging
import Testing

/// A guarded host, and what `doctor` says of it.
struct Patient {
    struct Finding: Decodable {
        var id: String
        var severity: String
        var place: String
        var found: String
        var meaning: String
        var mend: [String]
        private enum CodingKeys: String, CodingKey {
            case id, severity, found, meaning, mend
            case place = "where"
        }
    }

    struct Diagnosis: Decodable {
        var sound: Bool
        var problems: Int
        var warnings: Int
        var findings: [Finding]
        var status: Int32 = 0
        private enum CodingKeys: String, CodingKey { case sound, problems, warnings, findings }
    }

    let fixture: CommandFixture

    /// A host as it was found.
    init(_ fixture: CommandFixture) { self.fixture = fixture }

    /// A host whose policy is in force, and whose settings are as `doctor` would have them.
    init(applying fixture: CommandFixture? = nil) throws {
        self.fixture = try fixture ?? CommandFixture()
        let settings = [
            "net.ipv4.conf.all.drop_unicast_in_l2_multicast=1", "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.default.rp_filter=1",
            "net.ipv4.conf.all.accept_redirects=0",
            "net.ipv4.conf.br0.accept_redirects=0",
        ]
        for setting in settings { try shell("sysctl -qw \(setting)") }
        _ = try self.fixture.succeed("apply")
    }

    /// The command that is tested, and its policy, for a shell.
    var prefix: String {
        let folder = URL(filePath: CommandFixture.binary).deletingLastPathComponent().path
        return "PATH='\(folder)':/usr/sbin:/sbin:$PATH; export VIFGUARD_POLICY='\(fixture.policy.path)'; "
    }

    func shell(_ command: String) throws { _ = try fixture.host.output(of: ["sh", "-c", prefix + command], atMost: .seconds(60)) }

    func examine() throws -> Diagnosis { try Self.diagnosis(try fixture.run("doctor", "--json")) }

    static func diagnosis(_ result: CommandResult) throws -> Diagnosis {
        try #require(result.status == 0 || result.status == 1, "\(result)")
        var diagnosis = try JSONDecoder().decode(Diagnosis.self, from: Data(result.output.utf8))
        diagnosis.status = result.status
        return diagnosis
    }

    func finding(_ id: String, naming words: String) throws -> Finding? {
        try examine().findings.first { $0.id == id && "\($0.place) \($0.found)".contains(words) }
    }
}

/// Records what the kernel counts, as an agent does.
final class Recorder: @unchecked Sendable {
    private let fixture: CommandFixture
    private var collector: Collector!

    init(_ fixture: CommandFixture) throws {
        self.fixture = fixture
        let folder = StateFolder(fixture.state)
        try fixture.host.run {
            let recorder = EventRecorder(folder) { _ in }
            collector = Collector(recorder: recorder, journal: ViolationJournal(Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
            try collector.watch(try Datapath.open())
            _ = collector.step()
        }
    }

    deinit { try? fixture.host.run { collector.finish() } }

    func step() throws { try fixture.host.run { _ = collector.step() } }
}
