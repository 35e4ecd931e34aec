import Foundation
import Hypervisors
import Testing

/// The file by which libvirt calls.
@Suite struct LibvirtHookFileTests {
    private static let project = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardizedFileURL

    private func withRoot(_ body: (URL) throws -> Void) throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "vifguard-root-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        try body(root)
    }

    private func file(_ root: URL) -> URL { root.appending(path: "etc/libvirt/hooks/qemu.d/vifguard") }

    @Test func isInstalledOnceAndRemoved() throws {
        try withRoot { root in
            #expect(try LibvirtHookFile.remove(root: root.path) == nil)
            #expect(try LibvirtHookFile.install(root: root.path, program: "/usr/local/sbin/vifguard") == file(root).path)
            let text = try String(contentsOf: file(root), encoding: .utf8)
            let packaged = try String(contentsOf: Self.project.appending(path: "Packaging/libvirt-hook.in"), encoding: .utf8)
            #expect(text == packaged.replacingOccurrences(of: "@PREFIX@", with: "/usr/local"))
            let mode = try FileManager.default.attributesOfItem(atPath: file(root).path)[.posixPermissions] as? Int
            #expect(mode == 0o755)
            #expect(try LibvirtHookFile.install(root: root.path, program: "/usr/local/sbin/vifguard") == nil)
            #expect(try LibvirtHookFile.install(root: root.path, program: "/usr/sbin/vifguard") != nil)
            #expect(try FileManager.default.contentsOfDirectory(atPath: file(root).deletingLastPathComponent().path) == ["vifguard"])
            #expect(try LibvirtHookFile.remove(root: root.path) == file(root).path)
            #expect(!FileManager.default.fileExists(atPath: file(root).path))
        }
    }

    @Test func whatIsSomebodyElsesStays() throws {
        try withRoot { root in
            try FileManager.default.createDirectory(at: file(root).deletingLastPathComponent(), withIntermediateDirectories: true)
            try "#!/bin/sh\nexit 0\n".write(to: file(root), atomically: true, encoding: .utf8)
            #expect(throws: CardError.self) { try LibvirtHookFile.install(root: root.path, program: "/usr/sbin/vifguard") }
            #expect(try LibvirtHookFile.remove(root: root.path) == nil)
            #expect(try String(contentsOf: file(root), encoding: .utf8) == "#!/bin/sh\nexit 0\n")
        }
    }

    @Test(arguments: ["vifguard", "/tmp/a b/vifguard", "/tmp/$(reboot)/vifguard", "/tmp/a;b", ""])
    func aPathThatAShellWouldReadIsRefused(_ program: String) throws {
        try withRoot { root in
            #expect(throws: CardError.self) { try LibvirtHookFile.install(root: root.path, program: program) }
            #expect(!FileManager.default.fileExists(atPath: root.path))
        }
    }
}
