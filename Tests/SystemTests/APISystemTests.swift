import Datapath
import Foundation
import HTTPTypes
import Hummingbird
import Lab
import Logging
import NIOCore
import Synchronization
import Testing

@testable import API

/// The API on a bridge that was made by hand, beside the command that says whether it did what it should.
@Suite(.timeLimit(.minutes(5)))
struct APISystemTests {
    /// The router over a host of its own: what looks at the host does so in that host's network.
    private final class Fixture: @unchecked Sendable {
        let command: CommandFixture
        let document: Document
        private let api: API
        private let responder: RouterResponder<CallContext>

        init(policy: String = CommandFixture.soundPolicy) throws {
            let command = try CommandFixture(policy: policy)
            self.command = command
            document = try Document(API.openAPI)
            let runs = Counter()
            counter = runs
            let host = command.host
            api = API(
                configuration: APIConfiguration(policyPath: command.policy.path, stateFolder: "/nowhere", runFolder: "/nowhere"),
                agent: AgentInformation(health: { AgentHealth(startedAt: 1) }, reconcile: { runs.add() }),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                place: { work in
                    withoutActuallyEscaping(work) { work in
                        let work = Unchecked(work)
                        do { try host.run { work.value() } } catch { fatalError("\(error)") }
                    }
                })
            responder = api.responder(token: nil)
        }

        private let counter: Counter
        /// How often the reconciler was asked to look.
        var asked: Int { counter.value }

        /// Asks; the answer must be as the document says.
        func ask(_ method: HTTPRequest.Method, _ target: String, as path: String? = nil, _ status: Int, body: String? = nil) async throws -> [String:
            Any]
        {
            var fields = HTTPFields()
            if body != nil { fields[.contentType] = "application/json" }
            let request = Request(
                head: HTTPRequest(method: method, scheme: nil, authority: nil, path: target, headerFields: fields),
                body: RequestBody(buffer: ByteBuffer(string: body ?? "")))
            let response = await api.answer(request, from: .local, by: responder)
            let writer = Collected()
            try await response.body.write(writer)
            let json = try #require(try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String: Any])
            #expect(response.status.code == status, "\(method) \(target): \(json)")
            let type = try #require(response.headers[.contentType])
            let schema = try #require(
                try document.schema(method.rawValue, path ?? target, status: response.status.code, type: type), "\(response.status)")
            #expect(try document.faults(of: json, by: schema) == [], "\(method) \(target): \(json)")
            return json
        }

        func attach(_ port: String, guest: String, _ number: Int, bridge: String = "br0", _ status: Int = 200) async throws -> [String: Any] {
            try await ask(
                .post, "/v1/ports/\(port)/attach", as: "/v1/ports/{port}/attach", status,
                body:
                    "{\"bridge\": \"\(bridge)\", \"guest\": \"\(guest)\", \"macs\": [\"02:00:00:00:00:0\(number)\"], \"addresses\": [\"192.0.2.\(number)\"]}"
            )
        }

        func detach(_ port: String, _ status: Int = 200) async throws -> [String: Any] {
            try await ask(.post, "/v1/ports/\(port)/detach", as: "/v1/ports/{port}/detach", status)
        }
    }

    private func steps(_ report: [String: Any]) -> [String] {
        let plan = report["plan"] as? [String: Any] ?? report
        return (plan["steps"] as? [[String: Any]] ?? []).map { "\($0["step"] ?? "") \($0["interface"] ?? "")" }
    }

    @Test func `apply loads and guards, and again there is nothing to do`() async throws {
        let fixture = try Fixture()
        #expect(steps(try await fixture.ask(.get, "/v1/plan", 200)).contains("bind vif1.0"))
        #expect(try fixture.command.run("status").status == 1, "plan has loaded something")
        let report = try await fixture.ask(.post, "/v1/apply", 200)
        #expect(steps(report).contains("close vif2.0") && report["stepsDone"] as? Int == steps(report).count)
        #expect(fixture.asked == 1)
        #expect(steps(try await fixture.ask(.post, "/v1/apply", 200)).isEmpty)
        #expect(steps(try await fixture.ask(.get, "/v1/plan", 200)).isEmpty)
        #expect(try fixture.command.port("vif1.0").binding?.guest == "www.example.com")
        #expect(try fixture.command.succeed("plan").contains("Nothing to do"))
    }

    @Test func `status is what the command prints`() async throws {
        let fixture = try Fixture()
        _ = try await fixture.ask(.post, "/v1/apply", 200)
        try FrameSender(on: "p-vif1.0", in: fixture.command.host).send(arpRequest(from: 1, sender: [192, 0, 2, 2]))
        let printed = try #require(try JSONSerialization.jsonObject(with: Data(fixture.command.succeed("status", "--json").utf8)) as? NSDictionary)
        let told = try await fixture.ask(.get, "/v1/status", 200) as NSDictionary
        #expect(told == printed)
        let one = try await fixture.ask(.get, "/v1/status/vif1.0", as: "/v1/status/{port}", 200)
        let ports = try #require((one["bridges"] as? [[String: Any]])?.first?["ports"] as? [[String: Any]])
        #expect(ports.map { $0["name"] as? String } == ["vif1.0"])
        let dropped = (ports[0]["sent"] as? [String: Any])?["dropped"] as? [String: [String: Int]]
        #expect(dropped?["arp-sender-ip"]?["packets"] == 1)
        let missing = try await fixture.ask(.get, "/v1/status/vif9.0", as: "/v1/status/{port}", 404)
        #expect((missing["detail"] as? String)?.contains("vif9.0 isn't guarded") == true)
    }

    @Test func `status tells what a guest in audit mode would lose`() async throws {
        let fixture = try Fixture(policy: "defaults: {mode: audit}\n" + CommandFixture.soundPolicy)
        _ = try await fixture.ask(.post, "/v1/apply", 200)
        try FrameSender(on: "p-vif1.0", in: fixture.command.host).send(arpRequest(from: 1, sender: [192, 0, 2, 2]))
        let one = try await fixture.ask(.get, "/v1/status/vif1.0", as: "/v1/status/{port}", 200)
        let audit = ((one["bridges"] as? [[String: Any]])?.first?["ports"] as? [[String: Any]])?.first?["audit"] as? [String: Any]
        #expect(audit?["ready"] as? Bool == false && (audit?["violates"] as? [String: Int])?["arp-sender-ip"] == 1)
    }

    @Test func `attach binds a closed port, apply leaves it alone, detach closes it`() async throws {
        let fixture = try Fixture()
        _ = try await fixture.ask(.post, "/v1/apply", 200)
        #expect(steps(try await fixture.attach("vif2.0", guest: "mail", 2)).contains("bind vif2.0"))
        let port = try fixture.command.port("vif2.0")
        #expect(
            port.state == "bound" && port.binding?.guest == "mail" && port.binding?.origin == "manual" && port.binding?.addresses == ["192.0.2.2"])
        _ = try await fixture.ask(.post, "/v1/apply", 200)
        #expect(try fixture.command.port("vif2.0").state == "bound")
        #expect(steps(try await fixture.attach("vif2.0", guest: "mail", 2)).isEmpty)
        _ = try await fixture.detach("vif2.0")
        #expect(try fixture.command.port("vif2.0").state == "closed")
        #expect(fixture.asked == 5)
    }

    @Test func `what attach refuses it leaves as it was`() async throws {
        let fixture = try Fixture()
        _ = try await fixture.ask(.post, "/v1/apply", 200)
        let taken = try await fixture.attach("vif2.0", guest: "mail", 1, 409)
        #expect((taken["detail"] as? String)?.contains("www.example.com") == true)
        let uplink = try await fixture.attach("up0", guest: "mail", 2, 409)
        #expect((uplink["detail"] as? String)?.contains("uplink") == true)
        _ = try await fixture.attach("vif9.0", guest: "mail", 2, 404)
        _ = try await fixture.attach("vif2.0", guest: "mail", 2, bridge: "br7", 409)
        _ = try await fixture.detach("up0", 409)
        #expect(try fixture.command.port("vif2.0").state == "closed")
        #expect(try fixture.command.port("up0").state == "trusted")
        #expect(fixture.asked == 1)
    }

    @Test func `what of a policy can't be carried out is told, beside what was`() async throws {
        let fixture = try Fixture(policy: CommandFixture.soundPolicy.replacingOccurrences(of: "bridges:\n", with: "bridges:\n  br9: {}\n"))
        let problem = try await fixture.ask(.post, "/v1/apply", 409)
        #expect((problem["detail"] as? String)?.contains("br9") == true)
        #expect(((problem["report"] as? [String: Any])?["stepsDone"] as? Int ?? 0) > 0)
        #expect(try fixture.command.port("vif1.0").state == "bound")
    }

    @Test func `changes at once come one after the other`() async throws {
        let fixture = try Fixture()
        _ = try await fixture.ask(.post, "/v1/apply", 200)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<12 {
                group.addTask {
                    if number % 3 == 0 {
                        _ = try await fixture.detach("vif2.0")
                    } else {
                        _ = try await fixture.attach("vif2.0", guest: "mail", 2)
                    }
                }
            }
            try await group.waitForAll()
        }
        _ = try await fixture.attach("vif2.0", guest: "mail", 2)
        #expect(try fixture.command.port("vif2.0").state == "bound")
        #expect(try fixture.command.succeed("plan").contains("Nothing to do"))
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}

private struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// Takes in an answer's body.
private final class Collected: ResponseBodyWriter {
    private let kept = Mutex<[UInt8]>([])
    var bytes: [UInt8] { kept.withLock { $0 } }

    func write(_ buffer: ByteBuffer) async throws { kept.withLock { $0 += buffer.readableBytesView } }
    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
