import Foundation
import Glibc
import Lab
import Testing

/// The commands under `engine: classic`, as an operator calls them.
@Suite(.timeLimit(.minutes(5)))
struct ClassicCommandTests {
    private static let policy = "engine: classic\n" + CommandFixture.soundPolicy

    /// Fixtures whose iptables has a lock of its own.
    private func fixture(_ policy: String = policy) throws -> CommandFixture {
        let fixture = try CommandFixture(policy: policy)
        try fixture.host.run { try #require(mount("tmpfs", "/run", "tmpfs", 0, nil) == 0) }
        return fixture
    }

    private func run(_ words: String..., in fixture: CommandFixture) throws -> CommandResult {
        try fixture.host.execute([CommandFixture.binary] + words + ["--policy", fixture.policy.path], atMost: .seconds(60))
    }

    @Test func `from plan to uninstall`() throws {
        let fixture = try fixture()
        #expect(try run("status", in: fixture).output.hasPrefix("The classic engine isn't in force"))
        let planned = try run("plan", in: fixture)
        #expect(planned.succeeded && planned.output.hasPrefix("iptables  -P FORWARD DROP\n") && planned.output.contains("15 steps"), "\(planned)")
        let applied = try run("apply", in: fixture)
        #expect(applied.succeeded && applied.output.hasSuffix("15 steps done.\n"), "\(applied)")
        #expect(applied.output.split(separator: "\n").dropLast() == planned.output.split(separator: "\n").dropLast())
        // What isn't stopped is told.
        #expect(applied.said.contains("the classic engine doesn't stop"))
        #expect(try run("apply", in: fixture).output == "Nothing to do: the host matches the policy.\n")
        #expect(try run("plan", in: fixture).output == "Nothing to do: the host matches the policy.\n")

        let attached = try run("attach", "vif2.0", "--bridge", "br0", "--mac", "02:00:00:00:00:02", "--address", "192.0.2.2", in: fixture)
        #expect(attached.succeeded && attached.output.hasSuffix("7 steps done.\n"), "\(attached)")
        struct Status: Decodable {
            struct Port: Decodable {
                var port: String
                var addresses: [String]
                var macs: [String]
                var uplinks: [String]
                var rules: Int
                var attached: Bool
            }
            var engine: String
            var guarding: Bool
            var gaps: [String]
            var ports: [Port]
        }
        let status = try JSONDecoder().decode(Status.self, from: Data(try run("status", "--json", in: fixture).output.utf8))
        #expect(status.engine == "classic" && status.guarding && status.gaps.isEmpty && status.ports.map(\.port) == ["vif1.0", "vif2.0"])
        #expect(status.ports.map(\.addresses) == [["192.0.2.1"], ["192.0.2.2"]] && status.ports.map(\.attached) == [false, true])
        #expect(status.ports.allSatisfy { $0.rules == 6 && $0.uplinks == ["up0"] && $0.macs.count == 1 })
        let text = try run("status", in: fixture).output
        #expect(text.hasPrefix("The classic engine is in force.\n") && text.split(separator: "\n").allSatisfy { $0.count <= 80 })
        #expect(try run("status", "vif9.0", in: fixture).status == 1)
        #expect(try run("doctor", in: fixture).succeeded)

        #expect(try run("detach", "vif2.0", in: fixture).output.hasSuffix("7 steps done.\n"))
        #expect(try run("detach", "vif2.0", in: fixture).output == "Nothing to do: vif2.0 has no rules.\n")
        let uninstalled = try run("uninstall", "--yes", in: fixture)
        #expect(uninstalled.succeeded && uninstalled.output.hasSuffix("9 steps done.\n"), "\(uninstalled)")
        #expect(try run("uninstall", "--yes", in: fixture).output == "Nothing to do: nothing is installed.\n")
    }

    @Test func `what keeps the chains from being shut is told, and no guest is let in meanwhile`() throws {
        let fixture = try fixture()
        #expect(try run("apply", in: fixture).succeeded)
        for command in ["iptables -I FORWARD -j ACCEPT", "ip6tables -P FORWARD ACCEPT", "sysctl -q -w net.bridge.bridge-nf-call-arptables=0"] {
            _ = try fixture.host.output(of: command.split(separator: " ").map(String.init))
        }
        let status = try run("status", in: fixture).output
        for gap in ["iptables has a rule that isn't the engine's", "ip6tables has the policy ACCEPT", "net.bridge.bridge-nf-call-arptables is 0"] {
            #expect(status.contains(gap), "\(status)")
        }
        let doctor = try run("doctor", in: fixture)
        #expect(doctor.status == 1 && doctor.output.contains("classic-gap"), "\(doctor)")
        let refused = try run("attach", "vif2.0", "--bridge", "br0", "--mac", "02:00:00:00:00:02", "--address", "192.0.2.2", in: fixture)
        #expect(refused.status == 1 && refused.said.contains("'vifguard apply' first"))
        #expect(try run("apply", in: fixture).succeeded)
        #expect(try run("status", in: fixture).output.hasPrefix("The classic engine is in force.\n"))
        #expect(try run("doctor", in: fixture).succeeded)
    }

    @Test func `what is missing is named, and nothing is changed`() throws {
        // Each in a namespace that has lost it.
        for (command, advice) in [
            ("touch /run/none && mount --bind /run/none \"$(readlink -f /usr/sbin/arptables-legacy)\"", "install the package arptables"),
            ("touch /run/none && mount --bind /run/none \"$(readlink -f /usr/sbin/iptables)\"", "install the package iptables"),
            ("mkdir /run/empty && mount --bind /run/empty /proc/sys/net/bridge", "modprobe br_netfilter"),
        ] {
            let fixture = try fixture()
            _ = try fixture.host.output(of: ["sh", "-e", "-c", command])
            let applied = try run("apply", in: fixture)
            #expect(applied.status == 1 && applied.output.isEmpty && applied.said.contains(advice), "\(applied)")
            if let forward = try? fixture.host.output(of: ["ip6tables", "-S", "FORWARD"]) { #expect(forward == "-P FORWARD ACCEPT\n") }
        }
    }

    @Test func `one engine at a time`() throws {
        let fixture = try fixture(CommandFixture.soundPolicy)
        #expect(try run("apply", in: fixture).succeeded)
        try fixture.write(Self.policy)
        let both = try run("apply", in: fixture)
        #expect(both.status == 1 && both.said.contains("vifguard uninstall --engine ebpf"), "\(both)")
        #expect(try fixture.host.output(of: ["iptables", "-S", "FORWARD"]) == "-P FORWARD ACCEPT\n")
        #expect(try run("uninstall", "--yes", "--engine", "ebpf", in: fixture).succeeded)
        #expect(try run("apply", in: fixture).succeeded)
        // The other way round it is told, and done.
        try fixture.write(CommandFixture.soundPolicy)
        let back = try run("apply", in: fixture)
        #expect(back.succeeded && back.said.contains("vifguard uninstall --engine classic"), "\(back)")
        #expect(try run("uninstall", "--yes", "--engine", "classic", in: fixture).succeeded)
        #expect(try run("apply", in: fixture).errors.isEmpty)
    }

    @Test func `who isn't root holds nobody up, and nothing is left of the lock`() throws {
        let fixture = try fixture()
        // Anybody can open this, and so lock it.
        let held = try fixture.host.run {
            let descriptor = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
            try #require(descriptor >= 0 && flock(descriptor, LOCK_EX) == 0)
            return descriptor
        }
        defer { close(held) }
        #expect(try run("apply", in: fixture).succeeded)
        #expect(try fixture.host.output(of: ["find", "/run", "-name", "vifguard-*"]).isEmpty)
    }

    @Test func `the agent says that it isn't for it, and a detach works with a policy that has errors`() throws {
        let fixture = try fixture()
        let agent = try run("agent", "--state", fixture.state, in: fixture)
        #expect(agent.status == 1 && agent.said.contains("no agent watches over"), "\(agent)")
        #expect(try run("apply", in: fixture).succeeded)
        try fixture.write(Self.policy.replacing("192.0.2.1]", with: "192.0.2.300]"))
        let refused = try run("apply", in: fixture)
        #expect(refused.status == 1 && refused.said.contains("stays as it is"))
        #expect(try run("detach", "vif1.0", in: fixture).succeeded)
        #expect(try fixture.host.output(of: ["iptables", "-S", "FORWARD"]) == "-P FORWARD DROP\n")
    }
}

extension CommandResult {
    /// What it said, without its lines' ends.
    fileprivate var said: String { errors.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
