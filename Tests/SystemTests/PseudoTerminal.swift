import CLinux
import Foundation
import Lab
import Netlink
import Testing

/// A terminal with a program on it: the end that people have, played by the test.
final class PseudoTerminal {
    private(set) var screen: EmulatedScreen
    private let own: Int32
    /// Kept open, so that the terminal's settings can be read when the program has ended.
    private let others: Int32
    private let process: pid_t
    private var status: Int32?

    /// Starts a program that leads a session of its own on the terminal.
    init(_ words: [String], in namespace: NetworkNamespace, columns: Int, lines: Int) throws {
        var ends: (own: Int32, others: Int32) = (-1, -1)
        var window = winsize(ws_row: UInt16(lines), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        try #require(openpty(&ends.own, &ends.others, nil, nil, &window) == 0)
        (own, others) = ends
        _ = fcntl(own, F_SETFL, O_NONBLOCK)
        for end in [own, others] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let path = String(cString: ttyname(others))
        screen = EmulatedScreen(columns: columns, lines: lines)
        process = try namespace.run { try Self.spawn(words, on: path) }
    }

    deinit {
        if status == nil {
            kill(process, SIGKILL)
            _ = ended()
        }
        close(own)
        close(others)
    }

    private static func spawn(_ words: [String], on path: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        // The first terminal that a session's leader opens is the session's.
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        _ = clinux_close_from(&actions, 3)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | clinux_spawn_session)
        var arguments = words.map { strdup($0) } + [nil]
        // A signal that a test sends is no real crash: Swift's own handler would tell of it, and go on.
        let variables = ["TERM=xterm", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SWIFT_BACKTRACE=enable=no"]
        var environment = variables.map { strdup($0) } + [nil]
        defer { for word in arguments + environment { free(word) } }
        var child: pid_t = 0
        let failed = posix_spawn(&child, words[0], &actions, &attributes, &arguments, &environment)
        try #require(failed == 0, "\(words[0]): \(String(cString: strerror(failed)))")
        return child
    }

    /// What the terminal is set to.
    var settings: [UInt8] {
        var settings = termios()
        tcgetattr(others, &settings)
        return withUnsafeBytes(of: settings.c_cc) { Array($0) }
            + [settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag]
            .flatMap { flags in withUnsafeBytes(of: flags) { Array($0) } }
    }

    /// Whether keys come as they are pressed.
    var isRaw: Bool {
        var settings = termios()
        tcgetattr(others, &settings)
        return settings.c_lflag & tcflag_t(ICANON) == 0
    }

    func press(_ keys: String) { _ = Array(keys.utf8).withUnsafeBytes { write(own, $0.baseAddress, $0.count) } }

    func signal(_ number: Int32) { kill(process, number) }

    /// The window is another size now; the kernel tells the program (SIGWINCH).
    func resize(columns: Int, lines: Int) throws {
        var window = winsize(ws_row: UInt16(lines), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        // What was sent for the former size is taken as such.
        take()
        screen.resize(columns: columns, lines: lines)
        try #require(ioctl(own, UInt(TIOCSWINSZ), &window) == 0)
    }

    /// Reads the screen until it is as wanted; the suite's time limit ends it if it never is.
    func wait(until condition: (EmulatedScreen) -> Bool) {
        while true {
            take()
            if condition(screen) { return }
            if Task.isCancelled {
                Issue.record("this never came up; the screen at last:\n\(screen.text)")
                return
            }
            var awaited = pollfd(fd: own, events: Int16(POLLIN), revents: 0)
            _ = poll(&awaited, 1, 100)
        }
    }

    /// Waits for the program to end: its exit status, or 128 and the signal that ended it.
    func ended() -> Int32 {
        var word: Int32 = 0
        while status == nil {
            take()
            let result = waitpid(process, &word, WNOHANG)
            if result == process {
                let signal = word & 0x7f
                status = signal == 0 ? (word >> 8) & 0xff : 128 + signal
            } else {
                if Task.isCancelled { kill(process, SIGKILL) }
                usleep(5000)
            }
        }
        take()
        return status ?? -1
    }

    private func take() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(own, &buffer, buffer.count)
            guard count > 0 else { return }
            screen.show(buffer[..<count])
        }
    }
}

/// What somebody before a terminal sees: as much of ECMA-48 and xterm's sequences as the command uses, and a note of every
/// other.
struct EmulatedScreen {
    private(set) var lines: [[Character]]
    /// Private modes as they were set and reset, in order: "1049h", "1049l".
    private(set) var modes: [String] = []
    private(set) var unknown: [String] = []
    /// Whether anything was ever put beyond the last column or line.
    private(set) var wasOverrun = false
    private var columns: Int
    private var line = 0
    private var column = 0
    private var pending: [UInt8] = []

    init(columns: Int, lines: Int) {
        self.columns = columns
        self.lines = Array(repeating: Array(repeating: " ", count: columns), count: lines)
    }

    var text: String { lines.map { String($0) }.joined(separator: "\n") }

    /// The line that begins with these words, without blanks at its end.
    func line(beginning words: String) -> String? {
        lines.map { String($0) }.first { $0.hasPrefix(words) }
    }

    /// Whether a private mode is on.
    func has(_ mode: Int) -> Bool { modes.last { $0.dropLast() == "\(mode)" }?.last == "h" }

    mutating func resize(columns: Int, lines count: Int) {
        self.columns = columns
        lines = Array(repeating: Array(repeating: "~", count: columns), count: count)
    }

    mutating func show(_ bytes: some Sequence<UInt8>) {
        pending += bytes
        while let first = pending.first {
            let length = first == 0x1b ? Self.sequenceLength(pending) : Self.characterLength(first)
            guard let length, pending.count >= length else { return }
            let taken = Array(pending.prefix(length))
            pending.removeFirst(length)
            if first == 0x1b { obey(String(decoding: taken.dropFirst(2), as: UTF8.self)) } else { put(taken) }
        }
    }

    private static func characterLength(_ first: UInt8) -> Int { first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4 }

    private static func sequenceLength(_ bytes: [UInt8]) -> Int? {
        bytes.dropFirst(2).firstIndex { (0x40...0x7e).contains($0) }.map { $0 + 1 }
    }

    private mutating func put(_ bytes: [UInt8]) {
        switch bytes[0] {
        case 0x0d: column = 0
        case 0x0a: line = min(line + 1, lines.count - 1)
        case 0x18: break
        case ..<0x20: unknown.append("byte \(bytes[0])")
        default:
            if line < lines.count, column < columns {
                lines[line][column] = String(decoding: bytes, as: UTF8.self).first ?? " "
            } else {
                wasOverrun = true
            }
            column += 1
        }
    }

    private mutating func obey(_ sequence: String) {
        let parameters = sequence.dropLast().split(separator: ";").map { Int($0) ?? 0 }
        switch sequence.last {
        case "m": break
        case "H":
            line = min((parameters.first ?? 1) - 1, lines.count - 1)
            column = (parameters.count > 1 ? parameters[1] : 1) - 1
        case "K" where line < lines.count: for place in min(column, columns)..<columns { lines[line][place] = " " }
        case "J" where sequence == "2J": resizeToBlank()
        case "h" where sequence.first == "?", "l" where sequence.first == "?": modes.append(String(sequence.dropFirst()))
        default: unknown.append(sequence)
        }
    }

    private mutating func resizeToBlank() { lines = lines.map { $0.map { _ in " " } } }
}
