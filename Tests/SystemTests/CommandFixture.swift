import Foundation
import Lab
import Netlink
import Testing

/// A host as an operator meets it: a namespace with a bridge, an uplink and two guests' ports made by ip(8), a policy in a
/// file, and the built command.
final class CommandFixture {
    let host: NetworkNamespace
    let policy: URL
    /// Goes with the fixture.
    let folder: URL
    /// The agent's state, which isn't the machine's; nothing is there at first.
    var state: String { folder.appending(path: "state").path }

    static let soundPolicy = """
        bridges:
          br0:
            uplinks: [up0]
            gateways: [192.0.2.254]
            subnets: [192.0.2.0/24]
        guests:
          www.example.com:
            interfaces:
              - {port: vif1.0, bridge: br0, mac: "02:00:00:00:00:01", addresses: [192.0.2.1]}
        """

    init(policy text: String = soundPolicy) throws {
        host = try NetworkNamespace("command")
        folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-command-\(UUID().uuidString)")
        policy = folder.appending(path: "policy.yaml")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try write(text)
        var commands = ["link add br0 type bridge mcast_snooping 0", "link set br0 up"]
        for port in ["up0", "vif1.0", "vif2.0"] {
            commands += ["link add \(port) type veth peer name p-\(port)", "link set \(port) master br0 up", "link set p-\(port) up"]
        }
        let batch = folder.appending(path: "ports")
        try commands.joined(separator: "\n").write(to: batch, atomically: true, encoding: .utf8)
        // Nobody speaks but the test; a bridge that snoops reports itself to multicast routers (RFC 4286).
        try host.run { try InterfaceSetting.disableIPv6.set(1, for: "default") }
        _ = try host.output(of: ["ip", "-batch", batch.path], atMost: .seconds(60))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Another policy beside the first.
    func file(_ text: String) throws -> URL {
        let file = folder.appending(path: "other.yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    func write(_ text: String) throws { try text.write(to: policy, atomically: true, encoding: .utf8) }

    /// The command beside the tests that run.
    static var binary: String {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "vifguard").path
    }

    /// The command's words; those subcommands that read the policy or the agent's state get theirs.
    private func words(_ arguments: [String]) -> [String] {
        [Self.binary] + arguments + (["plan", "apply", "attach", "doctor"].contains(arguments[0]) ? ["--policy", policy.path] : [])
            + (["events", "status", "doctor"].contains(arguments[0]) ? ["--state", state] : [])
    }

    func run(_ arguments: String...) throws -> CommandResult { try host.execute(words(arguments), atMost: .seconds(60)) }
    func start(_ arguments: String...) throws -> RunningCommand { try host.start(words(arguments)) }

    /// What the command prints; it must succeed.
    func succeed(_ arguments: String...) throws -> String { try host.output(of: words(arguments), atMost: .seconds(60)) }

    func status() throws -> HostStatus {
        try JSONDecoder().decode(HostStatus.self, from: Data(try succeed("status", "--json").utf8))
    }

    func port(_ name: String) throws -> HostStatus.Port {
        try #require(try status().bridges.flatMap(\.ports).first { $0.name == name }, "\(name) isn't in the status")
    }
}

/// What of `status --json` these tests read.
struct HostStatus: Decodable {
    struct Bridge: Decodable {
        var name: String
        var ports: [Port]
        var unguarded: [String]
    }

    struct Port: Decodable {
        struct Binding: Decodable {
            var guest: String
            var origin: String
            var macs: [String]
            var addresses: [String]
        }
        struct Side: Decodable {
            struct Count: Decodable { var packets: Int }
            var passed: Count
            var dropped: [String: Count]
            var wouldDrop: [String: Count]
        }
        var name: String
        var kind: String
        var state: String
        var mode: String?
        var ingress: String?
        var egress: String?
        struct Audit: Decodable {
            var ready: Bool
            var violates: [String: Int]
            var since: String?
        }
        var binding: Binding?
        var audit: Audit?
        var sent: Side
        var received: Side
    }

    var program: String
    var isCurrent: Bool
    var stampBit: Int
    var maximumPorts: Int
    var bridges: [Bridge]
}
