import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Packets
import Policy
import Synchronization
import Testing

@testable import API

/// What is asked rightly.
@Suite(.timeLimit(.minutes(10)))
struct RouteTests {
    @Test func `nothing is loaded: status and changes of ports say so, the rest answers`() async throws {
        let fixture = try APIFixture()
        for (method, path) in [(HTTPRequest.Method.get, "/v1/status"), (.get, "/v1/status/vif1.0"), (.post, "/v1/ports/vif1.0/detach")] {
            let answer = try await fixture.ask(method, path)
            #expect(answer.status == .serviceUnavailable, "\(path)")
            #expect(try answer.detail.contains("'vifguard apply' loads it"))
        }
        let attach = try await fixture.ask(
            .post, "/v1/ports/vif1.0/attach", type: "application/json",
            body: #"{"bridge": "br0", "macs": ["02:00:00:00:00:01"], "addresses": ["192.0.2.1"]}"#)
        #expect(attach.status == .serviceUnavailable)
        let metrics = try await fixture.ask(.get, "/metrics")
        #expect(metrics.status == .ok && metrics.text.contains("vifguard_loaded 0\n") && metrics.text.contains("vifguard_agent_up 1\n"))
        #expect(metrics.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(fixture.runs.withLock { $0 } == 0)
    }

    @Test func `health is ok, or says what is not`() async throws {
        let fixture = try APIFixture()
        #expect(try await fixture.ask(.get, "/v1/health").status == .ok)
        let faults: [(String, @Sendable (inout AgentHealth) -> Void)] = [
            ("the policy isn't taken", { $0.policy.isValid = false }),
            ("made to match the policy yet", { $0.reconciler.lastRunAt = 0 }),
            ("doesn't match the policy: br0 is gone\\u{1b}", { $0.reconciler.lastError = "br0 is gone\u{1b}" }),
            (
                "counters were last read",
                {
                    $0.startedAt -= 60_000_000_000; $0.collector.readAt = $0.startedAt
                }
            ),
            ("events aren't recorded", { $0.collector.isRecording = false }),
        ]
        for (words, fault) in faults {
            fixture.ailment.withLock { $0 = fault }
            let answer = try await fixture.ask(.get, "/v1/health")
            #expect(answer.status == .serviceUnavailable)
            let object = try answer.object
            #expect(object["status"] as? String == "degraded")
            #expect((object["problems"] as? [String])?.contains { $0.contains(words) } == true, "\(words): \(answer.text)")
        }
    }

    @Test func `a policy is checked, whether it is the agent's or another`() async throws {
        let fixture = try APIFixture()
        let own = try await fixture.ask(.get, "/v1/policy").object
        #expect(own["valid"] as? Bool == true && own["guests"] as? Int == 1)
        let sent = try await fixture.ask(
            .post, "/v1/policy/check", type: "application/yaml", body: APIFixture.policy.replacingOccurrences(of: "192.0.2.1]", with: "192.0.2.254]"))
        let object = try sent.object
        let problems = try #require(object["problems"] as? [[String: Any]])
        #expect(sent.status == .ok && object["valid"] as? Bool == false && problems.count == 1)
        #expect(problems[0]["line"] as? Int == 9 && problems[0]["file"] as? String == "body")
        #expect((problems[0]["message"] as? String)?.contains("gateway") == true)
    }

    @Test func `with a policy that has errors nothing is planned, applied or attached`() async throws {
        let fixture = try APIFixture(policy: "bridges: {br0: {uplink: [up0]}}\n")
        for (method, path) in [(HTTPRequest.Method.get, "/v1/plan"), (.post, "/v1/apply")] {
            let answer = try await fixture.ask(method, path)
            #expect(answer.status == .unprocessableContent)
            let problems = try #require(try answer.object["problems"] as? [[String: Any]])
            #expect((problems.first?["message"] as? String)?.contains("uplink") == true, "\(answer.text)")
        }
        let attach = try await fixture.ask(
            .post, "/v1/ports/vif1.0/attach", type: "application/json",
            body: #"{"bridge": "br0", "macs": ["02:00:00:00:00:01"], "addresses": ["192.0.2.1"]}"#)
        #expect(attach.status == .unprocessableContent)
        #expect(try await fixture.ask(.get, "/v1/policy").object["valid"] as? Bool == false)
    }

    @Test func `a policy of the other engine is none of the agent's`() async throws {
        let fixture = try APIFixture(policy: "engine: classic\nbridges: {br0: {uplinks: [up0]}}\n")
        let attach = #"{"bridge": "br0", "macs": ["02:00:00:00:00:01"], "addresses": ["192.0.2.1"]}"#
        for (method, path, body) in [(HTTPRequest.Method.get, "/v1/plan", ""), (.post, "/v1/apply", ""), (.post, "/v1/ports/vif1.0/attach", attach)] {
            let answer = try await fixture.ask(method, path, type: body.isEmpty ? nil : "application/json", body: body.isEmpty ? nil : body)
            #expect(answer.status == .conflict && answer.text.contains("engine: classic"), "\(answer.text)")
        }
        #expect(try await fixture.ask(.get, "/v1/policy").object["engine"] as? String == "classic")
    }

    @Test func `a binding is read by the rules of policy files, and every mistake told`() async throws {
        let fixture = try APIFixture()
        let sound = #""bridge": "br0", "macs": ["02:00:00:00:00:01"], "addresses": ["192.0.2.1"]"#
        let cases: [(String, HTTPResponse.Status, String)] = [
            ("{", .badRequest, "JSON"), ("[]", .badRequest, "JSON object"), ("{}", .badRequest, "\"bridge\" is missing"),
            ("{\(sound), \"mod\": \"audit\"}", .badRequest, "\"mod\" is unknown"), ("{\(sound), \"mode\": null}", .badRequest, "\"mode\""),
            ("{\(sound), \"limits\": {\"broadcast\": {\"rate\": 1, \"brust\": 2}}}", .badRequest, "\"limits.broadcast.brust\""),
            ("{\(sound), \"vrrp\": [{\"mac\": \"00:00:5e:00:01:07\", \"address\": \"192.0.2.7\", \"x\": 1}]}", .badRequest, "\"vrrp[0].x\""),
            ("{\(sound), \"vlans\": \"1\"}", .badRequest, "\"vlans\" is of the wrong kind"), ("{\(sound), \"guest\": 7}", .badRequest, "\"guest\""),
            ("{\(sound), \"port\": \"vif2.0\"}", .badRequest, "isn't the path's"),
            (sound.replacingOccurrences(of: "\"02:00:00:00:00:01\"", with: "").braced, .unprocessableContent, "give macs"),
            (sound.replacingOccurrences(of: "\"192.0.2.1\"", with: "").braced, .unprocessableContent, "give addresses"),
            (sound.replacingOccurrences(of: "192.0.2.1", with: "192.0.2.300").braced, .unprocessableContent, "192.0.2.300"),
            ("{\(sound), \"vlans\": [4095]}", .unprocessableContent, "4095"), ("{\(sound), \"mode\": \"off\"}", .unprocessableContent, "enforce"),
            (sound.replacingOccurrences(of: "br0", with: "br1").braced, .conflict, "doesn't name bridge br1"),
        ]
        for (body, status, words) in cases {
            let answer = try await fixture.ask(.post, "/v1/ports/vif1.0/attach", type: "application/json", body: body)
            #expect(answer.status == status, "\(body): \(answer.status) \(answer.text)")
            let detail = try answer.detail
            #expect(detail.contains(words), "\(body): \(detail)")
        }
        // With the port's name where a guest's is missing.
        #expect(try AttachBody(Array("{\(sound)}".utf8), port: "vif9.0").interface.binding.guest == "vif9.0")
        let whole = try AttachBody(
            Array("{\(sound), \"guest\": \"mail\", \"port\": \"vif9.0\", \"link-local\": {\"mode\": \"eui64\"}}".utf8), port: "vif9.0")
        #expect(whole.interface.binding.guest == "mail" && whole.interface.binding.linkLocalMode == .eui64)
        #expect(whole.interface.port == "vif9.0" && whole.interface.binding.origin == .manual)
        #expect(throws: Problem.self) { try AttachBody(Array("{\(sound)}".utf8), port: "no port") }
    }

    @Test func `frames are explained, from a capture or in hexadecimal`() async throws {
        let fixture = try APIFixture()
        // Guest 1 says in ARP that 192.0.2.2 is its own.
        let spoof = "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c0000202 000000000000 c00002fe"
        let text = try await fixture.ask(.post, "/v1/explain?port=vif1.0", type: "text/plain", body: "# spoof\n\(spoof)\n")
        #expect(text.status == .ok, "\(text.text)")
        let first = try #require(try (text.json as? [[String: Any]])?.first)
        #expect(first["verdict"] as? String == "drop" && first["reason"] as? String == "arp-sender-ip")
        let capture = CaptureFile(packets: [CaptureFile.Packet(bytes: try Hex.bytes(parsing: spoof))]).pcap()
        let pcap = try await fixture.ask(.post, "/v1/explain?port=vif1.0&direction=from-guest", type: "application/octet-stream", bytes: capture)
        #expect(try (pcap.json as? [[String: Any]])?.first?["reason"] as? String == "arp-sender-ip")
        let tagged = try await fixture.ask(.post, "/v1/explain?port=vif1.0&tag=5", type: "text/plain", body: spoof)
        #expect(try (tagged.json as? [[String: Any]])?.first?["reason"] as? String == "vlan-tag")
    }

    @Test func `what can't be explained is told why`() async throws {
        let fixture = try APIFixture()
        let frame = "020000000001 020000000002 0800"
        for (target, body, status, words) in [
            ("/v1/explain", frame, HTTPResponse.Status.badRequest, "give port"),
            ("/v1/explain?port=vif1.0&tag=4096", frame, .badRequest, "0 to 4095"),
            ("/v1/explain?port=vif7.0", frame, .unprocessableContent, "no port vif7.0"),
            ("/v1/explain?port=vif1.0&direction=to-host", frame, .unprocessableContent, "from-guest or to-guest"),
            ("/v1/explain?port=vif1.0", "nonsense", .badRequest, "line 1"), ("/v1/explain?port=vif1.0", "", .badRequest, "empty"),
            ("/v1/explain?port=vif1.0", String(repeating: "00\n", count: 10_001), .contentTooLarge, "10000"),
        ] {
            let answer = try await fixture.ask(.post, target, type: "text/plain", body: body)
            #expect(answer.status == status, "\(target): \(answer.text)")
            let detail = try answer.detail
            #expect(detail.contains(words), "\(target): \(detail)")
        }
        // A capture of very many empty frames.
        let many = CaptureFile(packets: Array(repeating: CaptureFile.Packet(bytes: []), count: 10_001)).pcap()
        #expect(try await fixture.ask(.post, "/v1/explain?port=vif1.0", type: "application/octet-stream", bytes: many).status == .contentTooLarge)
    }

    // MARK: Events

    private func record(_ count: Int, in fixture: APIFixture) throws {
        let now = UInt64(Date.now.timeIntervalSince1970 * 1e9)
        let recorder = EventRecorder(StateFolder(fixture.configuration.stateFolder)) { _ in }
        var baselines = try #require(recorder.baselines(epoch: "test", monotonic: 1))
        for number in 0..<count {
            let violation = Violation(
                bridge: "br0", guest: "guest\(number)", port: "vif\(number).0", direction: .fromGuest,
                reason: number % 2 == 0 ? .arpSenderIP : .raGuard,
                wasAudited: false)
            let sample = SampleFrame(time: now, bytes: [UInt8](repeating: UInt8(number), count: 60), length: 60)
            recorder.add(violation, ViolationCount(packets: UInt64(number + 1), bytes: 60, first: now, last: now, samples: [sample]))
        }
        #expect(recorder.flush(&baselines, monotonic: 2, time: now))
        recorder.close()
    }

    @Test func `events are those that are asked for, page by page`() async throws {
        let fixture = try APIFixture()
        let none = try await fixture.ask(.get, "/v1/events")
        #expect(none.status == .serviceUnavailable)
        #expect(try none.detail.contains("'vifguard agent' makes it"))
        try record(5, in: fixture)
        var guests: [String] = []
        var target: String? = "/v1/events?limit=2"
        while let asked = target {
            let page = try await fixture.ask(.get, asked).object
            let events = try #require(page["events"] as? [[String: Any]])
            #expect(events.count <= 2)
            guests += events.compactMap { $0["guest"] as? String }
            target = (page["next"] as? String).map { "/v1/events?limit=2&after=\($0)" }
        }
        #expect(guests.count == 5 && Set(guests) == Set((0..<5).map { "guest\($0)" }))
        let one = try await fixture.ask(.get, "/v1/events?guest=guest3&reason=ra-guard&direction=from-guest&severity=violation&verdict=drop&since=1h")
            .object
        #expect((one["events"] as? [[String: Any]])?.map { $0["port"] as? String } == ["vif3.0"])
        let past = try await fixture.ask(.get, "/v1/events?since=2h&until=1h").object
        #expect((past["events"] as? [Any])?.isEmpty == true)
        let audited = try await fixture.ask(.get, "/v1/events?verdict=would%20drop").object
        #expect((audited["events"] as? [Any])?.isEmpty == true)
    }

    @Test func `events have sums, and the frames that were kept`() async throws {
        let fixture = try APIFixture()
        try record(3, in: fixture)
        let totals = try #require(try await fixture.ask(.get, "/v1/events/totals").json as? [[String: Any]])
        #expect(totals.map { $0["packets"] as? Int } == [3, 2, 1])
        let answer = try await fixture.ask(.get, "/v1/events/pcap?limit=2")
        #expect(answer.headers[.contentType] == "application/vnd.tcpdump.pcap")
        let capture = try CaptureFile(parsing: Array(answer.body.readableBytesView))
        #expect(capture.packets.count == 2 && capture.packets.allSatisfy { $0.bytes.count == 60 })
    }
}

extension String {
    fileprivate var braced: String { "{\(self)}" }
}
