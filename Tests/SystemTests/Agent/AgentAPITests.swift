import Foundation
import Lab
import Testing

/// The API of an agent that runs: at its socket, beside what it does by itself.
@Suite(.timeLimit(.minutes(5)))
struct AgentAPITests {
    private func socket(_ agent: AgentFixture) -> String { agent.runtime.appending(path: "api.sock").path }

    /// What `curl` gets there.
    ///
    /// - Parameter identity: options of setpriv(1) that say as whom.
    private func ask(_ agent: AgentFixture, _ target: String, _ options: String..., as identity: [String] = []) throws -> (status: Int, text: String)
    {
        let user = identity.isEmpty ? [] : ["setpriv"] + identity
        let result = try agent.host.execute(
            user + ["curl", "-s", "--max-time", "30", "-w", "\n%{http_code}", "--unix-socket", socket(agent)] + options + [
                "http://localhost\(target)"
            ],
            atMost: .seconds(60))
        let end = result.output.lastIndex(of: "\n") ?? result.output.startIndex
        return (Int(result.output[end...].dropFirst()) ?? 0, String(result.output[..<end]))
    }

    private func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    private func mode(_ path: String) -> (mode: mode_t, group: gid_t) {
        var status = stat()
        return lstat(path, &status) == 0 ? (status.st_mode & 0o7777, status.st_gid) : (0, .max)
    }

    @Test func `the group may ask, and nobody else but root`() throws {
        let agent = try AgentFixture()
        try agent.start(options: ["--group", "daemon"])
        let daemon = try #require(getgrnam("daemon")).pointee.gr_gid
        #expect(mode(socket(agent)) == (0o660, daemon) && mode(agent.runtime.path) == (0o750, daemon))
        let stranger = ["--reuid=65534", "--regid=65534", "--inh-caps=-all"]
        #expect(try ask(agent, "/v1/version").status == 200)
        #expect(try ask(agent, "/v1/version", as: stranger + ["--groups=\(daemon)"]).status == 200)
        #expect(try ask(agent, "/v1/version", as: stranger + ["--clear-groups"]).status == 0)
        // Who asked is in the log.
        _ = try ask(agent, "/v1/apply", "-X", "POST", as: stranger + ["--groups=\(daemon)"])
        try agent.eventually("it is logged") { agent.log.contains("user 65534, process ") }
    }

    @Test func `without the group only root may ask, and the log says so`() throws {
        let agent = try AgentFixture()
        try agent.start(options: ["--group", "no-such-group"])
        #expect(mode(socket(agent)).mode == 0o600 && mode(agent.runtime.path).mode == 0o700)
        #expect(agent.log.contains("there is no group no-such-group"))
        #expect(try ask(agent, "/v1/version").status == 200)
    }

    @Test func `a killed agent's socket is taken over, a living one's isn't`() throws {
        let agent = try AgentFixture()
        try agent.start()
        let other = try agent.host.execute(
            [CommandFixture.binary, "agent", "--policy", agent.fixture.policy.path, "--run", agent.runtime.path, "--state", agent.state.path + "2"],
            atMost: .seconds(60))
        #expect(other.status == 1 && other.errors.contains("already"), "\(other)")
        #expect(try ask(agent, "/v1/version").status == 200)
        agent.agent?.stop()
        #expect(FileManager.default.fileExists(atPath: socket(agent)))
        #expect(try ask(agent, "/v1/version").status == 0)
        try agent.start()
        try agent.eventually("it answers") { try ask(agent, "/v1/version").status == 200 }
    }

    @Test func `an agent that is told to end does so, whoever is connected, and takes its socket along`() throws {
        let agent = try AgentFixture()
        try agent.start()
        let idle = try Client(socket(agent))
        idle.send("GET /v1/version HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(idle.some() != nil)
        let process = try #require(agent.agent)
        kill(process.processID, SIGTERM)
        #expect(try process.wait(atMost: .seconds(30)).status == 0)
        #expect(!FileManager.default.fileExists(atPath: socket(agent)))
        withExtendedLifetime(idle) {}
    }

    @Test func `what a guest tries is in the metrics and among the events, and health is well`() throws {
        let agent = try AgentFixture()
        try agent.start()
        try FrameSender(on: "p-vif1.0", in: agent.host).send(arpRequest(from: 1, sender: [192, 0, 2, 2]))
        let page = try ask(agent, "/metrics").text
        #expect(
            page.contains(
                "vifguard_dropped_packets_total{bridge=\"br0\",port=\"vif1.0\",guest=\"www.example.com\",direction=\"from-guest\",reason=\"arp-sender-ip\"} 1\n"
            ))
        try agent.eventually("the event is recorded") {
            let answer = try ask(agent, "/v1/events?reason=arp-sender-ip")
            guard answer.status == 200 else { return false }
            return (try json(answer.text)["events"] as? [[String: Any]])?.first?["guest"] as? String == "www.example.com"
        }
        try agent.eventually("health is well") { try ask(agent, "/v1/health").status == 200 }
        #expect(try json(ask(agent, "/v1/health").text)["status"] as? String == "ok")
        // A policy with an error isn't taken, and health says so.
        try agent.fixture.write("bridges: {br0: {uplink: [up0]}}\n")
        try agent.eventually("health is degraded") { try ask(agent, "/v1/health").status == 503 }
    }

    @Test func `what is attached by the API stays, beside the reconciler`() throws {
        let agent = try AgentFixture()
        try agent.start(interval: 0.2)
        try agent.plug("vif9.0")
        try agent.eventually("the port is closed") { try agent.state(of: "vif9.0") == "closed" }
        let answer = try ask(
            agent, "/v1/ports/vif9.0/attach", "--json",
            #"{"bridge": "br0", "guest": "new", "macs": ["02:00:00:00:00:09"], "addresses": ["192.0.2.9"]}"#)
        #expect(answer.status == 200, "\(answer.text)")
        let runs = try json(ask(agent, "/v1/health").text)["reconciler"] as? [String: Any]
        let before = (runs?["runs"] as? [String: Int])?.values.reduce(0, +) ?? 0
        try agent.eventually("the reconciler has looked again") {
            let runs = try json(ask(agent, "/v1/health").text)["reconciler"] as? [String: Any]
            return (runs?["runs"] as? [String: Int])?.values.reduce(0, +) ?? 0 > before + 1
        }
        #expect(try agent.fixture.port("vif9.0").binding?.guest == "new")
        #expect(try ask(agent, "/v1/ports/vif9.0/detach", "-X", "POST").status == 200)
        #expect(try agent.state(of: "vif9.0") == "closed")
    }

    @Test func `clients that send nothing, or too much, are cut off, and others are answered meanwhile`() throws {
        let agent = try AgentFixture()
        try agent.start()
        let slow = try (0..<10).map { number in
            let client = try Client(socket(agent))
            client.send(number % 2 == 0 ? "GET /v1/sta" : "")
            return client
        }
        for _ in 0..<20 { #expect(try ask(agent, "/v1/status").status == 200) }
        let large = FileManager.default.temporaryDirectory.appending(path: "vifguard-large-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: large) }
        try Data(count: 2 << 20).write(to: large)
        #expect(try ask(agent, "/v1/ports/vif1.0/attach", "-H", "Content-Type: application/json", "--data-binary", "@\(large.path)").status == 413)
        // The API gives a head ten seconds: each of them sees the end.
        for client in slow {
            _ = client.rest()
            #expect(client.failure == 0 || client.failure == ECONNRESET, "\(String(cString: strerror(client.failure)))")
        }
        #expect(try ask(agent, "/v1/status").status == 200)
    }
}
