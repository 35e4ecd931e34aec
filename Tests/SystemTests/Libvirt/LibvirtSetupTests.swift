import Foundation
import Lab
import Testing

/// `vifguard init --libvirt`, and `install --libvirt` with `uninstall`.
@Suite(.timeLimit(.minutes(5)))
struct LibvirtSetupTests {
    private func run(_ host: LibvirtHost, _ words: String...) throws -> CommandResult {
        try host.fixture.host.execute([CommandFixture.binary] + words, atMost: .seconds(60))
    }

    @Test func `a first policy has the guests of libvirt's definitions, and passes check`() throws {
        let host = try LibvirtHost()
        let folder = host.fixture.folder.appending(path: "qemu")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, text) in [
            ("www", LibvirtHost.domain("www", port: nil, number: 7, address: "192.0.2.7")),
            ("bare", LibvirtHost.domain("bare", port: nil, number: 8, address: nil)), ("broken", "<domain>"),
        ] { try text.write(to: folder.appending(path: "\(name).xml"), atomically: true, encoding: .utf8) }
        let file = host.fixture.folder.appending(path: "first.yaml").path
        let made = try run(host, "init", "--libvirt", "--libvirt-folder", folder.path, "--output", file)
        #expect(made.succeeded, "\(made.errors)")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.contains("\n        mac: 52:54:00:00:00:07\n        addresses: [192.0.2.7]\n"), "\(text)")
        #expect(!text.contains("\n  bare:") && text.contains("guest bare") && text.contains("broken.xml"), "\(text)")
        #expect(try run(host, "check", "--policy", file).succeeded)
        for words in [["--libvirt", "--libvirt-folder"], ["--xen", "--xen-folder"]] {
            let nowhere = try host.fixture.host.execute([CommandFixture.binary, "init"] + words + ["/nowhere"], atMost: .seconds(60))
            #expect(nowhere.status == 1 && nowhere.output.isEmpty && nowhere.errors.contains("there is no /nowhere"), "\(nowhere)")
        }
    }

    @Test func `install writes the hook that libvirt calls, once, and uninstall removes it`() throws {
        let host = try LibvirtHost()
        let root = host.fixture.folder.appending(path: "root")
        let hook = root.appending(path: "etc/libvirt/hooks/qemu.d/vifguard")
        let installed = try run(host, "install", "--libvirt", "--root", root.path)
        #expect(installed.succeeded && installed.output.contains("systemctl restart libvirtd"), "\(installed)")
        #expect(FileManager.default.isExecutableFile(atPath: hook.path))
        // It calls this very command: a guest that can't be bound is refused through it.
        let file = host.fixture.folder.appending(path: "domain.xml")
        try LibvirtHost.domain("www", port: "vif1.0", number: 1, address: "192.0.2.254").write(to: file, atomically: true, encoding: .utf8)
        let call = [
            "env", "VIFGUARD_POLICY=\(host.fixture.policy.path)", "sh", "-c", "exec \"$@\" < \(file.path)", "sh", hook.path, "www", "start", "begin",
            "-",
        ]
        let refused = try host.fixture.host.execute(call, atMost: .seconds(60))
        #expect(refused.status == 1 && refused.errors.contains("reserved"), "\(refused)")
        #expect(try run(host, "install", "--libvirt", "--root", root.path).output.contains("Nothing to do"))
        #expect(try run(host, "install", "--libvirt", "--root", root.path, "--json").output.contains("{"))
        let removed = try run(host, "uninstall", "--yes", "--root", root.path, "--state", host.fixture.state)
        #expect(removed.succeeded && removed.output.contains("hooks/qemu.d/vifguard: removed"), "\(removed)")
        #expect(!FileManager.default.fileExists(atPath: hook.path))
    }
}
