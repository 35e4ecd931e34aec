import Addresses
import CBPF
import Foundation
import Lab
import Netlink
import Testing

/// A guarded host as an operator has it, with an agent that can be started, ended and killed.
final class AgentFixture {
    let fixture: CommandFixture
    var host: NetworkNamespace { fixture.host }
    private(set) var agent: RunningCommand?
    let state: URL
    let runtime: URL

    /// Guests 1 and 2 have a port each; guest 3 is known by its MAC alone, guest 4 by a port that isn't there yet.
    static let policy = """
        bridges:
          br0:
            uplinks: [up0]
            gateways: [192.0.2.254]
            subnets: [192.0.2.0/24]
        guests:
          www.example.com:
            interfaces:
              - {port: vif1.0, bridge: br0, mac: "02:00:00:00:00:01", addresses: [192.0.2.1]}
          mail.example.com:
            interfaces:
              - {port: vif2.0, bridge: br0, mac: "02:00:00:00:00:02", addresses: [192.0.2.2]}
          tap.example.com:
            interfaces:
              - {bridge: br0, mac: "02:00:00:00:00:03", addresses: [192.0.2.3]}
          late.example.com:
            interfaces:
              - {port: vif4.0, bridge: br0, mac: "02:00:00:00:00:04", addresses: [192.0.2.4]}

        """

    init(policy: String = AgentFixture.policy) throws {
        fixture = try CommandFixture(policy: policy)
        runtime = fixture.policy.deletingLastPathComponent().appending(path: "run")
        state = fixture.policy.deletingLastPathComponent().appending(path: "state")
    }

    /// Starts an agent, and waits until it watches.
    ///
    /// - Parameters:
    ///   - interval: seconds between two inspections; a test that waits for none takes a long one.
    ///   - options: further ones of the command.
    func start(interval: Double = 600, options: [String] = []) throws {
        let agent = try launch(interval: interval, options: options)
        self.agent = agent
        try eventually("the agent watches") { agent.errorsSoFar.contains("the agent watches over the host") }
    }

    func launch(interval: Double = 600, options: [String] = []) throws -> RunningCommand {
        // It doesn't outlive the tests, whatever ends them.
        let command = ["setpriv", "--pdeathsig", "KILL", CommandFixture.binary, "agent", "--policy", fixture.policy.path]
        return try host.start(command + ["--state", state.path, "--run", runtime.path, "--interval", "\(interval)"] + options)
    }

    /// What it has logged so far.
    var log: String { agent?.errorsSoFar ?? "" }

    /// Waits for what the agent is to bring about. The limit is only for what never comes.
    func eventually(_ what: String, _ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if try condition() { return }
            // Taken out of the pipe: an agent that nobody listens to waits there once it is full.
            _ = log
            usleep(10_000)
        }
        Issue.record("it never came about: \(what); the log: \(log)")
    }

    /// A veth pair whose host's end joins the bridge; the far end is up.
    func plug(_ port: String, mac: String? = nil) throws {
        let bridge = try host.run { try Link.named("br0").index }
        try host.run {
            let link = try Link.create(port, .veth(peer: "p-\(port)"))
            if let mac { try link.change(.macAddress(try #require(MACAddress(mac)))) }
            try Link.named("p-\(port)").change(.up)
            try link.change(.master(bridge), .up)
        }
    }

    func unplug(_ port: String) throws { try host.run { try Link.named(port).delete() } }

    /// Whether `status` knows of the port, and how it is.
    func state(of port: String) throws -> String? {
        try fixture.status().bridges.flatMap(\.ports).first { $0.name == port }?.state
    }

    /// Every pinned link's number in the kernel, by its name: another number, another attaching.
    func links() throws -> [String: UInt32] {
        try host.run {
            var links: [String: UInt32] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: "/sys/fs/bpf/vifguard/links") {
                let descriptor = bpf_obj_get("/sys/fs/bpf/vifguard/links/\(name)")
                try #require(descriptor >= 0)
                defer { close(descriptor) }
                var information = bpf_link_info()
                var length = UInt32(MemoryLayout<bpf_link_info>.size)
                try #require(bpf_obj_get_info_by_fd(descriptor, &information, &length) == 0)
                links[name] = information.id
            }
            return links
        }
    }
}
