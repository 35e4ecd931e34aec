import Addresses
import FakeXen
import Foundation
import Hypervisors
import Policy
import Testing

/// Configurations in a folder, xl.conf, and xenstore's wire.
@Suite(.timeLimit(.minutes(2)))
final class XenFilesTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-xen-\(UUID().uuidString.prefix(8))")

    init() throws { try FileManager.default.createDirectory(at: folder.appending(path: "auto"), withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func write(_ name: String, _ text: String) throws {
        try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }

    private func comment(_ guest: String, uuid: String? = nil, mac: String = "00:16:3e:00:00:01") throws -> XenIPv6Comment {
        try XenIPv6Comment(guest: guest, uuid: uuid, mac: mac, in: XenConfigurationFiles(folder.path))
    }

    @Test func `a guest's file is found by its name, in either folder, once`() throws {
        try write("a.cfg", "name='www'\n#ipv6=2001:db8::1, 2001:db8::2/64\n#ipv6=2001:db8:1::/64")
        try FileManager.default.createSymbolicLink(at: folder.appending(path: "auto/whatever"), withDestinationURL: folder.appending(path: "a.cfg"))
        try write("auto/mail", "name='mail'\n#ipv6=2001:db8::3")
        try write("b.txt", "name='www'\n#ipv6=2001:db8::9")
        try write(".hidden.cfg", "name='www'\n#ipv6=2001:db8::9")
        #expect(try comment("www").statements.map(\.text) == ["2001:db8::1", "2001:db8::2", "2001:db8:1::/64"])
        #expect(try comment("mail").statements.map(\.source) == ["#ipv6= in \(folder.path)/auto/mail:2"])
        #expect(try comment("nobody") == comment("other"))
        #expect(try XenIPv6Comment(guest: "www", uuid: nil, mac: "", in: XenConfigurationFiles(folder.path + "/none")).statements == [])
    }

    @Test func `files of others, and what is wrong with them, are noted and touch nobody`() throws {
        try write("a.cfg", "name='www'\n#ipv6=2001:db8::1\nuuid='5f0c8a3e-1b2d-4c3f-9a6b-7c8d9e0f1a2b'\nvif=['mac=00:16:3E:00:00:01']")
        try write("b.cfg", "name='mail'\n#ipv6=$(reboot)")
        try write("c.cfg", "name='broken\n#ipv6=2001:db8::1")
        mkfifo(folder.appending(path: "d.cfg").path, 0o600)
        let found = try comment("www")
        #expect(found.statements.map(\.text) == ["2001:db8::1"])
        #expect(found.notes.count == 2 && found.notes[0].contains("c.cfg:1") && found.notes[1].contains("no regular file"))
        #expect(try comment("www", uuid: "5F0C8A3E-1b2d-4c3f-9a6b-7c8d9e0f1a2b").statements.count == 1)
        #expect(try comment("www", uuid: "00000000-1b2d-4c3f-9a6b-7c8d9e0f1a2b").statements.isEmpty)
        #expect(try comment("www", mac: "00:16:3e:00:00:02").statements.isEmpty)
        #expect(throws: CardError.self) { try self.comment("mail") }
    }

    @Test func `two files of one guest that contradict each other are an error`() throws {
        try write("a.cfg", "name='www'\n#ipv6=2001:db8::1 2001:db8::2")
        try write("b.cfg", "name='www'\n#ipv6=2001:db8::2\n#ipv6=2001:0db8::1")
        #expect(try comment("www").statements.count == 2)
        try write("b.cfg", "name='www'\n#ipv6=2001:db8::2")
        #expect(throws: CardError.self) { try self.comment("www") }
    }

    @Test func `a first policy has what the files say, and leaves out what contradicts itself`() throws {
        try write(
            "a.cfg", "name='www'\n#ipv6=2001:db8::1\nvif=['mac=00:16:3e:00:00:01,ip=192.0.2.1/24,bridge=br0','mac=00:16:3e:00:00:02,ip=192.0.2.2']")
        try write("b.cfg", "name='thief'\nvif=['mac=00:16:3e:00:00:03,ip=192.0.2.1,bridge=br0']")
        try write("c.cfg", "name='no mac'\nvif=['ip=192.0.2.9']")
        try write("d.cfg", "name='router'\nvif=['mac=00:16:3e:00:00:04,ip=192.0.2.254,bridge=br0']")
        try write("e.cfg", "name='evil\\nguest'\nvif=['mac=00:16:3e:00:00:05,ip=192.0.2.5,bridge=br0']")
        let bridge = BridgePolicy(name: "br0", uplinks: ["eth0"], gateways: [.v4(.init("192.0.2.254")!)])
        let first = FirstPolicy(HostBridges(bridges: [bridge]), try Inventory(xen: XenConfigurationFiles(folder.path)))
        let www = first.policy.interfaces.filter { $0.binding.guest == "www" }
        #expect(www.map(\.bridge) == ["br0", "xenbr0"] && www.allSatisfy { $0.port == nil })
        #expect(www[0].binding.addresses4.map(\.description) == ["192.0.2.1"] && www[0].binding.addresses6.map(\.description) == ["2001:db8::1"])
        #expect(!first.policy.interfaces.contains { ["thief", "router", "no mac"].contains($0.binding.guest) })
        for what in ["192.0.2.1 is guest www's already", "no mac=", "gateway's", "xenbr0 isn't there"] {
            #expect(first.notes.contains { $0.contains(what) }, "\(what): \(first.notes)")
        }
        for line in first.yaml.split(separator: "\n") { #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 }) }
    }

    @Test func `the default script is set and unset, and all else in xl conf stays`() {
        let before = XLConfiguration("# vif.default.script=\"x\"\nvif.default.script = \"vif-route\"\nautoballoon=0\n")
        let after = before.installed
        #expect(after.isInstalled && !before.isInstalled && after.installed == after)
        #expect(
            after.text.contains("\n#vifguard: vif.default.script = \"vif-route\"\nautoballoon=0\n")
                && after.text.hasSuffix("vif.default.script=\"vif-vifguard\"\n"))
        #expect(after.uninstalled == before)
        #expect(before.changes(to: after).filter { $0.hasPrefix("- ") } == ["- vif.default.script = \"vif-route\""])
        #expect(XLConfiguration("").installed.uninstalled.text == "")
        // Somebody has changed it since: the last one counts, and is kept as it was.
        let overruled = XLConfiguration(after.text + "vif.default.script=\"mine\"\n")
        #expect(
            !overruled.isInstalled && overruled.installed.isInstalled && overruled.installed.text.contains("#vifguard: vif.default.script=\"mine\""))
    }

    @Test func `xenstore's values come as they were written, and a store that lies is refused`() throws {
        let fake = try FakeXenStore(in: folder)
        defer { fake.stop() }
        let store = try XenStore(fake.path)
        #expect(try store.value(at: "backend/vif/7/0/mac") == nil)
        try store.write("00:16:3e:00:00:01", at: "backend/vif/7/0/mac")
        #expect(try store.value(at: "/local/domain/0/backend/vif/7/0/mac") == "00:16:3e:00:00:01")
        try store.write("", at: "a")
        #expect(try store.value(at: "a") == "")
        #expect(throws: XenStoreError.self) { try store.write(String(repeating: "x", count: 4096), at: "a") }
        #expect(throws: XenStoreError.self) { try store.value(at: "a\0b") }
        #expect(throws: XenStoreError.self) { try store.value(at: "") }
        fake.set("a", [0x80])
        #expect(throws: XenStoreError.self) { try store.value(at: "a") }
        fake.set("a", [0x61, 0, 0x62])
        #expect(throws: XenStoreError.self) { try store.value(at: "a") }
        for lie in [
            FakeXenStore.message(2, 99, []), FakeXenStore.message(11, 1, []), FakeXenStore.message(2, 1, [UInt8](repeating: 0, count: 5000)),
        ] {
            // Each on a connection of its own: what follows a lie means nothing.
            fake.answer { _ in lie }
            let store = try XenStore(fake.path)
            #expect(throws: XenStoreError.self) { try store.value(at: "a") }
        }
        #expect(throws: XenStoreError.self) { try XenStore(self.folder.path + "/none") }
    }
}
