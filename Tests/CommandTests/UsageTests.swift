import Foundation
import Testing

@Suite(.timeLimit(.minutes(10)))
struct UsageTests {
    @Test func `help and version are no failures`() throws {
        for arguments in [["--help"], ["help", "attach"], ["--version"], ["version"], ["status", "-h"], []] {
            let command = try Command(arguments)
            #expect(command.status == 0 && !command.output.isEmpty && command.errors.isEmpty, "\(arguments)")
        }
    }

    @Test func `wrong usage ends with 2 and says so on standard error alone`() throws {
        for arguments in [
            ["bogus"], ["attach"], ["explain"], ["check", "extra"], ["status", "--pins", ""],
            ["install"], ["install", "--bogus"], ["init", "--xen-folder", ""], ["hook", "kvm"],
            ["top", "--interval", "0.1"], ["top", "--interval", "nan"], ["top", "--count", "0"], ["top", "--once", "--count", "2"],
            ["explain", "00", "--port", "x", "--tag", "4096"],
        ] {
            let command = try Command(arguments)
            #expect(
                command.status == 2 && command.output.isEmpty && command.errors.hasPrefix("vifguard: "), "\(arguments): \(command.errors)")
        }
    }

    @Test func `what isn't a terminal gets no colours`() throws {
        let command = try Command(["explain", "frames.txt", "--port", "vif1.0", "--policy", "policy.yaml"], environment: ["TERM": "xterm"])
        #expect(command.status == 0 && !command.output.contains("\u{1b}"))
    }

    @Test func `the policy comes from the option, else from the environment`() throws {
        #expect(try Command(["check"], environment: ["VIFGUARD_POLICY": "policy.yaml"]).status == 0)
        let both = try Command(["check", "--policy", "faulty.yaml"], environment: ["VIFGUARD_POLICY": "policy.yaml"])
        #expect(both.status == 1)
    }

    @Test func `a reader that leaves is no failure`() throws {
        // The shell's reader ends at once; without pipefail the status is written to a file descriptor of its own.
        let frame = "ffffffffffff00163e38b4ac0806"
        let script = "{ { sleep 0.2; \"$0\" explain \(frame) --port vif1.0 --policy policy.yaml; echo $? >&3; } | true; } 3>&1"
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", script, Command.binaryPath]
        process.currentDirectoryURL = Command.inputs
        process.standardOutput = output
        try process.run()
        let status = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(status == "0\n")
    }

    @Test func `help fits into 80 columns`() throws {
        for name in [
            "check", "plan", "apply", "attach", "detach", "status", "top", "explain", "events", "rules", "prove", "init", "install", "hook",
            "uninstall", "version",
        ] {
            let lines = try Command([name, "--help"]).output.split(separator: "\n")
            #expect(lines.filter { $0.count > 80 } == [], "\(name)")
        }
    }

    @Test func `output that can't be written is a failure`() throws {
        let script = "exec \"$0\" version > /dev/full"
        let command = try Command(["-c", script, Command.binaryPath], program: URL(filePath: "/bin/sh"))
        #expect(command.status == 1 && command.errors.contains("No space left on device"))
    }

    @Test func `input without an end is refused, not taken into memory`() throws {
        let command = try Command(["explain", "/dev/zero", "--port", "vif1.0", "--policy", "policy.yaml"])
        #expect(command.status == 1 && command.errors.contains("256 MiB"), "\(command.errors)")
    }

    @Test func `the version says which programs it brings`() throws {
        struct Facts: Decodable {
            var version: String
            var program: String
            var layout: Int
        }
        let facts = try JSONDecoder().decode(Facts.self, from: Data(Command(["version", "--json"]).output.utf8))
        #expect(facts.program.count == 16 && facts.program.allSatisfy(\.isHexDigit) && facts.layout > 0)
        let text = try Command(["version"]).output
        #expect(
            text.hasPrefix("vifguard \(facts.version), on Linux ")
                && text.contains("programs \(facts.program), map layout \(facts.layout)\n"))
    }

    @Test func `nothing that a file or an option holds reaches the terminal as a command to it`() throws {
        let command = try Command(["explain", "no\u{1b}[2Jfile", "--port", "\u{1b}]0;x\u{7}", "--policy", "policy.yaml"])
        #expect(command.status == 1 && !command.errors.contains("\u{1b}") && !command.errors.contains("\u{7}"), "\(command.errors)")
        let misused = try Command(["\u{1b}[2J"])
        #expect(misused.status == 2 && !misused.errors.contains("\u{1b}"), "\(misused.errors)")
    }
}
