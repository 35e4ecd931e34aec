import Foundation
import Lab
import Netlink
import Testing

/// The agent on a bridge that was made by hand.
@Suite(.timeLimit(.minutes(5)))
struct AgentTests {
    @Test func `it guards the bridge, and a port that joins is closed or bound by itself`() throws {
        let agent = try AgentFixture()
        try agent.start()
        #expect(try agent.state(of: "vif1.0") == "bound")
        #expect(try agent.state(of: "up0") == "trusted")
        // Nobody knows it.
        try agent.plug("vif9.0")
        try agent.eventually("vif9.0 is closed") { try agent.state(of: "vif9.0") == "closed" }
        // By its name.
        try agent.plug("vif4.0")
        try agent.eventually("vif4.0 is bound") { try agent.state(of: "vif4.0") == "bound" }
        #expect(try agent.fixture.port("vif4.0").binding?.guest == "late.example.com")
        // By its MAC: a tap as libvirt makes it.
        try agent.plug("vnet7", mac: "fe:00:00:00:00:03")
        try agent.eventually("vnet7 is bound") { try agent.state(of: "vnet7") == "bound" }
        #expect(try agent.fixture.port("vnet7").binding?.addresses == ["192.0.2.3"])
        // Each at once, without a look at the whole host.
        #expect(agent.log.contains("vif9.0: closed, it has joined br0"))
        for port in ["vif4.0", "vnet7"] { #expect(agent.log.contains("why=\"\(port) joined br0\""), "\(agent.log)") }
        try agent.eventually("the bridge forwards to it alone") {
            let entries = try agent.host.output(of: ["bridge", "fdb", "show", "dev", "vnet7"])
            let settings = try agent.host.output(of: ["bridge", "-d", "link", "show", "dev", "vnet7"])
            return entries.contains("02:00:00:00:00:03") && settings.contains("learning off") && settings.contains("flood off")
        }
        #expect(try agent.fixture.succeed("plan").contains("Nothing to do"))
    }

    @Test func `of a port that leaves nothing stays, and its guest's addresses stay its own`() throws {
        let agent = try AgentFixture()
        try agent.plug("vif4.0")
        try agent.start()
        #expect(try agent.state(of: "vif4.0") == "bound")
        let index = try agent.host.run { try Link.named("vif4.0").index }
        try agent.host.run { try Link.named("vif4.0").change(.noMaster) }
        try agent.eventually("vif4.0 is let go of") { try agent.state(of: "vif4.0") == nil }
        #expect(try !agent.links().keys.contains { $0.hasPrefix("\(index)-") })
        let bridge = try agent.host.run { try Link.named("br0").index }
        try agent.host.run { try Link.named("vif4.0").change(.master(bridge)) }
        try agent.eventually("vif4.0 is bound again") { try agent.state(of: "vif4.0") == "bound" }
        try agent.unplug("vif4.0")
        try agent.eventually("vif4.0 is forgotten") { try agent.state(of: "vif4.0") == nil }
        #expect(try !agent.links().keys.contains { $0.hasPrefix("\(index)-") })
        // Nobody else gets them meanwhile.
        try FrameSender(on: "p-vif1.0", in: agent.host).send(arpRequest(from: 1, sender: [192, 0, 2, 4]))
        #expect(try agent.fixture.port("vif1.0").sent.dropped["arp-sender-ip"]?.packets == 1)
    }

    @Test func `a binding that a script made is left alone`() throws {
        let agent = try AgentFixture()
        try agent.start()
        try agent.plug("vif9.0")
        try agent.eventually("vif9.0 is closed") { try agent.state(of: "vif9.0") == "closed" }
        let attach = ["attach", "vif9.0", "--bridge", "br0", "--mac", "02:00:00:00:00:09", "--address", "192.0.2.9"]
        _ = try agent.fixture.succeed(attach[0], attach[1], attach[2], attach[3], attach[4], attach[5], attach[6], attach[7])
        agent.agent?.signal(SIGHUP)
        try agent.eventually("a whole run after SIGHUP") {
            agent.log.contains("SIGHUP") && agent.log.components(separatedBy: "policy read").count == 3
        }
        #expect(try agent.fixture.port("vif9.0").binding?.origin == "manual")
        // Bound before it joins, as a hot-plug script does: the agent finds nothing to close.
        try agent.host.run { try Link.create("vif8.0", .veth(peer: "p-vif8.0")) }
        _ = try agent.fixture.succeed("attach", "vif8.0", "--bridge", "br0", "--mac", "02:00:00:00:00:08", "--address", "192.0.2.8")
        let bridge = try agent.host.run { try Link.named("br0").index }
        try agent.host.run { try Link.named("vif8.0").change(.master(bridge), .up) }
        try agent.eventually("its flags are set") {
            try agent.host.output(of: ["bridge", "-d", "link", "show", "dev", "vif8.0"]).contains("learning off")
        }
        #expect(try agent.fixture.port("vif8.0").binding?.origin == "manual")
        #expect(!agent.log.contains("vif8.0: closed"))
    }

    @Test func `what another program changes is put right, and told`() throws {
        let agent = try AgentFixture()
        try agent.start(interval: 1)
        let port = try agent.host.run { try Link.named("vif1.0").index }
        let changes = [
            ["bridge", "link", "set", "dev", "vif1.0", "learning", "on", "flood", "on"],
            ["bridge", "fdb", "del", "02:00:00:00:00:01", "dev", "vif1.0", "master"],
            ["rm", "/sys/fs/bpf/vifguard/links/\(port)-in"],
        ]
        for change in changes {
            let told = agent.log.components(separatedBy: "drift put right: vif1.0").count
            #expect(try agent.host.execute(change).succeeded, "\(change)")
            try agent.eventually("\(change) is put right") {
                try agent.log.components(separatedBy: "drift put right: vif1.0").count > told
                    && agent.fixture.succeed("plan").contains("Nothing to do")
            }
        }
        #expect(agent.log.contains("why=\"somebody changed port vif1.0\""), "\(agent.log)")
        #expect(try agent.fixture.port("vif1.0").ingress != nil)
    }

    @Test func `the policy is read when it changes, and one with a mistake changes nothing`() throws {
        let agent = try AgentFixture()
        try agent.start()
        try agent.fixture.write(AgentFixture.policy.replacingOccurrences(of: "192.0.2.1]", with: "192.0.2.1, 192.0.2.11]"))
        try agent.eventually("the new address is bound") { try agent.fixture.port("vif1.0").binding?.addresses == ["192.0.2.1", "192.0.2.11"] }
        try agent.fixture.write(AgentFixture.policy.replacingOccurrences(of: "192.0.2.1]", with: "192.0.2.254]"))
        try agent.eventually("the mistake is told") { agent.log.contains("the policy isn't taken") }
        #expect(agent.log.contains("policy.yaml:9:"))
        #expect(try agent.fixture.port("vif1.0").binding?.addresses == ["192.0.2.1", "192.0.2.11"])
        try agent.fixture.write(AgentFixture.policy)
        try agent.eventually("the old one is back") { try agent.fixture.port("vif1.0").binding?.addresses == ["192.0.2.1"] }
    }

    @Test func `more room for ports is made under it, by itself and by another, and it goes on`() throws {
        let agent = try AgentFixture()
        try agent.start()
        func recorded() throws -> Bool { try agent.fixture.succeed("events", "--json").contains("arp-sender-ip") }
        try agent.fixture.write("max-ports: 8192\n" + AgentFixture.policy)
        try agent.eventually("larger maps are in force") { try agent.fixture.status().maximumPorts == 8192 }
        #expect(try agent.state(of: "vif1.0") == "bound")
        try agent.eventually("it is told") { agent.log.contains("max-ports: counters start anew") }
        try FrameSender(on: "p-vif1.0", in: agent.host).send(arpRequest(from: 1, sender: [192, 0, 2, 4]))
        try agent.eventually("what is dropped is recorded") { try recorded() }
        try agent.plug("vif4.0")
        try agent.eventually("vif4.0 is bound") { try agent.state(of: "vif4.0") == "bound" }
        // Both see the policy at the same time.
        try agent.fixture.write("max-ports: 16384\n" + AgentFixture.policy)
        _ = try agent.fixture.succeed("apply")
        #expect(try agent.fixture.status().maximumPorts == 16384)
        try agent.plug("vif9.0")
        try agent.eventually("vif9.0 is closed") { try agent.state(of: "vif9.0") == "closed" }
        try agent.eventually("all is as the policy says") { try agent.fixture.succeed("plan").contains("Nothing to do") }
        #expect(try agent.state(of: "vif4.0") == "bound")
    }

    @Test func `without a policy it waits for one, and a bridge is guarded when it comes`() throws {
        let agent = try AgentFixture()
        try FileManager.default.removeItem(at: agent.fixture.policy)
        try agent.start()
        #expect(try agent.fixture.run("status").status == 1)
        try agent.fixture.write(
            AgentFixture.policy.replacingOccurrences(of: "guests:", with: "  br1: {}\nguests:"))
        try agent.eventually("br0 is guarded") { try agent.fixture.run("status").output.contains("www.example.com") }
        try agent.host.run { try Link.create("br1", .bridge, .up) }
        try agent.eventually("br1 is guarded") { try agent.fixture.run("status").output.contains("bridge br1") }
    }

    @Test func `an uplink that comes back stays an uplink, though no policy can be read`() throws {
        let agent = try AgentFixture()
        _ = try agent.fixture.succeed("apply")
        let links = try agent.links()
        try agent.fixture.write("bridges: [nonsense\n")
        try agent.start()
        let bridge = try agent.host.run { try Link.named("br0").index }
        try agent.host.run {
            try Link.named("up0").change(.noMaster)
            try Link.named("up0").change(.master(bridge))
        }
        // Who comes next is unknown, and shut: by then the uplink has been looked at.
        try agent.plug("vif9.0")
        try agent.eventually("vif9.0 is closed") { try agent.state(of: "vif9.0") == "closed" }
        #expect(try agent.state(of: "up0") == "trusted")
        #expect(try agent.links().filter { links[$0.key] != nil } == links)
    }

    @Test func `it ends when it is told to, and the guard stays`() throws {
        let agent = try AgentFixture()
        try agent.start()
        let before = try agent.links()
        agent.agent?.signal(SIGTERM)
        let result = try #require(try agent.agent?.wait(atMost: .seconds(20)))
        #expect(result.status == 0 && result.errors.contains("the guard stays in force"), "\(result)")
        #expect(try agent.links() == before && !before.isEmpty)
        try FrameSender(on: "p-vif1.0", in: agent.host).send(arpRequest(from: 1, sender: [192, 0, 2, 2]))
        #expect(try agent.fixture.port("vif1.0").sent.dropped["arp-sender-ip"]?.packets == 1)
    }

    @Test func `a storm of five hundred ports ends with every one right`() throws {
        let agent = try AgentFixture()
        try agent.start()
        let bridge = try agent.host.run { try Link.named("br0").index }
        let names = (0..<500).map { "s\($0)" }
        // Those that come and go have their far ends in a namespace that goes with all of them at once.
        for round in ["a", "b"] {
            let crowd = try NetworkNamespace("crowd")
            let made = names.map { Link.request(creating: round + $0, .veth(peer: $0, namespace: crowd.descriptor), [.up, .master(bridge)]) }
            #expect(try agent.host.run { try NetlinkSocket().performAll(made).allSatisfy { $0 == nil } })
        }
        // Half of them stay, and one that is known is among them.
        let crowd = try NetworkNamespace("crowd")
        let made = names.prefix(250).map { Link.request(creating: $0 + "-", .veth(peer: $0, namespace: crowd.descriptor), [.up, .master(bridge)]) }
        try agent.plug("vif4.0")
        #expect(try agent.host.run { try NetlinkSocket().performAll(made).allSatisfy { $0 == nil } })
        try agent.eventually("every port is right") {
            let bridge = try #require(try agent.fixture.status().bridges.first)
            let closed = bridge.ports.filter { $0.state == "closed" && $0.ingress != nil && $0.egress != nil }.map(\.name)
            return bridge.unguarded.isEmpty && Set(closed) == Set(names.prefix(250).map { $0 + "-" })
                && bridge.ports.contains { $0.name == "vif4.0" && $0.state == "bound" }
        }
        try agent.eventually("nothing is left to do") { try agent.fixture.succeed("plan").contains("Nothing to do") }
        // Two links a port; br0, up0, vif1.0, vif2.0, vif4.0 besides.
        #expect(try agent.links().count == 2 * (250 + 5))
    }
}
