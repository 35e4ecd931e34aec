import CLinux
import Glibc
import Netlink

/// What a finished command left behind.
public struct CommandResult: Hashable, Sendable {
    /// The exit status, or 128 and the number of the signal that ended it.
    public let status: Int32
    /// What it wrote; what isn't UTF-8 became U+FFFD.
    public let output: String
    public let errors: String

    public init(status: Int32, output: String, errors: String) {
        self.status = status
        self.output = output
        self.errors = errors
    }

    public var succeeded: Bool { status == 0 }
}

/// A program that runs without a shell in between, in the namespaces of the thread that started it. It ends with its last
/// reference.
public final class RunningCommand: @unchecked Sendable {
    public let arguments: [String]
    public let processID: pid_t
    // Negative: there is none.
    private let process: Int32
    // The pipes and what came out of them belong to the one who waits.
    private var pipes: [Int32]
    private var collected: [[UInt8]] = [[], []]
    private var status: Int32?
    private let maximumBytes: Int

    /// Starts the program in the calling thread's namespaces: a child process has its parent thread's.
    ///
    /// - Parameters:
    ///   - arguments: the program (looked for in PATH and the sbin folders) and its arguments.
    ///   - input: a descriptor that it reads its input from; nil: there is none.
    ///   - environment: all that it has for an environment, its PATH the one it is looked for in; nil: this process's.
    ///   - maximumBytes: one that writes more is ended.
    public convenience init(
        startingHere arguments: [String], input: Int32? = nil, environment: [String: String]? = nil, atMost maximumBytes: Int = .max
    ) throws(ProcessError) {
        try self.init(starting: arguments, input, environment, maximumBytes, withDescriptor: true)
    }

    /// - Parameter withDescriptor: whether the process gets one, where the kernel can (Linux 5.3).
    init(
        starting arguments: [String], _ input: Int32?, _ environment: [String: String]?, _ maximumBytes: Int, withDescriptor: Bool
    ) throws(ProcessError) {
        let action = "run \(arguments.first ?? "nothing")"
        let folders = environment?["PATH"] ?? getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        guard let name = arguments.first, let path = Self.find(name, in: folders) else {
            throw ProcessError(action: action, reason: "there is no such program here; install the package that has it")
        }
        var outputEnds: [Int32] = [-1, -1]
        var errorEnds: [Int32] = [-1, -1]
        defer { for end in [outputEnds[1], errorEnds[1]] where end >= 0 { close(end) } }
        guard clinux_pipe(&outputEnds) == 0, clinux_pipe(&errorEnds) == 0 else {
            let failure = ProcessError(action: action)
            for end in [outputEnds[0], errorEnds[0]] where end >= 0 { close(end) }
            throw failure
        }
        for end in [outputEnds[0], errorEnds[0]] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        var child: pid_t = 0
        let failed = Self.spawn(path, arguments, environment, input, outputEnds[1], errorEnds[1], &child)
        guard failed == 0 else {
            for end in [outputEnds[0], errorEnds[0]] { close(end) }
            throw ProcessError(action: action, errno: SystemErrorNumber(failed))
        }
        self.arguments = arguments
        self.maximumBytes = maximumBytes
        processID = child
        pipes = [outputEnds[0], errorEnds[0]]
        // Nobody else waits for this child, so its number can't have been given to another.
        process = withDescriptor ? clinux_process_descriptor(child) : -1
    }

    deinit {
        if status == nil { stop() }
        for pipe in pipes { close(pipe) }
        if process >= 0 { close(process) }
    }

    /// Waits for the program to end by itself.
    ///
    /// - Throws: `ProcessError` if it took longer or wrote too much; it has been ended then.
    public func wait(atMost limit: Duration) throws(ProcessError) -> CommandResult {
        let deadline = ContinuousClock.now + limit
        while status == nil {
            let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
            guard left > 0 else {
                stop()
                let said = String(decoding: collected[1] + collected[0], as: UTF8.self)
                throw ProcessError(action: "run '\(arguments.joined(separator: " "))'", reason: "it took longer than \(limit); it said: \(said)")
            }
            // The pipes may stay open longer than the program lives, if a child of it has them.
            var awaited = (pipes + [process]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            // Without a descriptor nothing tells of the program's end but to ask.
            _ = poll(&awaited, 3, Int32(min(left.rounded(.up), process >= 0 ? 1e6 : 20)))
            collect()
            if process < 0 { reap(WNOHANG) } else if awaited[2].revents != 0 { reap(0) }
            guard collected.allSatisfy({ $0.count <= maximumBytes }) else {
                stop()
                throw ProcessError(action: "run '\(arguments.joined(separator: " "))'", reason: "it writes more than \(maximumBytes) bytes")
            }
        }
        return result
    }

    /// Ends the program now, and gives what it wrote until then.
    @discardableResult
    public func stop() -> CommandResult {
        if status == nil {
            // It leads a process group of its own, so this reaches its children too.
            kill(-processID, SIGKILL)
            reap(0)
        }
        return result
    }

    /// What it has written to its standard output so far.
    public var outputSoFar: String {
        collect()
        return String(decoding: collected[0], as: UTF8.self)
    }

    /// What it has written to its standard error so far.
    public var errorsSoFar: String {
        collect()
        return String(decoding: collected[1], as: UTF8.self)
    }

    /// Sends it a signal, as kill(2) does; one that has ended gets none.
    public func signal(_ number: Int32) { if status == nil { kill(processID, number) } }

    private var result: CommandResult {
        CommandResult(
            status: status ?? -1, output: String(decoding: collected[0], as: UTF8.self),
            errors: String(decoding: collected[1], as: UTF8.self))
    }

    /// - Parameter options: WNOHANG: one that still runs is left alone.
    private func reap(_ options: Int32) {
        var word: Int32 = 0
        var ended: pid_t
        repeat { ended = waitpid(processID, &word, options) } while ended < 0 && errno == EINTR
        if ended == 0 { return }
        let signal = word & 0x7f
        status = signal == 0 ? (word >> 8) & 0xff : 128 + signal
        collect()
    }

    private func collect() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        for place in pipes.indices where pipes[place] >= 0 {
            while true {
                let length = read(pipes[place], &buffer, buffer.count)
                if length < 0 && errno == EINTR { continue }
                if length == 0 {  // closed at the other end: poll(2) leaves out what is negative
                    close(pipes[place])
                    pipes[place] = -1
                }
                guard length > 0 else { break }
                collected[place] += buffer[..<length]
                if collected[place].count > maximumBytes { break }
            }
        }
    }

    private static func spawn(
        _ path: String, _ arguments: [String], _ environment: [String: String]?, _ input: Int32?, _ output: Int32, _ errors: Int32,
        _ child: inout pid_t
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        _ = clinux_close_from(&actions, 3)
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETPGROUP))
        var words = arguments.map { strdup($0) } + [nil]
        var variables = (environment ?? [:]).map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + variables { free(word) } }
        if environment == nil { return posix_spawn(&child, path, &actions, &attributes, &words, environ) }
        return posix_spawn(&child, path, &actions, &attributes, &words, &variables)
    }

    /// The program's path: as given if it holds a '/', else looked for in PATH and where administrators' tools are.
    private static func find(_ name: String, in path: String) -> String? {
        if name.utf8.contains(0x2f) { return access(name, X_OK) == 0 ? name : nil }
        let folders = path.split(separator: ":").map(String.init) + ["/usr/local/sbin", "/usr/sbin", "/sbin"]
        return folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }
}
