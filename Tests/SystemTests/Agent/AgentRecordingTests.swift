import Foundation
import Lab
import Netlink
import Testing

/// What the agent records, tells and answers while it runs.
@Suite(.timeLimit(.minutes(5)))
struct AgentRecordingTests {
    /// The events that the command prints out of the agent's store.
    private func events(_ agent: AgentFixture, _ more: String...) throws -> [[String: Any]] {
        let arguments = [CommandFixture.binary, "events", "--json", "--state", agent.state.path] + more
        return try agent.host.output(of: arguments).split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func `an attempt is named by events, and told once in the log`() throws {
        let agent = try AgentFixture()
        try agent.start()
        let liar = try FrameSender(on: "p-vif1.0", in: agent.host)
        for _ in 0..<30 { try liar.send(arpRequest(from: 1, sender: [192, 0, 2, 2])) }
        try agent.eventually("it is recorded") { try events(agent, "--reason", "arp-sender-ip").contains { $0["packets"] as? Int == 30 } }
        let event = try #require(try events(agent, "--guest", "www.example.com").first)
        #expect(event["port"] as? String == "vif1.0" && event["reason"] as? String == "arp-sender-ip")
        let lines = agent.log.split(separator: "\n").filter { $0.contains("reason=arp-sender-ip") }
        #expect(lines.count == 1 && lines[0].contains("guest=www.example.com"), "\(lines)")
        // Whose it is that the guest took is the doctor's to say.
        let doctor = [CommandFixture.binary, "doctor", "--json", "--policy", agent.fixture.policy.path, "--state", agent.state.path]
        let diagnosis = try agent.host.execute(doctor, atMost: .seconds(60))
        #expect(diagnosis.output.contains("It belongs to guest mail.example.com"), "\(diagnosis)")
    }

    @Test func `what happened while no agent ran is recorded by the next, and nothing twice`() throws {
        let agent = try AgentFixture()
        try agent.start()
        let liar = try FrameSender(on: "p-vif1.0", in: agent.host)
        for _ in 0..<7 { try liar.send(arpRequest(from: 1, sender: [192, 0, 2, 2])) }
        try agent.eventually("it is recorded") { try !events(agent).isEmpty }
        agent.agent?.stop()
        for _ in 0..<5 { try liar.send(arpRequest(from: 1, sender: [192, 0, 2, 2])) }
        func sum() throws -> Int { try events(agent).reduce(0) { $0 + ($1["packets"] as? Int ?? 0) } }
        try agent.start()
        try agent.eventually("the rest is recorded") { try sum() == 12 }
        agent.agent?.signal(SIGTERM)
        _ = try agent.agent?.wait(atMost: .seconds(20))
        #expect(try sum() == 12)
    }

    @Test func `one agent at a time has the state, and uninstall waits for its end`() throws {
        let agent = try AgentFixture()
        try agent.start()
        let second = try agent.launch().wait(atMost: .seconds(20))
        #expect(second.status == 1 && second.errors.contains("another agent runs"), "\(second)")
        let uninstall = [CommandFixture.binary, "uninstall", "--yes", "--state", agent.state.path]
        let refused = try agent.host.execute(uninstall)
        #expect(refused.status == 1 && refused.errors.contains("an agent is running"), "\(refused)")
        #expect(try agent.state(of: "vif1.0") == "bound")
        agent.agent?.signal(SIGTERM)
        _ = try agent.agent?.wait(atMost: .seconds(20))
        #expect(try agent.host.execute(uninstall).succeeded)
    }

    @Test func `the socket answers what the commands print, for nobody but its group`() throws {
        let agent = try AgentFixture()
        try agent.start()
        let socket = agent.runtime.appending(path: "api.sock").path
        func ask(_ path: String, _ more: String...) throws -> String {
            try agent.host.output(of: ["curl", "-sS", "--max-time", "10", "--unix-socket", socket] + more + ["http://localhost\(path)"])
        }
        try agent.eventually("the API listens") { FileManager.default.fileExists(atPath: socket) }
        let mode = try #require(try FileManager.default.attributesOfItem(atPath: socket)[.posixPermissions] as? Int)
        #expect(mode & 0o007 == 0)
        #expect(try ask("/v1/status").contains("www.example.com"))
        let metrics = try ask("/metrics")
        #expect(metrics.contains("vifguard_agent_up 1") && metrics.contains("guest=\"www.example.com\""), "\(metrics)")
        // Not before the store is written for the first time.
        try agent.eventually("all is well") { try ask("/v1/health").replacing(" ", with: "").contains("\"status\":\"ok\"") }
        // A change by the API is the agent's to carry on with.
        try agent.plug("vif9.0")
        try agent.eventually("vif9.0 is closed") { try agent.state(of: "vif9.0") == "closed" }
        let binding = #"{"bridge": "br0", "guest": "nine", "macs": ["02:00:00:00:00:09"], "addresses": ["192.0.2.9"]}"#
        _ = try ask("/v1/ports/vif9.0/attach", "--fail", "-X", "POST", "-H", "Content-Type: application/json", "-d", binding)
        #expect(try agent.fixture.port("vif9.0").binding?.guest == "nine")
        #expect(try ask("/v1/nothing", "-o", "/dev/null", "-w", "%{http_code}") == "404")
        #expect(try ask("/v1/version").contains("version"))
    }

    @Test func `a flood of spoofs is bounded in the store, its guest named, and the others unharmed`() throws {
        let agent = try AgentFixture()
        try agent.start()
        let liar = try FrameSender(on: "p-vif1.0", in: agent.host)
        let honest = try FrameSender(on: "p-vif2.0", in: agent.host)
        let before = try agent.fixture.port("vif2.0").sent.passed.packets
        var sent = 0
        for number in 0..<60_000 {
            try liar.send(arpRequest(from: 1, sender: [192, 0, 2, 2]))
            if number % 100 == 0 {
                try honest.send(arpRequest(from: 2))
                sent += 1
            }
        }
        #expect(try agent.fixture.port("vif2.0").sent.passed.packets - before == sent)
        try agent.eventually("all of it is counted") {
            try events(agent, "--guest", "www.example.com").reduce(0) { $0 + ($1["packets"] as? Int ?? 0) } == 60_000
        }
        // Rows by minute, not by frame.
        #expect(try events(agent, "--guest", "www.example.com").count <= 3)
        let top = try agent.host.start([CommandFixture.binary, "top", "--once", "--interval", "1"])
        for _ in 0..<2000 {
            try liar.send(arpRequest(from: 1, sender: [192, 0, 2, 2]))
            usleep(1000)
        }
        let shown = try top.wait(atMost: .seconds(30)).output.split(separator: "\n")
        let first = try #require(shown.first { $0.hasPrefix("vif") && $0.contains(".com") })
        #expect(first.hasPrefix("vif1.0 ") && first.contains("www.example.com"), "\(shown)")
    }
}
