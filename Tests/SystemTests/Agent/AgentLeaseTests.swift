import Addresses
import Datapath
import Enforcement
import Foundation
import Lab
import Netlink
import Policy
import Testing

/// A guest by DHCP under an agent: a real server, a real client, a real agent that is killed.
@Suite(.timeLimit(.minutes(5)))
struct AgentLeaseTests {
    private static let policy = """
        bridges:
          br0: {uplinks: [uplink], gateways: [192.0.2.254], subnets: [192.0.2.0/24]}
        guests:
          leased.example.com:
            interfaces: [{port: vif1.0, bridge: br0, mac: "00:16:3e:00:00:01", addresses: [dhcp]}]

        """

    @Test func `a lease is bound at once, and stays over the agent's death and another apply`() throws {
        let network = try BridgedNetwork(guests: [MACAddress(0x00, 0x16, 0x3e, 0, 0, 1)])
        let folder = URL.temporaryDirectory.appending(path: "vifguard-agent-lease-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let policy = folder.appending(path: "policy.yaml").path
        try Self.policy.write(toFile: policy, atomically: true, encoding: .utf8)
        try network.outside.add(.v4(IPv4Address(192, 0, 2, 254)), prefixLength: 24)
        let agent = [
            "setpriv", "--pdeathsig", "KILL", CommandFixture.binary, "agent", "--policy", policy, "--state", folder.path, "--run",
            folder.appending(path: "run").path,
        ]
        func start() throws -> RunningCommand {
            let running = try network.host.start(agent)
            try eventually { running.errorsSoFar.contains("the agent watches over the host") }
            return running
        }
        func status() throws -> String { try network.host.output(of: [CommandFixture.binary, "status", "vif1.0"], atMost: .seconds(60)) }
        var running = try start()
        let server = try network.outside.namespace.start([
            "setpriv", "--pdeathsig", "KILL", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root",
            "--interface=eth0", "--no-ping", "--dhcp-authoritative", "--dhcp-leasefile=\(folder.appending(path: "leases").path)", "--pid-file=",
            "--dhcp-range=192.0.2.100,192.0.2.100,10m",
        ])
        defer { server.stop() }
        let guest = network.guests[0]
        let client = ["udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "20", "-T", "1", "-s", "/bin/true"]
        #expect(try guest.namespace.execute(client, atMost: .seconds(60)).succeeded)
        try eventually { try status().contains("192.0.2.100") }
        try guest.add(.v4(IPv4Address(192, 0, 2, 100)), prefixLength: 24)
        func canPing() throws -> Bool {
            try guest.namespace.execute(["ping", "-c", "5", "-i", "0.1", "-W", "1", "192.0.2.254"]).succeeded
        }
        #expect(try canPing())
        #expect(running.errorsSoFar.contains("guest=leased.example.com"))
        running.stop()
        #expect(try canPing())
        #expect(try network.host.output(of: [CommandFixture.binary, "apply", "--policy", policy], atMost: .seconds(60)).contains("Nothing to do"))
        running = try start()
        #expect(try status().contains("192.0.2.100") && canPing())
        running.stop()
    }

    // MARK: At its start

    private static let soundPolicy = """
        bridges:
          br0: {uplinks: [uplink], gateways: [192.0.2.254, "2001:db8::254"], subnets: [192.0.2.0/24]}
        guests:
          leased:
            interfaces: [{port: vif1.0, bridge: br0, mac: "00:16:3e:00:00:01", addresses: [dhcp]}]
          other:
            interfaces: [{port: vif2.0, bridge: br0, mac: "00:16:3e:00:00:02", addresses: [192.0.2.2]}]

        """

    private func start(_ leased: LeasedNetwork, policy text: String) throws -> RunningCommand {
        let policy = leased.path("policy.yaml")
        try text.write(toFile: policy, atomically: true, encoding: .utf8)
        return try leased.host.start([
            "setpriv", "--pdeathsig", "KILL", CommandFixture.binary, "agent", "--policy", policy, "--state", leased.path("state"), "--run",
            leased.path("run"),
        ])
    }

    private func acknowledge(_ number: UInt32, _ address: IPv4Address, _ leased: LeasedNetwork) throws {
        let frame = LeasedNetwork.acknowledgement(number, address, from: LeasedNetwork.outsideMAC, LeasedNetwork.gateway)
        try leased.network.outside.sender().send(frame)
    }

    @Test func `an agent that has read no sound policy yet binds nothing, and lets nothing be forgotten`() throws {
        let leased = try LeasedNetwork()
        let agent = try start(leased, policy: "bridges: [")
        defer { agent.stop() }
        try eventually { agent.errorsSoFar.contains("the policy isn't taken") }
        let foreign = IPv4Address(198, 51, 100, 1)
        try leased.request(1)
        try acknowledge(1, foreign, leased)
        // It has gone round once at least when it tells of a second port.
        for name in ["spare1", "spare2"] {
            try leased.host.run {
                _ = try Link.create(name, .veth(peer: "p-\(name)"), .up, .master(leased.network.bridgeIndex))
            }
            try eventually { agent.errorsSoFar.contains("\(name): closed") }
        }
        #expect(try leased.leases().isEmpty && !agent.errorsSoFar.contains("by DHCP"))
        try Self.soundPolicy.write(toFile: leased.path("policy.yaml"), atomically: true, encoding: .utf8)
        try eventually { agent.errorsSoFar.contains("198.51.100.1 was given by DHCP and isn't bound") }
        #expect(try leased.leases().isEmpty)
    }

    @Test func `what was renewed while no agent ran hasn't expired when one starts`() throws {
        let leased = try LeasedNetwork()
        let address = IPv4Address(192, 0, 2, 77)
        try leased.request(1)
        try acknowledge(1, address, leased)
        #expect(try leased.wait { if case .change(.bind(_)) = $0 { true } else { false } } != nil)
        var lease = try #require(try leased.leases().first)
        try leased.guest.add(.v4(address), prefixLength: 24)
        try leased.request(2, client: address)
        try acknowledge(2, address, leased)
        // What comes after the acknowledgement has arrived.
        #expect(try leased.canPing("192.0.2.254", from: leased.guest))
        lease.expiry = 1
        let expired = lease
        try leased.host.run { try leased.datapath.enter([expired]) }
        let agent = try start(leased, policy: Self.soundPolicy)
        defer { agent.stop() }
        try eventually { agent.errorsSoFar.contains("by DHCP") }
        #expect(agent.errorsSoFar.contains("is renewed by DHCP") && !agent.errorsSoFar.contains("is bound by DHCP"))
        #expect(try leased.leases().map(\.prefix) == [lease.prefix])
    }

    private func eventually(_ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if try condition() { return }
            usleep(20_000)
        }
        Issue.record("it never came about")
    }
}
