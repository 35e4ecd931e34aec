import Foundation
import Testing

@testable import vifguard

struct AgentPresenceTests {
    @Test func `an agent runs while somebody listens at its socket`() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "vifguard-\(UUID().uuidString)").path
        defer { unlink(path) }
        #expect(AgentPresence(socket: path) == .notRunning)
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafeBytes(of: &address) {
            bind(listener, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        try #require(bound == 0)
        // Made, but nobody listens: as what a killed agent leaves.
        #expect(AgentPresence(socket: path) == .notRunning)
        try #require(listen(listener, 0) == 0)
        // More than wait in its queue: it runs all the same, and nobody here waits for it.
        for _ in 0..<3 { #expect(AgentPresence(socket: path) == .running) }
        close(listener)
        #expect(AgentPresence(socket: path) == .notRunning)
    }

    @Test func `a path that no socket can have is unknown`() {
        #expect(AgentPresence(socket: "/" + String(repeating: "x", count: 200)) == .unknown)
        #expect(AgentPresence(socket: "/proc/self/status") != .running)
    }
}
