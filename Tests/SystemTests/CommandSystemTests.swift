import Addresses
import Datapath
import Foundation
import Lab
import Netlink
import Policy
import Testing

/// The command on a bridge that was made by hand.
@Suite(.timeLimit(.minutes(5)))
struct CommandSystemTests {
    private func spoof(_ fixture: CommandFixture) throws {
        // Guest 1 says in ARP that guest 2's address is its own.
        try FrameSender(on: "p-vif1.0", in: fixture.host).send(arpRequest(from: 1, sender: [192, 0, 2, 2]))
    }

    @Test func `apply guards the bridge, status says so, and again there is nothing to do`() throws {
        let fixture = try CommandFixture()
        let plan = try fixture.succeed("plan")
        #expect(plan.contains("vif1.0: bind to guest www.example.com") && plan.hasPrefix("load the programs into /sys/fs/bpf/vifguard\n"))
        #expect(try fixture.run("status").status == 1, "plan has loaded something")
        let applied = try fixture.succeed("apply")
        #expect(applied.contains("vif2.0: close"))
        #expect(try fixture.succeed("apply").contains("Nothing to do"))
        #expect(try fixture.succeed("plan").contains("Nothing to do"))

        let status = try fixture.status()
        #expect(status.isCurrent && status.stampBit == 30)
        #expect(try fixture.succeed("version").contains("programs \(status.program), "))
        let bridge = try #require(status.bridges.first)
        #expect(bridge.name == "br0" && bridge.unguarded.isEmpty)
        #expect(
            Set(bridge.ports.map { "\($0.name) \($0.kind) \($0.state)" }) == [
                "br0 bridge trusted", "up0 uplink trusted", "vif1.0 guest bound", "vif2.0 guest closed",
            ])
        let port = try fixture.port("vif1.0")
        #expect(port.binding?.guest == "www.example.com" && port.binding?.origin == "policy" && port.mode == "enforce")
        #expect(port.binding?.macs == ["02:00:00:00:00:01"] && port.binding?.addresses == ["192.0.2.1"])
        #expect(port.ingress != nil && port.egress != nil)
        let shown = try fixture.run("status")
        #expect(shown.output.contains("www.example.com") && shown.output.contains("CLOSED"))
        #expect(shown.errors.isEmpty)
        for line in shown.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }

    @Test func `a spoofed frame is counted, and told once to one reader`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        _ = try fixture.succeed("events")
        let before = try fixture.port("vif1.0").sent.dropped["arp-sender-ip"]?.packets ?? 0
        try spoof(fixture)
        #expect(try fixture.port("vif1.0").sent.dropped["arp-sender-ip"]?.packets == before + 1)
        #expect(try fixture.succeed("status", "vif1.0").contains("dropped: arp-sender-ip"))

        let lines = try fixture.succeed("events", "--json", "--reason", "arp-sender-ip").split(separator: "\n")
        let event = try #require(try lines.first.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) } as? [String: Any])
        #expect(lines.count == 1)
        #expect(event["port"] as? String == "vif1.0" && event["bridge"] as? String == "br0")
        #expect(event["guest"] as? String == "www.example.com" && event["direction"] as? String == "from-guest")
        #expect(event["verdict"] as? String == "drop" && event["length"] as? Int == 42)
        #expect((event["summary"] as? String)?.contains("192.0.2.2") == true)
        #expect(try fixture.succeed("events") == "")
    }

    @Test func `events goes on as they come, and only with those that are asked for`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        let follower = try fixture.start("events", "--follow", "--guest", "www.example.com")
        try spoof(fixture)
        for _ in 0..<1000 where follower.outputSoFar.isEmpty { usleep(10_000) }
        let line = follower.stop().output
        #expect(line.contains("vif1.0 (www.example.com) from-guest arp-sender-ip: 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff"), "\(line)")
    }

    @Test func `attach binds a closed port, apply leaves it alone, detach closes it`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        let attached = try fixture.succeed(
            "attach", "vif2.0", "--bridge", "br0", "--mac", "02:00:00:00:00:02", "--address", "192.0.2.2", "--guest", "mail")
        #expect(attached.contains("bind to guest mail"))
        let port = try fixture.port("vif2.0")
        #expect(port.state == "bound" && port.binding?.guest == "mail" && port.binding?.origin == "manual")
        _ = try fixture.succeed("apply")
        #expect(try fixture.port("vif2.0").state == "bound")
        _ = try fixture.succeed("detach", "vif2.0")
        #expect(try fixture.port("vif2.0").state == "closed")
    }

    @Test func `attach doesn't guess whether a bridge isolates its guests`() throws {
        let fixture = try CommandFixture(
            policy: CommandFixture.soundPolicy.replacingOccurrences(of: "uplinks:", with: "isolated: true\n    uplinks:"))
        _ = try fixture.succeed("apply")
        func isIsolated() throws -> Bool {
            try fixture.host.output(of: ["bridge", "-d", "link", "show", "dev", "vif1.0"]).contains("isolated on")
        }
        #expect(try isIsolated())
        let binding = ["--bridge", "br0", "--mac", "02:00:00:00:00:01", "--address", "192.0.2.1", "--guest", "www.example.com"]
        let attach = [CommandFixture.binary, "attach", "vif1.0"] + binding
        // No policy at all, and one that knows nothing of the bridge.
        for policy in ["/nowhere", try fixture.file("bridges: {br7: {}}\n").path] {
            let refused = try fixture.host.execute(attach + ["--policy", policy])
            #expect(refused.status == 1 && refused.output.isEmpty, "\(refused)")
            #expect(try isIsolated())
        }
        #expect(try fixture.host.execute(attach + ["--policy", fixture.policy.path]).succeeded)
        #expect(try isIsolated())
    }

    @Test func `events end with their reader`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        let pipe = try fixture.host.start(["sh", "-c", "\"$0\" events --follow --state \"$1\" | head -n 1", CommandFixture.binary, fixture.state])
        // One event, which waits in the ring for its reader. Then head goes, and nothing more happens.
        try spoof(fixture)
        #expect(try pipe.wait(atMost: .seconds(60)).succeeded)
    }

    @Test func `apply moves to new maps where another version's have another layout`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        _ = try fixture.succeed("attach", "vif2.0", "--bridge", "br0", "--mac", "02:00:00:00:00:02", "--address", "192.0.2.2")
        try fixture.host.run { try DatapathFixture.changeLayout(of: PinFolder()) }
        let refused = try fixture.run("status")
        #expect(refused.status == 1 && refused.errors.contains("'vifguard apply'"), "\(refused)")
        let applied = try fixture.run("apply")
        #expect(applied.status == 0 && applied.errors.contains("another version's"), "\(applied)")
        #expect(try fixture.port("vif1.0").binding?.guest == "www.example.com")
        #expect(try fixture.port("vif2.0").state == "closed")
        for port in try fixture.status().bridges[0].ports { #expect(port.ingress != nil && port.egress != nil, "\(port.name)") }
        try spoof(fixture)
        #expect(try fixture.port("vif1.0").sent.dropped["arp-sender-ip"]?.packets == 1)
    }

    @Test func `apply moves to larger maps where the policy asks for more room, and to smaller ones never`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        _ = try fixture.succeed("attach", "vif2.0", "--bridge", "br0", "--mac", "02:00:00:00:00:02", "--address", "192.0.2.2")
        #expect(try fixture.status().maximumPorts == 4096)
        try fixture.write("max-ports: 8192\n" + CommandFixture.soundPolicy)
        #expect(try fixture.succeed("plan").contains("maps for 4096 ports to maps for 8192"))
        let applied = try fixture.run("apply")
        #expect(applied.status == 0 && applied.errors.contains("max-ports"), "\(applied)")
        #expect(try fixture.status().maximumPorts == 8192)
        #expect(try fixture.port("vif1.0").binding?.guest == "www.example.com")
        #expect(try fixture.port("vif2.0").binding?.addresses == ["192.0.2.2"])
        for port in try fixture.status().bridges[0].ports { #expect(port.ingress != nil && port.egress != nil, "\(port.name)") }
        try spoof(fixture)
        #expect(try fixture.port("vif1.0").sent.dropped["arp-sender-ip"]?.packets == 1)
        try fixture.write("max-ports: 1024\n" + CommandFixture.soundPolicy)
        let again = try fixture.run("apply")
        #expect(again.status == 0 && again.errors.isEmpty && again.output.contains("Nothing to do"), "\(again)")
        #expect(try fixture.status().maximumPorts == 8192)
        #expect(try fixture.port("vif1.0").sent.dropped["arp-sender-ip"]?.packets == 1)
    }

    @Test func `what DHCP has given outlives a move to new maps, as long as the policy lets it`() throws {
        let fixture = try CommandFixture(policy: CommandFixture.soundPolicy.replacingOccurrences(of: "[192.0.2.1]", with: "[192.0.2.1, dhcp]"))
        _ = try fixture.succeed("apply")
        _ = try fixture.succeed("attach", "vif2.0", "--bridge", "br0", "--mac", "02:00:00:00:00:02", "--address", "dhcp")
        let kept: [IPPrefix] = ["192.0.2.77", "2001:db8:1::/56"].map { IPPrefix($0)! }
        try fixture.host.run {
            let bridge = try Link.named("br0").index
            func lease(_ prefix: IPPrefix, _ guest: UInt8 = 1, until expiry: UInt64 = .max) throws -> Lease {
                Lease(
                    bridge: bridge, port: try Link.named("vif\(guest).0").index, mac: MACAddress(2, 0, 0, 0, 0, guest), prefix: prefix,
                    expiry: expiry, server: IPAddress("192.0.2.254")!)
            }
            try Datapath.open().enter(
                kept.map { try lease($0) } + [lease(IPPrefix("192.0.2.78")!, until: 1), lease(IPPrefix("192.0.2.79")!, 2)])
            try DatapathFixture.changeLayout(of: PinFolder())
        }
        _ = try fixture.succeed("apply")
        let guests = try fixture.host.run {
            let datapath = try Datapath.open()
            #expect(try datapath.leases().map(\.prefix) == kept)
            #expect(try datapath.owners(bridge: Link.named("br0").index).addresses4[IPv4Address(192, 0, 2, 79)] == nil)
            return try datapath.ports().filter { $0.kind == .guest }
        }
        let bound = try #require(guests.first { $0.port.name == "vif1.0" })
        #expect(bound.binding?.addresses4 == ["192.0.2.1", "192.0.2.77"].map { IPv4Prefix($0)! })
        #expect(bound.binding?.addresses6 == [IPv6Prefix("2001:db8:1::/56")!] && bound.leases.map(\.prefix) == kept)
        #expect(guests.first { $0.port.name == "vif2.0" }?.binding == nil)
        // The guest speaks as what it was leased, and not as what it isn't any more.
        let sender = try FrameSender(on: "p-vif1.0", in: fixture.host)
        for number in [77, 78] as [UInt8] { try sender.send(arpRequest(from: 1, sender: [192, 0, 2, number])) }
        let sent = try fixture.port("vif1.0").sent
        #expect(sent.dropped["arp-sender-ip"]?.packets == 1 && sent.passed.packets == 1)
        #expect(try fixture.succeed("apply").contains("Nothing to do"))
    }

    @Test func `attach refuses what is another's, and leaves the port as it was`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        for (address, why) in [("192.0.2.1", "www.example.com"), ("192.0.2.254", "reserved")] {
            let refused = try fixture.run("attach", "vif2.0", "--bridge", "br0", "--mac", "02:00:00:00:00:02", "--address", address)
            #expect(refused.status == 1 && refused.errors.contains(why), "\(refused)")
        }
        #expect(try fixture.port("vif2.0").state == "closed")
    }

    @Test func `a policy with an error changes nothing`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        let before = try fixture.succeed("status", "--json")
        try fixture.write(CommandFixture.soundPolicy.replacingOccurrences(of: "192.0.2.1]", with: "192.0.2.254]"))
        let refused = try fixture.run("apply")
        #expect(refused.status == 1 && refused.output.isEmpty && refused.errors.contains("policy.yaml:9:"), "\(refused)")
        #expect(try fixture.succeed("status", "--json") == before)
    }

    @Test func `who may not is told who may`() throws {
        let fixture = try CommandFixture()
        _ = try fixture.succeed("apply")
        let copy = try PublicCopy(of: CommandFixture.binary)
        for arguments in [["apply", "--policy", fixture.policy.path], ["status"], ["events", "--state", fixture.state], ["uninstall", "--yes"]] {
            let command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", copy.path]
            let refused = try fixture.host.execute(command + arguments)
            #expect(refused.status == 1 && refused.output.isEmpty, "\(arguments): \(refused)")
            #expect(refused.errors.contains("run as root"), "\(arguments): \(refused)")
        }
    }

    /// How the bridge treats its ports, and what it forwards where: all but the ports' state of the moment.
    private func settings(_ fixture: CommandFixture) throws -> [String] {
        let ports = try JSONOutput(["bridge", "-d", "-j", "link", "show"], in: fixture.host).objects.map { port in
            port.filter { !["flags", "state"].contains($0.key) }.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
        }
        let entries = try fixture.host.output(of: ["bridge", "fdb", "show", "br", "br0"]).split(separator: "\n")
        return ports + entries.filter { $0.contains("static") }.map(String.init)
    }

    @Test func `uninstall leaves no trace`() throws {
        let fixture = try CommandFixture()
        let before = try settings(fixture)
        _ = try fixture.succeed("apply")
        #expect(try settings(fixture) != before)
        #expect(try fixture.host.execute(["ls", "/sys/fs/bpf/vifguard"]).succeeded)
        let uninstalled = try fixture.run("uninstall")
        #expect(uninstalled.succeeded && uninstalled.errors.isEmpty, "\(uninstalled)")
        #expect(try settings(fixture) == before)
        #expect(try !fixture.host.execute(["ls", "/sys/fs/bpf/vifguard"]).succeeded)
        #expect(try fixture.run("status").errors.contains("vifguard apply"))
        #expect(try fixture.succeed("uninstall").contains("Nothing to do"))
    }
}

/// The binary where everybody may read it: a build folder may lie in a home that is root's alone.
final class PublicCopy {
    let path: String

    init(of binary: String) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "vifguard-\(UUID().uuidString)").path
        try FileManager.default.copyItem(atPath: binary, toPath: path)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
