import Datapath
import Foundation
import Lab
import Testing

/// The command with no more than what the systemd unit gives its service: its capabilities, and its view of /sys and
/// /proc/sys.
@Suite(.timeLimit(.minutes(5)))
struct ServiceCapabilityTests {
    private static let unit = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Packaging/vifguard.service.in")

    private func values(_ key: String) throws -> [String] {
        let lines = try String(contentsOf: Self.unit, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("\(key)=") }
        return lines.flatMap { $0.dropFirst(key.count + 1).split(separator: " ").map(String.init) }
    }

    /// Runs a command as the unit would. Mounts are made as systemd makes them (core/namespace.c): what is to be read only is
    /// mounted on itself so, with what is to be written below.
    private func run(_ words: String..., without capability: String? = nil, in fixture: CommandFixture) throws -> CommandResult {
        let capabilities = try values("CapabilityBoundingSet").filter { $0 != capability }
            .map { "+" + $0.lowercased().replacingOccurrences(of: "cap_", with: "") }
        try #require(!capabilities.isEmpty)
        var mounts: [String] = []
        let readOnly = try values("ReadOnlyPaths")
        let written = try values("ReadWritePaths").map { ($0.hasPrefix("-") ? String($0.dropFirst()) : $0) }
        try #require(readOnly.contains("/sys") && readOnly.contains("/proc/sys") && written.contains("/sys/fs/bpf"))
        for path in readOnly { mounts.append("mount --rbind \(path) \(path)") }
        for path in written { mounts.append("if test -e \(path); then mount --bind \(path) \(path); fi") }
        for path in readOnly { mounts.append("mount -o remount,bind,ro \(path)") }
        let script =
            "set -e; \(mounts.joined(separator: "; ")); exec setpriv --no-new-privs --bounding-set=-all,\(capabilities.joined(separator: ",")) "
            + "--inh-caps=-all --ambient-caps=-all -- \"$@\""
        let command = ["unshare", "--mount", "sh", "-c", script, "sh"] + words
        return try fixture.host.execute(command, atMost: .seconds(60))
    }

    private func vifguard(_ words: String..., without capability: String? = nil, in fixture: CommandFixture) throws -> CommandResult {
        let script = "exec \"$0\" " + words.map { "'\($0)'" }.joined(separator: " ")
        return try run("sh", "-c", script, CommandFixture.binary, without: capability, in: fixture)
    }

    @Test func `it has these capabilities and no others, and can't write elsewhere in sys`() throws {
        let fixture = try CommandFixture()
        let status = try run("grep", "CapEff", "/proc/self/status", in: fixture).output
        // By number (linux/capability.h): CHOWN 0, NET_ADMIN 12, PERFMON 38, BPF 39.
        let expected: UInt64 = 1 << 0 | 1 << 12 | 1 << 38 | 1 << 39
        #expect(UInt64(status.split(separator: "\t").last?.dropLast() ?? "", radix: 16) == expected, "\(status)")
        let elsewhere = try run("sh", "-c", "echo 1 > /proc/sys/vm/overcommit_memory", in: fixture)
        #expect(elsewhere.status != 0 && elsewhere.errors.contains("Read-only"), "\(elsewhere)")
        #expect(try run("sh", "-c", "cat /sys/class/net/br0/mtu > /sys/class/net/br0/mtu", in: fixture).errors.contains("Read-only"))
    }

    @Test func `a bridge is guarded, watched, and its programs are exchanged for others`() throws {
        let fixture = try CommandFixture()
        let applied = try vifguard("apply", "--policy", fixture.policy.path, in: fixture)
        #expect(applied.succeeded && applied.errors.isEmpty, "\(applied)")
        #expect(try fixture.port("vif1.0").state == "bound")
        // Also the ports' disable_ipv6, below /proc/sys/net.
        #expect(try fixture.host.output(of: ["cat", "/proc/sys/net/ipv6/conf/vif1.0/disable_ipv6"]) == "1\n")
        #expect(try fixture.succeed("plan").contains("Nothing to do"))

        let before = try programs(fixture)
        try fixture.write("stamp-bit: 29\n" + CommandFixture.soundPolicy)
        let again = try vifguard("apply", "--policy", fixture.policy.path, in: fixture)
        #expect(again.succeeded && again.errors.isEmpty, "\(again)")
        #expect(try fixture.status().stampBit == 29)
        let after = try programs(fixture)
        #expect(before.count == 8 && after.count == 8 && Set(before).isDisjoint(with: after), "\(before) \(after)")

        try fixture.write("max-ports: 8192\nstamp-bit: 29\n" + CommandFixture.soundPolicy)
        let moved = try vifguard("apply", "--policy", fixture.policy.path, in: fixture)
        #expect(moved.succeeded && moved.errors.contains("max-ports"), "\(moved)")
        #expect(try fixture.status().maximumPorts == 8192 && Set(programs(fixture)).isDisjoint(with: after))

        for words in [["status"], ["events"], ["top", "--once", "--interval", "0.2"]] {
            let result = try run("sh", "-c", "exec \"$0\" \(words.joined(separator: " "))", CommandFixture.binary, in: fixture)
            #expect(result.succeeded && result.errors.isEmpty, "\(words): \(result)")
        }
        let uninstalled = try vifguard("uninstall", "--yes", in: fixture)
        #expect(uninstalled.succeeded && uninstalled.errors.isEmpty, "\(uninstalled)")
    }

    /// The programs' numbers at both hooks of all four ports.
    private func programs(_ fixture: CommandFixture) throws -> [UInt32] {
        try fixture.host.run {
            let datapath = try Datapath.open()
            return try datapath.ports().flatMap { try datapath.programIDs(of: $0.port.index) }
        }
    }

    @Test(arguments: ["CAP_NET_ADMIN", "CAP_BPF", "CAP_PERFMON"])
    func `none of them can be left out, and what fails says so`(capability: String) throws {
        let fixture = try CommandFixture()
        let refused = try vifguard("apply", "--policy", fixture.policy.path, without: capability, in: fixture)
        #expect(refused.status == 1 && !refused.errors.isEmpty, "\(capability): \(refused)")
    }
}
