import Addresses
import CLinux
import Foundation
import Lab
import Netlink
import Testing

/// The scripts of Documentation/others.md, run as it says.
@Suite(.timeLimit(.minutes(5)))
struct ExampleTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Documentation/examples")
        .standardizedFileURL

    private func run(_ script: String, _ fixture: CommandFixture, _ arguments: String...) throws -> CommandResult {
        try fixture.host.execute(
            ["env", "VIFGUARD=\(CommandFixture.binary)", "VIFGUARD_POLICY=\(fixture.policy.path)", Self.folder.appending(path: script).path]
                + arguments,
            atMost: .seconds(60))
    }

    private func exists(_ port: String, _ fixture: CommandFixture) -> Bool {
        (try? fixture.host.run { try Link.named(port) }) != nil
    }

    /// An ARP announcement as a guest would make it: 42 bytes.
    private func announcement(mac: [UInt8], address: [UInt8]) -> [UInt8] {
        [UInt8](repeating: 0xff, count: 6) + mac + [0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1] + mac + address + [UInt8](repeating: 0, count: 6)
            + address
    }

    @Test func `a tap is bound before it joins, and a process speaks by it as its guest only`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        let mac: [UInt8] = [0x52, 0x54, 0, 0, 0, 7]
        let result = try run("guarded-tap", fixture, "up", "tap-www", "br0", "root", "www", "52:54:00:00:00:07", "192.0.2.7", "2001:db8::7")
        #expect(result.status == 0, "\(result)")
        let bound = try fixture.port("tap-www")
        #expect(bound.state == "bound" && bound.binding?.guest == "www")
        #expect(bound.binding.map { Set($0.addresses) } == ["192.0.2.7", "2001:db8::7"])
        let settings = try fixture.host.output(of: ["bridge", "-d", "link", "show", "dev", "tap-www"])
        #expect(settings.contains("master br0") && settings.contains("learning off") && settings.contains(" flood off"))
        let tap = try fixture.host.run { try Tap("tap-www") }
        for frame in [
            announcement(mac: mac, address: [192, 0, 2, 7]), announcement(mac: mac, address: [192, 0, 2, 1]),
            announcement(mac: [0x02, 0, 0, 0, 0, 1], address: [192, 0, 2, 7]),
        ] {
            #expect(write(tap.descriptor, frame, frame.count) == frame.count)
        }
        let port = try fixture.port("tap-www")
        #expect(port.sent.passed.packets == 1)
        #expect(port.sent.dropped.mapValues(\.packets) == ["arp-sender-ip": 1, "mac-source": 1])
        withExtendedLifetime(tap) {}
        #expect(try run("guarded-tap", fixture, "down", "tap-www").status == 0)
        #expect(!exists("tap-www", fixture))
        #expect(try !fixture.status().bridges.flatMap(\.ports).contains { $0.name == "tap-www" })
    }

    @Test func `a container's veth is bound, and speaks as its guest only`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        // Its namespace lives as long as a process in it.
        let container = try fixture.host.start(["unshare", "--net", "sleep", "infinity"])
        defer { _ = container.stop() }
        let process = container.processID
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        let host = try fixture.host.run { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/net") }
        let deadline = ContinuousClock.now + .seconds(30)
        func isThere() throws -> Bool {
            ![own, host].contains(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net"))
        }
        while try !isThere(), ContinuousClock.now < deadline { usleep(10_000) }
        let result = try run("guarded-veth", fixture, "up", "veth-www", "br0", "\(process)", "www", "52:54:00:00:00:07", "192.0.2.7")
        #expect(result.status == 0, "\(result)")
        #expect(try fixture.port("veth-www").binding?.addresses == ["192.0.2.7"])
        func within(_ words: [String]) throws -> CommandResult {
            try fixture.host.execute(["nsenter", "--net=/proc/\(process)/ns/net"] + words, atMost: .seconds(30))
        }
        for words in ["link set eth0 up", "addr add 192.0.2.7/24 dev eth0", "addr add 192.0.2.1/24 dev eth0"] {
            _ = try within(["ip"] + words.split(separator: " ").map(String.init))
        }
        // Nobody answers; it is what comes out of the port that counts.
        _ = try within(["arping", "-c", "1", "-w", "1", "-I", "eth0", "-s", "192.0.2.7", "192.0.2.254"])
        #expect(try fixture.port("veth-www").sent.passed.packets == 1)
        _ = try within(["arping", "-c", "1", "-w", "1", "-I", "eth0", "-s", "192.0.2.1", "192.0.2.254"])
        #expect(try fixture.port("veth-www").sent.dropped["arp-sender-ip"]?.packets == 1)
        #expect(try run("guarded-veth", fixture, "down", "veth-www").status == 0)
        #expect(!exists("veth-www", fixture))
    }

    @Test func `what can't be bound isn't plugged in`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        let refused = try run("guarded-tap", fixture, "up", "tap-www", "br0", "root", "www", "52:54:00:00:00:07", "192.0.2.254")
        #expect(refused.status != 0 && refused.errors.contains("192.0.2.254"), "\(refused)")
        #expect(!exists("tap-www", fixture))
        #expect(try run("guarded-tap", fixture, "up", "tap-www", "br0", "root").status == 2)
        #expect(try run("guarded-veth", fixture, "sideways", "veth-www").status == 2)
    }
}
