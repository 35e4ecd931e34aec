import Foundation
import Policy
import Testing

@testable import Agent

struct PolicySourceTests {
    private static func policy(_ address: String) -> String {
        """
        bridges: {br0: {gateways: [192.0.2.254]}}
        guests:
          www:
            interfaces: [{port: vif1.0, bridge: br0, mac: "02:00:00:00:00:01", addresses: [\(address)]}]

        """
    }

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-policy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder.appending(path: "guests.d"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test func `files are read when they are others, and a mistake leaves what was read before`() throws {
        try withFolder { folder in
            let file = folder.appending(path: "policy.yaml")
            try Self.policy("192.0.2.1").write(to: file, atomically: true, encoding: .utf8)
            var source = PolicySource(path: folder.path)
            var isRead = source.refresh()
            #expect(isRead && source.problems.isEmpty && source.policy?.interfaces.count == 1)
            isRead = source.refresh()
            #expect(!isRead)
            let sound = source.policy
            try Self.policy("192.0.2.254").write(to: file, atomically: true, encoding: .utf8)
            isRead = source.refresh()
            #expect(isRead && source.problems.count == 1 && source.policy == sound)
            try Self.policy("192.0.2.2").write(to: file, atomically: true, encoding: .utf8)
            isRead = source.refresh()
            #expect(isRead && source.problems.isEmpty && source.policy != sound && source.policy?.interfaces.count == 1)
        }
    }

    @Test func `another engine isn't taken while the agent runs`() throws {
        try withFolder { folder in
            let file = folder.appending(path: "policy.yaml")
            try Self.policy("192.0.2.1").write(to: file, atomically: true, encoding: .utf8)
            var source = PolicySource(path: folder.path)
            _ = source.refresh()
            let sound = source.policy
            try ("engine: classic\n" + Self.policy("192.0.2.2")).write(to: file, atomically: true, encoding: .utf8)
            let isRead = source.refresh()
            #expect(isRead && source.policy == sound)
            #expect(source.problems.count == 1 && "\(source.problems)".contains("while the agent runs"))
        }
    }

    @Test func `a guest's file that comes or goes is a change`() throws {
        try withFolder { folder in
            try "bridges: {br0: {}}\n".write(to: folder.appending(path: "policy.yaml"), atomically: true, encoding: .utf8)
            var source = PolicySource(path: folder.path)
            var isRead = source.refresh()
            #expect(isRead && source.policy?.interfaces.isEmpty == true)
            let guest = folder.appending(path: "guests.d/mail.yaml")
            try "interfaces: [{port: vif2.0, bridge: br0, mac: \"02:00:00:00:00:02\", addresses: [192.0.2.2]}]\n".write(
                to: guest, atomically: true, encoding: .utf8)
            isRead = source.refresh()
            #expect(isRead && source.problems.isEmpty && source.policy?.interfaces.count == 1, "\(source.problems)")
            try FileManager.default.removeItem(at: guest)
            isRead = source.refresh()
            #expect(isRead && source.policy?.interfaces.isEmpty == true)
        }
    }

    @Test func `without a policy there is none, and a reason`() {
        var source = PolicySource(path: "/nowhere/at/all")
        let isRead = source.refresh()
        #expect(isRead && source.policy == nil && source.problems.count == 1)
    }
}
