import Foundation
import Testing

/// `make install` and `make uninstall`, into a folder as a package is built.
@Suite(.timeLimit(.minutes(10)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/make")))
struct InstallTests {
    private func make(_ target: String, _ folder: URL) throws {
        let arguments = [
            "-s", "-C", Command.project.path, target, "RELEASE=\(Command.binaryPath)", "DESTDIR=\(folder.path)", "PREFIX=/usr",
        ]
        let made = try Command(arguments, program: URL(filePath: "/usr/bin/make"))
        #expect(made.status == 0 && made.errors.isEmpty, "\(target): \(made.errors)")
    }

    /// Paths of all that is no folder.
    private func files(_ folder: URL) throws -> Set<String> {
        let all = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        return Set(
            all.filter { path in
                let attributes = try? FileManager.default.attributesOfItem(atPath: folder.appending(path: path).path)
                return attributes?[.type] as? FileAttributeType != .typeDirectory
            })
    }

    @Test func `all of it is installed below one folder, and nothing is left but the operator's policy`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-install-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try make("install-files", folder)
        let installed = try files(folder)
        for path in [
            "usr/sbin/vifguard", "usr/lib/systemd/system/vifguard.service", "usr/lib/systemd/system/vifguard-classic.service",
            "usr/lib/sysusers.d/vifguard.conf", "usr/share/man/man8/vifguard.8",
            "usr/share/man/man8/vifguard-top.8", "usr/share/doc/vifguard/policy.example.yaml", "usr/share/vifguard/vif-vifguard",
            "usr/share/bash-completion/completions/vifguard",
        ] { #expect(installed.contains(path), "\(path)") }
        let unit = try String(contentsOf: folder.appending(path: "usr/lib/systemd/system/vifguard.service"), encoding: .utf8)
        #expect(unit.contains("\nExecStart=/usr/sbin/vifguard agent\n") && !unit.contains("@PREFIX@"))

        try "guests: {}\n".write(to: folder.appending(path: "etc/vifguard/policy.yaml"), atomically: true, encoding: .utf8)
        try make("uninstall", folder)
        #expect(try files(folder) == ["etc/vifguard/policy.yaml"])
    }
}
