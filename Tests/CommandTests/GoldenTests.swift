import Foundation
import Testing

/// The command's own words, kept in Golden/. UPDATE_GOLDEN=1 writes what it says now: read the difference before keeping it.
@Suite(.timeLimit(.minutes(10)))
struct GoldenTests {
    struct Case: CustomTestStringConvertible {
        var name: String
        var arguments: [String]
        var input: [UInt8] = []

        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "check", arguments: ["check", "--policy", "policy.yaml"]),
        Case(name: "check-json", arguments: ["check", "--policy", "policy.yaml", "--json"]),
        Case(name: "check-faulty", arguments: ["check", "--policy", "faulty.yaml"]),
        Case(name: "check-faulty-json", arguments: ["check", "--policy", "faulty.yaml", "--json"]),
        Case(name: "check-missing", arguments: ["check", "--policy", "missing.yaml"]),
        Case(name: "explain", arguments: ["explain", "-", "--port", "vif1.0", "--policy", "policy.yaml"], input: Frames.story),
        Case(
            name: "explain-json", arguments: ["explain", "-", "--port", "vif1.0", "--policy", "policy.yaml", "--json"],
            input: Frames.story),
        Case(name: "explain-audit", arguments: ["explain", "-", "--port", "vif2.0", "--policy", "policy.yaml"], input: Frames.story),
        Case(
            name: "explain-uplink", arguments: ["explain", "-", "--port", "eth0", "--policy", "policy.yaml"],
            input: Frames.capture([Frames.arp(Frames.gateway, Frames.gateway4, target: Frames.www4), Frames.arp(Frames.www, Frames.www4)])),
        Case(
            name: "explain-to-guest",
            arguments: ["explain", "-", "--port", "vif1.0", "--direction", "to-guest", "--policy", "policy.yaml"],
            input: Frames.capture([
                Frames.arp(Frames.gateway, Frames.gateway4, target: Frames.www4),
                Frames.arp(Frames.gateway, Frames.gateway4, target: Frames.mail4),
            ])),
        Case(
            name: "explain-closed", arguments: ["explain", "frames.txt", "--port", "vif9.0", "--bridge", "br0", "--policy", "policy.yaml"]),
        Case(
            name: "explain-stated",
            arguments: ["explain", "frames.txt", "--port", "tap0", "--mac", "00:16:3e:38:b4:ac", "--address", "192.0.2.44", "--tag", "7"]),
        Case(name: "explain-unknown-port", arguments: ["explain", "frames.txt", "--port", "vif9.0", "--policy", "policy.yaml"]),
        Case(
            name: "explain-wrong-way",
            arguments: ["explain", "frames.txt", "--port", "eth0", "--direction", "to-guest", "--policy", "policy.yaml"]),
        Case(
            name: "explain-cut-capture", arguments: ["explain", "-", "--port", "vif1.0", "--policy", "policy.yaml"],
            input: Frames.story.dropLast(3)),
        Case(name: "explain-half-byte", arguments: ["explain", "ffffff0", "--port", "vif1.0", "--policy", "policy.yaml"]),
        Case(name: "rules", arguments: ["rules", "--engine", "classic", "--policy", "classic.yaml"]),
        Case(name: "rules-port", arguments: ["rules", "--engine", "classic", "--policy", "classic.yaml", "--port", "vif1.0"]),
        Case(
            name: "rules-stated",
            arguments: [
                "rules", "--engine", "classic", "--port", "vif1.0", "--mac", "00:16:3E:38:B4:AC", "--address", "216.146.46.43",
                "--address", "2607:F590:0000:FFFF:0000:0000:0000:0060", "--uplink", "peth0",
            ]),
        Case(
            name: "rules-down",
            arguments: [
                "rules", "--down", "--port", "vif1.0", "--mac", "00:16:3E:38:B4:AC", "--address", "216.146.46.43", "--address",
                "2607:F590:0000:FFFF:0000:0000:0000:0060", "--uplink", "peth0",
            ]),
        Case(name: "rules-json", arguments: ["rules", "--policy", "classic.yaml", "--json"]),
        Case(name: "check-classic", arguments: ["check", "--policy", "classic.yaml"]),
        Case(name: "usage-rules-ebpf", arguments: ["rules", "--engine", "ebpf"]),
        Case(name: "usage-rules-no-uplink", arguments: ["rules", "--port", "vif1.0", "--mac", "00:16:3e:38:b4:ac", "--address", "216.146.46.43"]),
        Case(name: "usage-no-mac", arguments: ["attach", "vif1.0", "--bridge", "br0"]),
        Case(
            name: "usage-bad-mac",
            arguments: ["attach", "vif1.0", "--bridge", "br0", "--mac", "01:00:5e:00:00:01", "--address", "192.0.2.43"]),
        Case(name: "usage-unknown-option", arguments: ["status", "--colour"]),
        Case(name: "usage-unknown-subcommand", arguments: ["protect"]),
        Case(name: "usage-unknown-reason", arguments: ["events", "--reason", "arp-spoof"]),
    ]

    @Test(arguments: cases) func `it says what it said`(_ one: Case) throws {
        let transcript = try Command(one.arguments, input: one.input).transcript(of: one.arguments)
        let file = Command.folder.appending(path: "Golden/\(one.name).txt")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            return try transcript.write(to: file, atomically: true, encoding: .utf8)
        }
        let golden = try String(contentsOf: file, encoding: .utf8)
        guard transcript != golden else { return }
        Issue.record("\(Self.difference(golden, transcript))\n\(one.name) changed; UPDATE_GOLDEN=1 keeps what it says now")
    }

    /// What is gone and what has come, line by line, as diff(1) marks it.
    private static func difference(_ before: String, _ after: String) -> String {
        let lines = [before, after].map { $0.split(separator: "\n", omittingEmptySubsequences: false) }
        return lines[1].difference(from: lines[0]).map { change in
            switch change {
            case .remove(let offset, let line, _): "-\(offset + 1): \(line)"
            case .insert(let offset, let line, _): "+\(offset + 1): \(line)"
            }
        }.joined(separator: "\n")
    }

    @Test(arguments: cases) func `no line for people is wider than 80 columns`(_ one: Case) throws {
        let command = try Command(one.arguments, input: one.input)
        // A command of `rules` is one line, however long: it is there to be copied.
        let isForMachines = one.arguments.contains("--json") || one.arguments[0] == "rules"
        let lines = (isForMachines ? "" : command.output) + command.errors
        for line in lines.split(separator: "\n") where line.contains(" ") { #expect(line.count <= 80, "\(line)") }
    }

    @Test func `every golden file belongs to a case`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Command.folder.appending(path: "Golden").path)
        #expect(Set(files) == Set(Self.cases.map { "\($0.name).txt" }))
    }
}
