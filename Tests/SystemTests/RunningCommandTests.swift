import Glibc
import Lab
import Netlink
import Testing

@testable import Processes

@Suite(.timeLimit(.minutes(5)))
struct RunningCommandTests {
    @Test func `a command runs in the namespace it is given to`() throws {
        let namespace = try NetworkNamespace()
        try namespace.run { try Link.create("only-here", .veth()) }
        #expect(try namespace.output(of: ["ip", "link", "show", "only-here"]).contains("only-here"))
        #expect(try namespace.output(of: ["ls", "/sys/class/net"]).contains("only-here"))
        #expect(try NetworkNamespace().execute(["ip", "link", "show", "only-here"]).status == 1)
    }

    @Test func `status, output and errors are told apart`() throws {
        let result = try NetworkNamespace().execute(["sh", "-c", "echo out; echo err >&2; exit 7"])
        #expect(result == CommandResult(status: 7, output: "out\n", errors: "err\n"))
    }

    @Test func `more output than a pipe holds arrives whole`() throws {
        let output = try NetworkNamespace().output(of: ["head", "-c", "1000000", "/dev/zero"])
        #expect(output.utf8.count == 1_000_000)
    }

    @Test func `arguments are never read by a shell`() throws {
        #expect(try NetworkNamespace().output(of: ["echo", "$HOME; `id` *"]) == "$HOME; `id` *\n")
    }

    @Test func `a command that takes too long is ended, with its children`() throws {
        let namespace = try NetworkNamespace()
        let command = try namespace.start(["sh", "-c", "sleep 600 & echo $!; wait"])
        var child: pid_t?
        for _ in 0..<500 where child == nil {
            child = pid_t(command.outputSoFar.filter(\.isNumber))
            usleep(10_000)
        }
        let sleeper = try #require(child)
        let error = #expect(throws: ProcessError.self) { try command.wait(atMost: .milliseconds(50)) }
        #expect(error?.description.contains("took longer") == true)
        #expect(kill(command.processID, 0) != 0)
        // The grandchild is init's to bury; until then it is a zombie.
        var state = "R"
        for _ in 0..<500 where state != "Z" && state != "" {
            state = String((try? namespace.output(of: ["ps", "-o", "stat=", "-p", "\(sleeper)"]))?.first.map(String.init) ?? "")
            usleep(10_000)
        }
        #expect(state == "Z" || state == "")
    }

    @Test func `without a process descriptor a command's end is seen, too`() throws {
        func start(_ arguments: String...) throws -> RunningCommand {
            try RunningCommand(starting: arguments, nil, nil, .max, withDescriptor: false)
        }
        #expect(
            try start("sh", "-c", "echo out; exit 7").wait(atMost: .seconds(20)) == CommandResult(status: 7, output: "out\n", errors: ""))
        // Also where a child of it keeps its pipes open.
        let parent = try start("sh", "-c", "sleep 600 & echo $!").wait(atMost: .seconds(20))
        let child = try #require(pid_t(parent.output.filter(\.isNumber)))
        #expect(parent.status == 0 && kill(child, SIGKILL) == 0)
        let slow = try start("sleep", "600")
        #expect(throws: ProcessError.self) { try slow.wait(atMost: .milliseconds(50)) }
        #expect(kill(slow.processID, 0) != 0)
    }

    @Test func `a command left alone ends with its last reference`() throws {
        let namespace = try NetworkNamespace()
        var command: RunningCommand? = try namespace.start(["sleep", "600"])
        let process = try #require(command).processID
        #expect(kill(process, 0) == 0)
        command = nil
        #expect(kill(process, 0) != 0)
    }

    @Test func `a program that isn't installed is named`() throws {
        let error = #expect(throws: LabError.self) { try NetworkNamespace().execute(["no-such-program"]) }
        #expect(error?.description.contains("no-such-program") == true)
    }
}
