import Foundation
import HTTPTypes
import Testing

@testable import API

@Suite(.timeLimit(.minutes(10)))
struct TokenTests {
    private static let text = String(repeating: "t", count: 31) + "/"

    @Test func `by TCP nothing is answered without the token`() async throws {
        let fixture = try APIFixture()
        let token = try #require(BearerToken(Array(Self.text.utf8)))
        let wrong: [HTTPFields] = [
            [:], [.authorization: ""], [.authorization: "Bearer"], [.authorization: "Bearer "], [.authorization: Self.text],
            [.authorization: "Basic \(Self.text)"], [.authorization: "Bearer \(Self.text)x"], [.authorization: "Bearer \(Self.text.dropLast())"],
            [.authorization: "Bearer \(Self.text.dropLast())x"], [.authorization: "Bearer \(Self.text)\(Self.text)"],
        ]
        for headers in wrong {
            for path in ["/metrics", "/v1/health", "/v1/version", "/v1/openapi.yaml", "/v1/status", "/nothing"] {
                let answer = try await fixture.ask(.get, path, headers: headers, token: token)
                #expect(answer.status == .unauthorized && answer.headers[.wwwAuthenticate] == "Bearer", "\(path) \(headers)")
            }
            #expect(try await fixture.ask(.post, "/v1/apply", headers: headers, token: token).status == .unauthorized)
        }
        var twice: HTTPFields = [.authorization: "Bearer \(Self.text)"]
        twice.append(HTTPField(name: .authorization, value: "Bearer \(Self.text)"))
        #expect(try await fixture.ask(.get, "/v1/version", headers: twice, token: token).status == .unauthorized)
        for scheme in ["Bearer", "bearer", "BEARER "] {
            #expect(try await fixture.ask(.get, "/v1/version", headers: [.authorization: "\(scheme) \(Self.text)"], token: token).status == .ok)
        }
        #expect(!fixture.lines.text.contains(Self.text) && fixture.lines.text.contains("without the right token"))
    }

    @Test func `a token's file is root's, closed to others, and holds one long line`() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "vifguard-token-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        func read(_ text: String, mode: mode_t) throws -> BearerToken {
            try Data(text.utf8).write(to: file)
            #expect(chmod(file.path, mode) == 0)
            return try BearerToken(file: file.path)
        }
        guard geteuid() == 0 else {
            #expect(throws: APIError.self) { try read(Self.text, mode: 0o600) }
            return
        }
        for mode: mode_t in [0o600, 0o640, 0o400] {
            #expect(try read(Self.text + "\n", mode: mode).isShown(by: "Bearer \(Self.text)"))
        }
        for mode: mode_t in [0o644, 0o660, 0o604, 0o602, 0o700, 0o4600] {
            #expect(throws: APIError.self, "\(String(mode, radix: 8))") { try read(Self.text, mode: mode) }
        }
        for text in [
            "", "short", Self.text + " x", Self.text + "\n" + Self.text, String(repeating: "t", count: 1025), "\0" + Self.text, Self.text + "ü",
        ] {
            #expect(throws: APIError.self, "\(text)") { try read(text, mode: 0o600) }
        }
        _ = try read(Self.text, mode: 0o600)
        #expect(chown(file.path, 1, 0) == 0)
        #expect(throws: APIError.self) { try BearerToken(file: file.path) }
        #expect(throws: APIError.self) { try BearerToken(file: file.deletingLastPathComponent().path) }
        #expect(throws: APIError.self) { try BearerToken(file: "/nowhere") }
    }

    @Test func `an address to listen at is a host and a port`() {
        for (text, host, port) in [("127.0.0.1:9470", "127.0.0.1", 9470), ("[::1]:80", "::1", 80), ("guard.example:65535", "guard.example", 65535)] {
            let address = ListenAddress(text)
            #expect(address?.host == host && address.map { Int($0.port) } == port && address?.description == text)
        }
        for text in [
            "", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "::1:80", "[::1]", "[]:80", "[a]:80", "a b:80", "a:+80",
            "a:080000", "ü:80",
        ] {
            #expect(ListenAddress(text) == nil, "\(text)")
        }
    }
}
