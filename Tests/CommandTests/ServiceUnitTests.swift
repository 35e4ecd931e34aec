import Foundation
import Testing

/// The systemd unit, as systemd reads it.
@Suite(.timeLimit(.minutes(10)))
struct ServiceUnitTests {
    private static let analyzer = URL(filePath: "/usr/bin/systemd-analyze")
    static var hasAnalyzer: Bool { FileManager.default.isExecutableFile(atPath: analyzer.path) }

    /// The unit as `make install` fills it in, but for a program that is there.
    private final class Unit {
        let folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-unit-\(UUID().uuidString)")
        let text: String
        let file: URL

        init(_ name: String = "vifguard") throws {
            file = folder.appending(path: "\(name).service")
            let packaging = Command.project.appending(path: "Packaging")
            let template = try String(contentsOf: packaging.appending(path: "\(name).service.in"), encoding: .utf8)
            text = template.replacingOccurrences(of: "@PREFIX@/sbin/vifguard", with: Command.binaryPath)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try text.write(to: file, atomically: true, encoding: .utf8)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        func values(_ key: String) -> [String] {
            text.split(separator: "\n").filter { $0.hasPrefix("\(key)=") }
                .flatMap { $0.dropFirst(key.count + 1).split(separator: " ").map(String.init) }
        }
    }

    @Test(.enabled(if: hasAnalyzer), arguments: ["vifguard", "vifguard-classic"])
    func `systemd finds nothing to complain about`(_ name: String) throws {
        let unit = try Unit(name)
        let verified = try Command(["verify", "--man=no", unit.file.path], program: Self.analyzer)
        #expect(verified.status == 0 && verified.output.isEmpty && verified.errors.isEmpty, "\(verified.output)\(verified.errors)")
    }

    @Test(.enabled(if: hasAnalyzer)) func `it may little, as systemd rates it`() throws {
        let unit = try Unit()
        // In tenths; 2.8 with systemd 252. Nothing confined at all is 9.6.
        let rated = try Command(["security", "--offline=true", "--threshold=30", unit.file.path], program: Self.analyzer)
        #expect(rated.status == 0, "\(rated.output)\(rated.errors)")
    }

    @Test func `it starts before whatever starts guests, and never takes the guard away`() throws {
        let unit = try Unit()
        let before = Set(unit.values("Before"))
        for guests in ["libvirtd", "virtqemud", "libvirt-guests", "xendomains", "lxc", "incus", "pve-guests"] {
            #expect(before.contains("\(guests).service"), "\(guests)")
        }
        #expect(unit.values("Type") == ["notify"] && unit.values("Restart") == ["always"])
        for line in unit.text.split(separator: "\n") { #expect(!line.hasPrefix("ExecStop"), "\(line)") }
    }

    @Test func `the classic engine's rules are in force before whatever starts guests, and not beside the agent`() throws {
        let (agent, classic) = (try Unit(), try Unit("vifguard-classic"))
        #expect(classic.values("Before") == agent.values("Before"))
        #expect(classic.values("Conflicts") == ["vifguard.service"] && classic.values("Type") == ["oneshot"])
        #expect(classic.values("ExecStart") == [Command.binaryPath, "apply"])
        for line in classic.text.split(separator: "\n") { #expect(!line.hasPrefix("ExecStop"), "\(line)") }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-sysusers")))
    func `the group of the agent's socket is one that systemd can make`() throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "vifguard-root-\(UUID().uuidString)")
        let etc = root.appending(path: "etc")
        try FileManager.default.createDirectory(at: etc, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        let rules = Command.project.appending(path: "Packaging/vifguard.sysusers").path
        let made = try Command(["--root=\(root.path)", rules], program: URL(filePath: "/usr/bin/systemd-sysusers"))
        #expect(made.status == 0, "\(made.errors)")
        #expect(try String(contentsOf: etc.appending(path: "group"), encoding: .utf8).contains("vifguard:"))
    }
}
