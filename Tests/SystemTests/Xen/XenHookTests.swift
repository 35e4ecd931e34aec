import Addresses
import FakeXen
import Foundation
import Lab
import Netlink
import Testing

/// `vifguard hook xen` with a xenstore made by the test.
@Suite(.timeLimit(.minutes(10)))
struct XenHookTests {
    private struct Outcome: Decodable {
        struct Address: Decodable, Equatable {
            var address: String
            var source: String
        }
        var port: String
        var guest: String
        var addresses: [Address]
    }

    @Test func `a card that comes online is bound by ip= and #ipv6=, and only then in its bridge`() throws {
        let xen = try XenFixture()
        try xen.configuration("www.cfg", "#ipv6=2001:0DB8:0000:0000:0000:0000:0000:0060\nname = 'www'\nvif = [ 'mac=\(XenFixture.mac(7))' ]\n")
        xen.store.add(domain: 7, name: "www", mac: XenFixture.mac(7), ip: "192.0.2.7/24 2001:db8:7::/64")
        try xen.makePort("vif7.0")
        let result = try xen.hook("online", "type_if=vif", domain: 7, besides: ["--json"])
        #expect(result.succeeded, "\(result.errors)")
        let outcome = try JSONDecoder().decode(Outcome.self, from: Data(result.output.utf8))
        #expect(outcome.port == "vif7.0" && outcome.guest == "www")
        #expect(
            outcome.addresses == [
                .init(address: "192.0.2.7", source: "ip= of the vif"), .init(address: "2001:db8:7::/64", source: "ip= of the vif"),
                .init(address: "2001:db8::60", source: "#ipv6= in \(xen.xen.path)/www.cfg:1"),
            ])
        #expect(xen.store.status(of: 7) == "connected" && xen.store.error(of: 7) == nil)
        #expect(xen.store["backend/vif/7/0/ipv6"] == "2001:db8::60")
        #expect(xen.store["/local/domain/7/device/vif/0/mtu"] == "1500")
        let port = try xen.command.port("vif7.0")
        #expect(port.state == "bound" && port.binding?.guest == "www" && port.binding?.origin == "xen")
        #expect(Set(port.binding?.addresses ?? []) == ["192.0.2.7", "2001:db8:7::/64", "2001:db8::60"])
        let link = try xen.link("vif7.0")
        #expect(link.isUp && link.macAddress?.description == "fe:ff:ff:ff:ff:ff")
        #expect(try xen.master(of: "vif7.0") == "br0")
        #expect(try xen.host.run { try InterfaceSetting.disableIPv6.value(for: "vif7.0") } == 1)
        #expect(try xen.host.output(of: ["bridge", "fdb", "show", "br", "br0"]).contains("\(XenFixture.mac(7)) dev vif7.0 sticky"))
        let spoofed = arpRequest(from: 7, sender: [192, 0, 2, 8])
        #expect(try xen.passing([spoofed], from: "vif7.0", honest: arpRequest(from: 7)) == [])
        #expect(try xen.command.succeed("plan").contains("Nothing to do"))
    }

    @Test func `not one frame passes before the binding, whatever a guest sends meanwhile`() throws {
        let xen = try XenFixture()
        xen.store.add(domain: 7, name: "www", mac: XenFixture.mac(7), ip: "192.0.2.7")
        let tap = try xen.host.run { try Tap("vif7.0") }
        let sniffer = try Sniffer(on: "p-up0", in: xen.host)
        // What a guest queues: a write to a tap that is down fails, and the first one that doesn't is there when it goes up.
        let spoofed = [arpRequest(from: 7, sender: [192, 0, 2, 8]), arpRequest(from: 9)]
        let flood = Flood(spoofed, into: tap)
        let result = try xen.hook("online", "type_if=vif", domain: 7)
        #expect(result.succeeded, "\(result.errors)")
        let honest = arpRequest(from: 7)
        flood.stop()
        #expect(flood.accepted > 0, "the guest's frames never came in")
        #expect(honest.withUnsafeBytes { write(tap.descriptor, $0.baseAddress, $0.count) } == honest.count)
        #expect(try sniffer.first { $0.bytes == honest } != nil)
        #expect(sniffer.frames.filter { spoofed.contains($0.bytes) }.isEmpty)
        #expect(try xen.command.port("vif7.0").sent.dropped["arp-sender-ip"]?.packets ?? 0 > 0)
        // Nor did one get as far as the others' ports, where it would lack the stamp, or teach the bridge a MAC.
        let late = try xen.command.port("up0").received.dropped["unjudged"]?.packets ?? 0
        let others = try xen.command.port("up0").sent.dropped["unjudged"]?.packets ?? 0
        #expect(late == 0 && others == 0)
        #expect(try !xen.host.output(of: ["bridge", "fdb", "show", "br", "br0"]).contains(XenFixture.mac(9)))
    }

    @Test func `the policy's word on a guest wins whole, and its port has to be this one`() throws {
        let xen = try XenFixture()
        try xen.bringUp(7, "listed.example.com", mac: 1, ip: "192.0.2.99")
        let port = try xen.command.port("vif7.0")
        #expect(port.binding?.addresses == ["192.0.2.1"] && port.binding?.origin == "policy")
        #expect(try xen.command.succeed("plan").contains("Nothing to do"))

        let other = XenFixture.policy.replacing("- {bridge", with: "- {port: vif6.0, bridge")
        try xen.command.write(other)
        let refused = try xen.hook("online", "type_if=vif", domain: 7)
        #expect(refused.status == 1 && refused.errors.contains("leave 'port' out") && refused.errors.contains("vif6.0"))
        #expect(try xen.master(of: "vif7.0") == nil)
    }

    @Test(arguments: [
        ("an address of the policy's guest", "www", 7 as UInt8, "192.0.2.1", "listed.example.com"),
        ("the policy's guest's MAC", "www", 1, "192.0.2.7", "listed.example.com"), ("a gateway", "www", 7, "192.0.2.254", "reserved"),
        ("no address", "www", 7, "", "write ip= into its vif"), ("no address that can be read", "www", 7, "192.0.2.7;reboot", "192.0.2.7;reboot"),
        ("everything", "www", 7, "0.0.0.0/0", "0.0.0.0/0"), ("a shell's words", "$(touch /tmp/owned)", 7, "`id`", "`id`"),
    ])
    func `what is in doubt is refused: the port is down, in no bridge, and xl is told`(
        _ what: String, _ guest: String, _ mac: UInt8, _ ip: String, _ why: String
    ) throws {
        let xen = try XenFixture()
        xen.store.add(domain: 7, name: guest, mac: XenFixture.mac(mac), ip: ip)
        try xen.makePort("vif7.0")
        // Somebody has been faster: the default script, say.
        _ = try xen.host.output(of: ["ip", "link", "set", "vif7.0", "master", "br0", "up"])
        let refused = try xen.hook("online", "type_if=vif", domain: 7)
        #expect(refused.status == 1 && refused.errors.contains(why), "\(what): \(refused.errors)")
        #expect(xen.store.status(of: 7) == "error" && xen.store.error(of: 7)?.contains(why) == true)
        #expect(try !xen.link("vif7.0").isUp)
        #expect(try xen.master(of: "vif7.0") == nil)
        #expect(try !xen.command.status().bridges.flatMap(\.ports).contains { $0.name == "vif7.0" })
    }

    @Test func `a policy that can't be read, a bridge that isn't guarded and a silent store refuse the guest`() throws {
        let xen = try XenFixture()
        xen.store.add(domain: 7, name: "www", mac: XenFixture.mac(7), ip: "192.0.2.7")
        try xen.makePort("vif7.0")
        let broken = try xen.command.file("bridges: [")
        let unread = try xen.hook("online", "type_if=vif", domain: 7, policy: broken.path)
        #expect(unread.status == 1 && xen.store.error(of: 7)?.contains("other.yaml:") == true, "\(unread.errors)")
        xen.store["backend/vif/7/0/bridge"] = "up0"
        #expect(try xen.hook("online", "type_if=vif", domain: 7).errors.contains("bridge up0 isn't in the policy"))
        xen.store["backend/vif/7/0/bridge"] = "br0"
        xen.store.set("backend/vif/7/0/mac", [0xff, 0xfe])
        #expect(try xen.hook("online", "type_if=vif", domain: 7).errors.contains("isn't text"))
        xen.store.answer { _ in FakeXenStore.message(2, 0xffff, []) }
        #expect(try xen.hook("online", "type_if=vif", domain: 7).errors.contains("makes no sense"))
        xen.store.answer(nil)
        xen.store["backend/vif/7/0/mac"] = XenFixture.mac(7)
        xen.store["backend/vif/7/0/frontend-id"] = "8"
        #expect(try xen.hook("online", "type_if=vif", domain: 7).errors.contains("frontend-id"))
        #expect(try xen.master(of: "vif7.0") == nil)
        #expect(try !xen.link("vif7.0").isUp)
        xen.store["backend/vif/7/0/frontend-id"] = "7"
        #expect(try xen.hook("online", "type_if=vif", domain: 7).succeeded)
    }

    @Test func `offline takes a card away, and what is gone already is fine`() throws {
        let xen = try XenFixture()
        try xen.bringUp(7, "www", mac: 7, ip: "192.0.2.7")
        #expect(try xen.hook("offline", "type_if=vif", domain: 7).succeeded)
        #expect(try xen.master(of: "vif7.0") == nil)
        #expect(try !xen.link("vif7.0").isUp)
        #expect(try !xen.command.status().bridges.flatMap(\.ports).contains { $0.name == "vif7.0" })
        #expect(try xen.hook("offline", "type_if=vif", domain: 7).succeeded)
        // Its address is free for another.
        try xen.bringUp(8, "mail", mac: 8, ip: "192.0.2.7")
        // The device goes first, then its nodes, then the store itself.
        try xen.host.run { try Link.named("vif8.0").delete() }
        for key in ["frontend-id", "mac", "bridge", "ip"] { xen.store["backend/vif/8/0/\(key)"] = nil }
        xen.store["/local/domain/8/name"] = nil
        #expect(try xen.hook("offline", "type_if=vif", domain: 8).succeeded)
        xen.store.stop()
        #expect(try xen.hook("offline", "type_if=vif", domain: 8).succeeded)
        #expect(try xen.command.succeed("status", "--json").contains("vif8.0") == false)
    }

    @Test func `vifname names the port, and a name that is another's is not touched`() throws {
        let xen = try XenFixture()
        xen.store.add(domain: 7, name: "www", mac: XenFixture.mac(7), ip: "192.0.2.7")
        xen.store["backend/vif/7/0/vifname"] = "www0"
        xen.store["backend/vif/7/0/mtu"] = "1400"
        try xen.makePort("vif7.0")
        #expect(try xen.hook("online", "type_if=vif", domain: 7).succeeded)
        #expect(try xen.master(of: "www0") == "br0")
        #expect(try xen.link("www0").mtu == 1400)
        #expect(xen.store["/local/domain/7/device/vif/0/mtu"] == "1400")
        // A second guest that wants the name, and then goes: the first keeps its port.
        xen.store.add(domain: 8, name: "mail", mac: XenFixture.mac(8), ip: "192.0.2.8")
        xen.store["backend/vif/8/0/vifname"] = "www0"
        try xen.makePort("vif8.0")
        #expect(try xen.hook("online", "type_if=vif", domain: 8).errors.contains("another interface is already"))
        #expect(try xen.hook("offline", "type_if=vif", domain: 8).succeeded)
        xen.store["backend/vif/8/0/vifname"] = "up0"
        #expect(try xen.hook("offline", "type_if=vif", domain: 8).succeeded)
        // Nor is it bound in place of a port that isn't there.
        try xen.host.run { try Link.named("vif8.0").delete() }
        #expect(try xen.hook("online", "type_if=vif", domain: 8).errors.contains("up0 is an uplink of bridge br0"))
        xen.store["backend/vif/8/0/vifname"] = "mail0"
        #expect(try xen.hook("online", "type_if=vif", domain: 8).errors.contains("there is no interface vif8.0"))
        xen.store["backend/vif/8/0/vifname"] = "p-up0"
        #expect(try xen.hook("online", "type_if=vif", domain: 8).errors.contains("there is no interface vif8.0"))
        #expect(try xen.link("p-up0").isUp)
        // A second call for the first is fine.
        #expect(try xen.hook("online", "type_if=vif", domain: 7).succeeded)
        #expect(try xen.master(of: "www0") == "br0")
        #expect(try xen.master(of: "up0") == "br0")
        #expect(try xen.link("up0").isUp)
        #expect(try xen.hook("offline", "type_if=vif", domain: 7).succeeded)
        #expect(try xen.master(of: "www0") == nil)
    }

    @Test func `a guest's port isn't called as an uplink, which the policy would trust`() throws {
        let policy = XenFixture.policy.replacing("uplinks: [up0]", with: "uplinks: [up0, eth9]")
        let xen = try XenFixture(policy: policy)
        xen.store.add(domain: 7, name: "www", mac: XenFixture.mac(7), ip: "192.0.2.7")
        xen.store["backend/vif/7/0/vifname"] = "eth9"
        try xen.makePort("vif7.0")
        let refused = try xen.hook("online", "type_if=vif", domain: 7)
        #expect(refused.status == 1 && refused.errors.contains("eth9 is an uplink of bridge br0"), "\(refused)")
        #expect(try xen.link("vif7.0").bridge == nil && !xen.link("vif7.0").isUp)
        // One that was bound under that name before the policy named it so is trusted by nobody.
        let other = xen.command.folder.appending(path: "other.yaml").path
        try XenFixture.policy.write(toFile: other, atomically: true, encoding: .utf8)
        #expect(try xen.hook("online", "type_if=vif", domain: 7, policy: other).succeeded)
        let applied = try xen.command.run("apply")
        #expect(applied.status == 1 && applied.errors.contains("eth9 is an uplink by the"), "\(applied)")
        #expect(try xen.command.port("eth9").state == "bound")
    }

    @Test func `where the policy states a card, what its vif says of addresses isn't read`() throws {
        let xen = try XenFixture()
        xen.store.add(domain: 7, name: "listed.example.com", mac: XenFixture.mac(1), ip: "192.0.2.1 gw=192.0.2.254")
        try xen.configuration("a.cfg", "#ipv6=2001:db8::1\nname='listed.example.com'\n")
        try xen.configuration("b.cfg", "#ipv6=2001:db8::2\nname='listed.example.com'\n")
        try xen.makePort("vif7.0")
        #expect(try xen.hook("online", "type_if=vif", domain: 7).succeeded)
        #expect(try xen.command.port("vif7.0").binding?.addresses == ["192.0.2.1"] && xen.store["backend/vif/7/0/ipv6"] == nil)
    }

    @Test func `after a reboot the new port is the guest's while the old one is still there, and no other guest's`() throws {
        let xen = try XenFixture()
        try xen.bringUp(7, "www", mac: 7, ip: "192.0.2.7")
        xen.store.add(domain: 9, name: "thief", mac: XenFixture.mac(9), ip: "192.0.2.7")
        try xen.makePort("vif9.0")
        #expect(try xen.hook("online", "type_if=vif", domain: 9).errors.contains("192.0.2.7 is guest www's on vif7.0"))
        try xen.bringUp(8, "www", mac: 7, ip: "192.0.2.7")
        #expect(try xen.command.succeed("plan").contains("Nothing to do"))
        #expect(try xen.passing([arpRequest(from: 7, sender: [192, 0, 2, 9])], from: "vif8.0", honest: arpRequest(from: 7)) == [])
        try xen.host.run { try Link.named("vif7.0").delete() }
        #expect(try xen.hook("offline", "type_if=vif", domain: 7).succeeded)
        // Still nobody else's.
        #expect(try xen.hook("online", "type_if=vif", domain: 9).errors.contains("192.0.2.7 is guest www's on vif8.0"))
        _ = try xen.command.succeed("apply")
        #expect(try xen.host.output(of: ["bridge", "fdb", "show", "br", "br0"]).contains("\(XenFixture.mac(7)) dev vif8.0 sticky"))
    }

    @Test func `a guest that moves in is known by its own name, and its announcement passes`() throws {
        let xen = try XenFixture()
        try xen.bringUp(7, "listed.example.com--incoming", mac: 1, ip: nil)
        #expect(try xen.command.port("vif7.0").binding?.guest == "listed.example.com")
        let mac: [UInt8] = [2, 0, 0, 0, 0, 1]
        let announcement =
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] + mac + [0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3] + mac + [0, 0, 0, 0] + mac + [0, 0, 0, 0]
        #expect(try xen.passing([announcement], from: "vif7.0", honest: arpRequest(from: 1)) == [announcement])
    }

    @Test func `the operator's own hooks are run with what they know from vif-bridge, and one that fails refuses`() throws {
        let xen = try XenFixture()
        let folder = xen.xen.appending(path: "scripts/vif-post.d")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let seen = xen.xen.appending(path: "seen")
        let hook = folder.appending(path: "10-note.hook")
        try "#!/bin/sh\necho \"$command $type_if $dev $bridge $ip $XENBUS_PATH $EVIL\" >> '\(seen.path)'\n".write(
            to: hook, atomically: true, encoding: .utf8)
        try "#!/bin/sh\nexit 3\n".write(to: folder.appending(path: "20-not-executable.hook"), atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: hook.path)
        try xen.bringUp(7, "www", mac: 7, ip: "192.0.2.7")
        #expect(try String(contentsOf: seen, encoding: .utf8) == "online vif vif7.0 br0 192.0.2.7 backend/vif/7/0 \n")
        try "#!/bin/sh\nexit 3\n".write(to: hook, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: hook.path)
        let refused = try xen.hook("online", "type_if=vif", domain: 7)
        #expect(refused.status == 1 && refused.errors.contains("10-note.hook has failed: exit status 3"))
        #expect(try xen.master(of: "vif7.0") == nil)
    }

    @Test func `calls that mean nothing do nothing, and wrong ones say why`() throws {
        let xen = try XenFixture()
        xen.store.add(domain: 7, name: "www", mac: XenFixture.mac(7), ip: "192.0.2.7")
        try xen.makePort("vif7.0")
        for words in [("online", "type_if=tap"), ("add", "type_if=vif"), ("offline", "type_if=tap"), ("remove", "type_if=vif")] {
            #expect(try xen.hook(words.0, words.1, domain: 7).succeeded)
        }
        #expect(try xen.master(of: "vif7.0") == nil)
        #expect(xen.store.requests == 0)
        #expect(try xen.hook("dance", "type_if=vif", domain: 7).status == 1)
        #expect(try xen.hook("online", "type_if=vbd", domain: 7).errors.contains("type_if=vbd"))
    }
}

/// A guest that sends without pause.
private final class Flood: @unchecked Sendable {
    private let isOver = NSLock()
    private let done = DispatchSemaphore(value: 0)
    private var stopped = false
    private(set) var accepted = 0

    init(_ frames: [[UInt8]], into tap: Tap) {
        Thread.detachNewThread { [self] in
            while !isOver.withLock({ stopped }) || accepted == 0 {
                for frame in frames {
                    let count = frame.withUnsafeBytes { write(tap.descriptor, $0.baseAddress, $0.count) }
                    if count == frame.count { accepted += 1 }
                }
                usleep(200)
            }
            done.signal()
        }
    }

    func stop() {
        isOver.withLock { stopped = true }
        done.wait()
    }
}
