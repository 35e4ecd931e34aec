import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import API

/// The whole service at a socket of its own, and clients that mean no good.
@Suite(.timeLimit(.minutes(10)))
struct ServerTests {
    /// Runs the service while `body` does something with its socket.
    private func serving(
        _ limits: APILimits = APILimits(), _ body: @escaping @Sendable (APIFixture, String) async throws -> Void
    ) async throws {
        let fixture = try APIFixture(limits: limits)
        try await serving(fixture, fixture.configuration, body)
    }

    private func serving(
        _ fixture: APIFixture, _ configuration: APIConfiguration, _ body: @escaping @Sendable (APIFixture, String) async throws -> Void
    ) async throws {
        let service = APIService(configuration: configuration, agent: fixture.agent, logger: fixture.logger)
        var quiet = Logger(label: "group") { _ in SwiftLogNoOpLogHandler() }
        quiet.logLevel = .critical
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [service], logger: quiet))
        async let running: Void = group.run()
        while !fixture.lines.text.contains("the API listens at") { try await Task.sleep(for: .milliseconds(5)) }
        let result = await Result { try await body(fixture, configuration.socketPath) }
        await group.triggerGracefulShutdown()
        try await running
        try result.get()
        #expect(access(configuration.socketPath, F_OK) != 0, "the socket is still there")
    }

    private static func short(_ change: (inout APILimits.Times) -> Void) -> APILimits {
        var limits = APILimits()
        change(&limits.times)
        return limits
    }

    /// The server answers whoever comes now.
    private func expectAnswer(_ path: String, _ words: Comment = "") async throws {
        #expect(try await onThread { try Client.get(path, "/v1/version") }.status == 200, words)
    }

    @Test func `answers over the socket, several requests a connection, and logs who changes something`() async throws {
        try await serving { _, path in
            let text = try await onThread {
                let client = try Client(path)
                client.send("GET /v1/version HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                return client.rest()
            }
            #expect(
                text.contains("HTTP/1.1 200 OK") && text.contains("HTTP/1.1 404 Not Found") && text.lowercased().contains("cache-control: no-store"))
        }
    }

    @Test func `who asks before sending a body is told to`() async throws {
        try await serving { _, path in
            let text = try await onThread {
                let client = try Client(path)
                client.send(
                    "POST /v1/policy/check HTTP/1.1\r\nHost: a\r\nContent-Type: text/yaml\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
                )
                let first = client.some() ?? []
                client.send("{}")
                return String(decoding: first, as: UTF8.self) + client.rest()
            }
            #expect(text.hasPrefix("HTTP/1.1 100 Continue\r\n\r\n") && text.contains("HTTP/1.1 200 OK"), "\(text)")
        }
    }

    @Test(arguments: [
        "\u{16}\u{3}\u{1}\u{2}", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA\u{0}B: c\r\n\r\n",
        "POST /v1/apply HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/apply HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /v1/apply HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "GET /v1/version HTTP/1.1\r\nHost : a\r\n\r\n",
        "POST /v1/policy/check HTTP/1.1\r\nHost: a\r\nContent-Type: text/yaml\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func `what is no request is refused, and harms nobody`(_ bytes: String) async throws {
        try await serving { _, path in
            let text = try await onThread {
                let client = try Client(path)
                client.send(bytes)
                return client.rest()
            }
            #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 400 "), "\(text)")
            try await expectAnswer(path)
        }
    }

    @Test func `a head has its bounds`() async throws {
        try await serving { _, path in
            let long = String(repeating: "a", count: 9 << 10)
            let many = (0..<70).map { "X-\($0): a\r\n" }.joined()
            let much = (0..<40).map { "X-\($0): \(String(repeating: "a", count: 1000))\r\n" }.joined()
            for head in [
                "GET /v1/version HTTP/1.1\r\nHost: a\r\nX: \(long)\r\n\r\n", "GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\n\(many)\r\n", "GET / HTTP/1.1\r\n\(much)\r\n",
            ] {
                let text = try await onThread {
                    let client = try Client(path)
                    client.send(head)
                    return client.rest()
                }
                #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 4"), "\(head.prefix(20)): \(text.prefix(200))")
                #expect(!text.contains("200 OK"))
            }
            try await expectAnswer(path)
        }
    }

    @Test func `a head that comes a byte at a time is cut off`() async throws {
        try await serving(Self.short { $0.head = .milliseconds(300) }) { _, path in
            try await onThread {
                let client = try Client(path)
                for byte in "GET /v1/version HTTP/1.1\r\nX: ".utf8 {
                    guard client.send([byte]) else { break }
                    usleep(20_000)
                }
                while client.send("a") { usleep(20_000) }
                #expect(client.failure == EPIPE || client.failure == ECONNRESET)
            }
            try await expectAnswer(path)
        }
    }

    @Test func `a body that comes a byte at a time is cut off`() async throws {
        try await serving(Self.short { $0.body = .milliseconds(300) }) { _, path in
            try await onThread {
                let client = try Client(path)
                client.send("POST /v1/policy/check HTTP/1.1\r\nHost: a\r\nContent-Type: text/yaml\r\nContent-Length: 100000\r\n\r\n")
                while client.send("#") { usleep(20_000) }
                #expect(client.failure == EPIPE || client.failure == ECONNRESET)
            }
            try await expectAnswer(path)
        }
    }

    @Test func `a client that takes no answer in is cut off`() async throws {
        try await serving(Self.short { $0.answer = .milliseconds(500) }) { _, path in
            try await onThread {
                let client = try Client(path)
                // More answers than a socket's buffers hold, and nobody reads them.
                let request = "GET /v1/openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n"
                for _ in 0..<2000 { guard client.send(request) else { break } }
                while client.send(request) { usleep(10_000) }
                #expect(client.failure == EPIPE || client.failure == ECONNRESET)
            }
            try await expectAnswer(path)
        }
    }

    @Test func `a large body is refused before all of it has come`() async throws {
        try await serving { _, path in
            let text = try await onThread {
                let client = try Client(path)
                client.send(
                    "POST /v1/ports/vif1.0/attach HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
                let chunk = "10000\r\n\(String(repeating: " ", count: 1 << 16))\r\n"
                for _ in 0..<40 { guard client.send(chunk) else { break } }
                return client.rest()
            }
            #expect(
                text.hasPrefix("HTTP/1.1 413 ") && text.contains("application/problem+json") && text.lowercased().contains("connection: close"),
                "\(text)")
            try await expectAnswer(path)
        }
    }

    @Test func `no user takes all connections, and those that are too many are told`() async throws {
        var limits = APILimits()
        limits.connectionsEach = 4
        try await serving(limits) { _, path in
            try await onThread {
                // The connections of this test's user are all there are; each is answered, so it is counted.
                var held: [Client] = []
                for _ in 0..<4 {
                    let client = try Client(path)
                    client.send("GET /v1/version HTTP/1.1\r\nHost: a\r\n\r\n")
                    #expect(client.some() != nil)
                    held.append(client)
                }
                let refused = try Client(path)
                let text = refused.rest()
                #expect(text.hasPrefix("HTTP/1.1 503 ") && text.contains("too many connections"), "\(text)")
                held.removeLast()
                // The place becomes free when the server has seen the end.
                var tries = 0
                while try Client.get(path, "/v1/version").status != 200, tries < 500 {
                    usleep(10_000)
                    tries += 1
                }
                #expect(try Client.get(path, "/v1/version").status == 200)
                withExtendedLifetime(held) {}
            }
        }
    }

    @Test func `a hundred hostile clients at once leave the server answering`() async throws {
        var limits = APILimits()
        (limits.connections, limits.connectionsEach) = (300, 300)
        try await serving(limits) { _, path in
            try await onThread {
                var clients: [Client] = []
                for number in 0..<100 {
                    let client = try Client(path)
                    switch number % 5 {
                    case 0: client.send("GET /v1/ver")
                    case 1:
                        client.send(
                            "POST /v1/explain?port=vif1.0 HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 60000000\r\n\r\n00\n")
                    case 2: client.send([0xff, 0, 0x0a, 0x0d])
                    case 3: client.send("GET /v1/openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n")
                    default: break
                    }
                    clients.append(client)
                }
                #expect(try Client.get(path, "/v1/version").status == 200)
                clients = []
                #expect(try Client.get(path, "/v1/version").status == 200)
            }
        }
    }

    @Test func `who connects is known by the kernel's word`() async throws {
        try await serving { fixture, path in
            let apply = "POST /v1/apply HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            // Fails, as there is no bpffs at the pins: what matters is who the log says it was.
            _ = try await onThread { try Client.ask(path, apply) }
            #expect(fixture.lines.text.contains("user \(geteuid()), process \(getpid())"), "\(fixture.lines.text)")
        }
    }

    @Test func `while it ends, what is being answered is answered`() async throws {
        let fixture = try APIFixture()
        let text = Mutex("")
        try await serving(fixture, fixture.configuration) { fixture, path in
            // A request that has begun and isn't whole yet.
            let client = try Client(path)
            client.send("POST /v1/policy/check HTTP/1.1\r\nHost: a\r\nContent-Type: text/yaml\r\nContent-Length: 2\r\n\r\n")
            let box = UncheckedBox(client)
            Thread {
                usleep(200_000)
                box.value.send("{}")
                let answer = box.value.rest()
                text.withLock { $0 = answer }
            }.start()
            // The server has its head before it is told to end.
            try await Task.sleep(for: .milliseconds(50))
        }
        while text.withLock({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(10)) }
        #expect(text.withLock { $0.hasPrefix("HTTP/1.1 200 OK") }, "\(text.withLock { $0 })")
    }

    // MARK: TCP

    @Test(arguments: ["127.0.0.1", "[::1]"])
    func `by TCP the token is asked for`(_ host: String) async throws {
        guard geteuid() == 0 else { return }
        let fixture = try APIFixture()
        let file = fixture.folder.appending(path: "token")
        let token = String(repeating: "s3cret-", count: 6)
        try Data(token.utf8).write(to: file)
        #expect(chmod(file.path, 0o600) == 0)
        var configuration = fixture.configuration
        let port = try freePort()
        configuration.listen = ListenAddress("\(host):\(port)")
        configuration.tokenFile = file.path
        try await serving(fixture, configuration) { fixture, path in
            let address = "http://\(host):\(port)/v1/version"
            #expect(try await status(of: address, token: nil) == 401)
            #expect(try await status(of: address, token: token + "x") == 401)
            #expect(try await status(of: address, token: token) == 200)
            #expect(try await status(of: "http://\(host):\(port)/metrics", token: nil) == 401)
            // At the socket nobody is asked.
            try await expectAnswer(path)
            #expect(!fixture.lines.text.contains(token))
        }
    }

    @Test func `who fills the TCP port up shuts nobody out of the socket`() async throws {
        guard geteuid() == 0 else { return }
        var limits = APILimits()
        (limits.connections, limits.connectionsEach, limits.times.head) = (2, 2, .seconds(600))
        let fixture = try APIFixture(limits: limits)
        let file = fixture.folder.appending(path: "token")
        try Data(String(repeating: "s3cret-", count: 6).utf8).write(to: file)
        #expect(chmod(file.path, 0o600) == 0)
        var configuration = fixture.configuration
        let port = try freePort()
        configuration.listen = ListenAddress("127.0.0.1:\(port)")
        configuration.tokenFile = file.path
        try await serving(fixture, configuration) { fixture, path in
            // The one that is listened at last.
            while !fixture.lines.text.contains("listens at 127.0.0.1") { try await Task.sleep(for: .milliseconds(5)) }
            try await onThread {
                let held = [try Client(port: port), try Client(port: port)]
                #expect(try Client(port: port).rest().hasPrefix("HTTP/1.1 503 "))
                #expect(try Client.get(path, "/v1/version").status == 200)
                withExtendedLifetime(held) {}
            }
        }
    }

    @Test func `by TCP nothing is offered without a token's file, nor anything else then`() async throws {
        let fixture = try APIFixture()
        var configuration = fixture.configuration
        configuration.listen = ListenAddress("127.0.0.1:\(try freePort())")
        let service = APIService(configuration: configuration, agent: fixture.agent, logger: fixture.logger)
        await #expect(throws: APIError.noTokenFile) { try await service.run() }
        #expect(access(configuration.socketPath, F_OK) != 0)
    }

    private func status(of address: String, token: String?) async throws -> Int {
        try await onThread {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/curl")
            process.arguments =
                ["-gsS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", "--noproxy", "*"]
                + (token.map { ["-H", "Authorization: Bearer \($0)"] } ?? []) + [address]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return Int(text) ?? 0
        }
    }

    /// One that was free a moment ago.
    private func freePort() throws -> UInt16 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0 }
        }
        try #require(result)
        return UInt16(bigEndian: address.sin_port)
    }
}

/// For a value that one thread after the other uses.
private struct UncheckedBox<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
