import Foundation
import Lab
import Netlink
import Testing

/// `vifguard init`, and `install` with `uninstall`.
@Suite(.timeLimit(.minutes(5)))
struct XenSetupTests {
    private static let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Packaging/vif-vifguard").standardized
        .path

    private func run(_ xen: XenFixture, _ words: String...) throws -> CommandResult {
        try xen.host.execute([CommandFixture.binary] + words, atMost: .seconds(60))
    }

    @Test func `a first policy names bridges and guests, passes check, and replaces no file`() throws {
        let xen = try XenFixture()
        _ = try xen.host.output(of: ["ip", "addr", "add", "192.0.2.253/24", "dev", "br0"])
        _ = try xen.host.output(of: ["ip", "route", "add", "default", "via", "192.0.2.254"])
        try xen.configuration("www.cfg", "#ipv6=2001:db8::60\nname='www'\nvif=['mac=02:00:00:00:00:07,bridge=br0,ip=192.0.2.7/24']\n")
        try xen.configuration("auto/host.cfg", "name='host'\nvif=['mac=02:00:00:00:00:08,bridge=br0,ip=192.0.2.254']\n")
        let file = xen.command.folder.appending(path: "first.yaml").path
        let made = try run(xen, "init", "--xen", "--xen-folder", xen.xen.path, "--output", file)
        #expect(made.succeeded, "\(made.errors)")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        for line in [
            "  br0:", "    gateways: [192.0.2.254]", "    subnets: [192.0.2.0/24]", "        addresses: [192.0.2.7, \"2001:db8::60\"]",
            "        mac: 02:00:00:00:00:07",
        ] { #expect(text.contains("\n\(line)\n"), "no \(line) in\n\(text)") }
        // The gateway's address is nobody's, and of veths nobody can say where they lead.
        #expect(!text.contains("\n  host:") && text.contains("guest host with 02:00:00:00:00:08") && text.contains("port vif1.0 of bridge br0"))
        for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        #expect(try run(xen, "check", "--policy", file).succeeded)
        let again = try run(xen, "init", "--output", file)
        #expect(again.status == 1 && again.errors.contains("is there already"))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
        #expect(try run(xen, "init").output.contains("bridges:\n  br0:"))
    }

    @Test func `install asks, sets the default script, and uninstall puts all back`() throws {
        let xen = try XenFixture()
        let root = xen.command.folder.appending(path: "root")
        let scripts = root.appending(path: "etc/xen/scripts")
        let script = Self.script
        #expect(try run(xen, "install", "--xen", "--yes", "--root", root.path, "--script", script).errors.contains("install Xen first"))
        try FileManager.default.createDirectory(at: scripts, withIntermediateDirectories: true)
        let configuration = root.appending(path: "etc/xen/xl.conf")
        let before = "## Global XL config file ##\nvif.default.script=\"vif-route\"\n#autoballoon=\"auto\"\n"
        try before.write(to: configuration, atomically: true, encoding: .utf8)
        let unasked = try run(xen, "install", "--xen", "--root", root.path, "--script", script)
        #expect(unasked.status == 1 && unasked.errors.contains("--yes"))
        #expect(try String(contentsOf: configuration, encoding: .utf8) == before)

        let installed = try run(xen, "install", "--xen", "--yes", "--root", root.path, "--script", script)
        #expect(installed.succeeded && installed.output.contains("+ vif.default.script=\"vif-vifguard\""), "\(installed.errors)")
        #expect(try String(contentsOf: configuration, encoding: .utf8).hasSuffix("\nvif.default.script=\"vif-vifguard\"\n"))
        #expect(FileManager.default.isExecutableFile(atPath: scripts.appending(path: "vif-vifguard").path))
        #expect(try run(xen, "install", "--xen", "--yes", "--root", root.path, "--script", script).output.contains("Nothing to do"))

        let state = xen.command.state
        #expect(try run(xen, "uninstall", "--yes", "--root", root.path, "--state", state).succeeded)
        #expect(try String(contentsOf: configuration, encoding: .utf8) == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scripts.path) == [])
        #expect(try run(xen, "uninstall", "--yes", "--root", root.path, "--state", state).succeeded)
    }

    @Test func `what can't be undone of install keeps nothing else in force, and what isn't ours stays`() throws {
        let xen = try XenFixture()
        let root = xen.command.folder.appending(path: "root")
        for folder in ["etc/xen/scripts", "etc/libvirt/hooks/qemu.d"] {
            try FileManager.default.createDirectory(at: root.appending(path: folder), withIntermediateDirectories: true)
        }
        // A comment in Latin-1, and a hook of somebody else's by our name.
        let configuration = root.appending(path: "etc/xen/xl.conf")
        let before = Data("# gr".utf8) + Data([0xfc]) + Data("n\nautoballoon=\"off\"\n".utf8)
        try before.write(to: configuration)
        let hook = root.appending(path: "etc/libvirt/hooks/qemu.d/vifguard")
        try "#!/bin/sh\n".write(to: hook, atomically: true, encoding: .utf8)
        #expect(try run(xen, "install", "--xen", "--yes", "--root", root.path, "--script", Self.script).succeeded)
        let removed = try run(xen, "uninstall", "--yes", "--root", root.path, "--state", xen.command.state)
        #expect(removed.succeeded && removed.output.contains("create it anew"), "\(removed)")
        #expect(try Data(contentsOf: configuration) == before && FileManager.default.fileExists(atPath: hook.path))

        _ = try xen.command.succeed("apply")
        try FileManager.default.removeItem(at: configuration)
        try FileManager.default.createDirectory(at: configuration, withIntermediateDirectories: true)
        let partly = try run(xen, "uninstall", "--yes", "--root", root.path, "--state", xen.command.state)
        #expect(partly.status == 1 && partly.errors.contains("hypervisors may still call vifguard"), "\(partly)")
        #expect(try xen.command.run("status").errors.contains("nothing is loaded"))
    }

    @Test func `the script hands over all it is given, by a path of its own`() throws {
        let xen = try XenFixture()
        let script = try String(contentsOfFile: Self.script, encoding: .utf8)
        // A vifguard that tells what it was called with, in a folder that the script's path names first.
        let folder = xen.command.folder.appending(path: "bin")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let teller = folder.appending(path: "vifguard")
        try "#!/bin/sh\necho \"$PATH|$XENBUS_PATH|$#|$*\"\n".write(to: teller, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: teller.path)
        let local = folder.appending(path: "vif-vifguard")
        try script.replacing("PATH=/usr/local/sbin", with: "PATH=\(folder.path)").write(to: local, atomically: true, encoding: .utf8)
        let words = [
            "env", "-i", "PATH=/evil:/bin:/usr/bin", "XENBUS_PATH=backend/vif/7/0", "/bin/sh", local.path, "online", "type_if=vif", "a b;$(id)",
        ]
        let said = try xen.host.output(of: words)
        #expect(said == "\(folder.path):/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|backend/vif/7/0|5|hook xen online type_if=vif a b;$(id)\n")
    }
}
