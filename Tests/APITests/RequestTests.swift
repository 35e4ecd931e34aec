import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import API

/// What is asked wrongly gets an answer that says what is wrong.
@Suite(.timeLimit(.minutes(10)))
struct RequestTests {
    @Test func `an unknown path is no place, however it is written`() async throws {
        let fixture = try APIFixture()
        for path in [
            "/", "/v1", "/v1/", "/v2/status", "/v1/status/", "//v1/status", "/v1//status", "/v1/%73tatus", "/V1/status", "/v1/status/a/b",
            "/../v1/version",
        ] {
            let answer = try await fixture.ask(.get, path)
            #expect(answer.status == .notFound, "\(path)")
            #expect(try answer.detail.contains("/v1/openapi.yaml"))
        }
    }

    @Test func `another method is refused with those that there are`() async throws {
        let fixture = try APIFixture()
        for (method, path, allowed) in [
            (HTTPRequest.Method.delete, "/v1/status", "GET, HEAD"), (.get, "/v1/apply", "POST"), (.put, "/v1/ports/vif1.0/attach", "POST"),
            (HTTPRequest.Method("BREW")!, "/metrics", "GET, HEAD"),
        ] {
            let answer = try await fixture.ask(method, path)
            #expect(answer.status == .methodNotAllowed && answer.headers[.allow] == allowed, "\(method) \(path): \(answer)")
            #expect(try answer.detail.contains(allowed))
        }
    }

    @Test func `HEAD answers like GET, without the body`() async throws {
        let fixture = try APIFixture()
        let whole = try await fixture.ask(.get, "/v1/version")
        let head = try await fixture.ask(.head, "/v1/version")
        #expect(head.status == .ok && head.body.readableBytes == 0)
        #expect(head.headers[.contentLength] == "\(whole.body.readableBytes)")
        let missing = try await fixture.ask(.head, "/nothing")
        #expect(missing.status == .notFound && missing.body.readableBytes == 0)
    }

    @Test func `query parameters are known, given once, not empty and in UTF-8`() async throws {
        let fixture = try APIFixture()
        for (target, why) in [
            ("/v1/version?x=1", "no query parameter \"x\""), ("/v1/events?guest=", "guest is empty"), ("/v1/events?guest", "guest is empty"),
            ("/v1/events?guest=a&guest=b", "given twice"), ("/v1/events?guest=%zz", "can't be read"), ("/v1/events?guest=%ff", "can't be read"),
            ("/v1/events?guest=%00", "can't be read"), ("/v1/events?guest=a%0ab", "can't be read"),
            ("/v1/events?&guest=a", "no query parameter \"\""),
            ("/v1/events?reason=none", "arp-sender-ip"), ("/v1/events?direction=up", "from-guest"), ("/v1/events?severity=bad", "violation"),
            ("/v1/events?limit=0", "1 to 1000"), ("/v1/events?limit=1001", "1 to 1000"), ("/v1/events?limit=%2b5", "1 to 1000"),
            ("/v1/events?limit=99999999999999999999", "1 to 1000"), ("/v1/events?since=yesterday", "15m"), ("/v1/events?after=1", "next"),
            ("/v1/events?since=1h&until=2h", "later than until"), ("/v1/events/pcap?after=1-1", "no query parameter \"after\""),
            ("/v1/status/%ff", "path"), ("/v1/status/%2", "path"),
        ] {
            let answer = try await fixture.ask(.get, target)
            #expect(answer.status == .badRequest, "\(target): \(answer.status)")
            let detail = try answer.detail
            #expect(detail.contains(why), "\(target): \(detail)")
        }
    }

    @Test func `what a client sends comes back as text that steers no terminal`() async throws {
        let fixture = try APIFixture()
        // A right-to-left override, and a C1 control character, which is CSI to some terminals.
        let answer = try await fixture.ask(.get, "/v1/events?%E2%80%AEguest=1")
        #expect(answer.status == .badRequest)
        #expect(try answer.detail.contains("\\u{202e}guest"))
        #expect(!answer.text.unicodeScalars.contains("\u{202e}"))
        let body = try await fixture.ask(.post, "/v1/policy/check", type: "application/yaml", body: "guests: {\"a\u{9b}31m\u{202e}\": 7}\n")
        #expect(body.status == .ok)
        #expect(!body.text.unicodeScalars.contains { $0 == "\u{9b}" || $0 == "\u{202e}" })
    }

    @Test func `JSON holds no character that steers a terminal, and reads the same`() throws {
        let name = "a\u{9b}\u{202e}\u{1b}[31mü€😀\u{e000}\u{7f}"
        let bytes = try JSONText.bytes(["name": name])
        #expect(try JSONDecoder().decode([String: String].self, from: Data(bytes)) == ["name": name])
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("ü€😀") && text.contains("\\u009b\\u202e\\u001b[31m") && text.contains("\\ue000\\u007f"), "\(text)")
    }

    @Test func `a body is of the right type, whole, and no larger than it may be`() async throws {
        let fixture = try APIFixture()
        let attach = "/v1/ports/vif1.0/attach"
        for (type, extra) in [(nil, [:]), ("text/html", [:]), ("application/json", [.contentEncoding: "gzip"])] as [(String?, HTTPFields)] {
            let answer = try await fixture.ask(.post, attach, type: type, body: "{}", headers: extra)
            #expect(answer.status == .unsupportedMediaType && answer.headers[.accept] == "application/json", "\(type ?? "none")")
            #expect(try answer.detail.contains("application/json"))
        }
        let large = String(repeating: " ", count: 1 << 20)
        let refused = try await fixture.ask(.post, attach, type: "application/json", body: large + "{}")
        #expect(refused.status == .contentTooLarge)
        #expect(try refused.detail.contains("1 MiB"))
        // Frames may be more.
        #expect(try await fixture.ask(.post, "/v1/explain?port=vif1.0", type: "text/plain; charset=utf-8", body: large + "00").status == .ok)
        for path in ["/v1/apply", "/v1/ports/vif1.0/detach"] {
            let answer = try await fixture.ask(.post, path, type: "application/json", body: "{}")
            #expect(answer.status == .badRequest)
            #expect(try answer.detail.contains("no body"))
        }
    }

    @Test func `a body that says it is small and isn't, is cut off`() async throws {
        let fixture = try APIFixture()
        let answer = try await fixture.ask(
            .post, "/v1/policy/check", type: "text/plain", bytes: [UInt8](repeating: 0x23, count: (1 << 20) + 1))
        #expect(answer.status == .contentTooLarge)
    }

    @Test func `all bodies together have a bound`() async throws {
        var limits = APILimits()
        limits.bodyMemory = 100_000
        let fixture = try APIFixture(limits: limits)
        let api = fixture.api
        let request = { (count: Int) in
            Request(
                head: HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/", headerFields: [.contentType: "text/plain"]),
                body: RequestBody(buffer: ByteBuffer(repeating: 0x20, count: count)))
        }
        var first: Body? = try await Body.of(request(60_000), types: ["text/plain"], atMost: 1 << 20, in: api.memory)
        await #expect(throws: Problem.self) { _ = try await Body.of(request(60_000), types: ["text/plain"], atMost: 1 << 20, in: api.memory) }
        #expect(first?.bytes.count == 60_000)
        first = nil
        #expect(try await Body.of(request(90_000), types: ["text/plain"], atMost: 1 << 20, in: api.memory).bytes.count == 90_000)
    }

    @Test func `work that would have to wait too long is refused`() async throws {
        let lane = WorkLane("test", waiting: 1)
        let (started, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let first: Int = lane.run {
            started.signal()
            gate.wait()
            return 1
        }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                started.wait()
                continuation.resume()
            }
        }
        let refused = await #expect(throws: Problem.self) { try await lane.run { 2 } }
        #expect(refused?.status == .serviceUnavailable && refused?.headers[.retryAfter] == "1")
        gate.signal()
        #expect(try await first == 1)
        #expect(try await lane.run { 3 } == 3)
    }
}
