import CLinux
import Glibc
import Reporting

/// The terminal that this process has as its input and output, taken over whole: no echo, keys as they are pressed, the
/// alternate screen, no cursor. What it was like before is restored when it is left, when this value goes, and when the
/// process crashes.
struct Terminal: ~Copyable {
    /// Alternate screen; no cursor; what is too wide is cut, not wrapped (xterm's ctlseqs, DEC private modes).
    private static let enter = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l"
    /// From the last line, so that a terminal with no alternate screen is left in order, too.
    private static let leave = "\u{18}\u{1b}[0m\u{1b}[?7h\u{1b}[?25h\u{1b}[999;1H\u{1b}[K\u{1b}[?1049l"

    /// Keys are read here.
    let input = STDIN_FILENO
    private let output: Int32
    private let former: termios
    private var isTaken = false

    /// Whether a person looks on, at something that can show more than lines one after the other.
    static var isThere: Bool {
        isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && environment("TERM").map { $0 != "dumb" } ?? false
    }

    init() throws {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { throw Failure("can't read the terminal's settings: \(Self.reason)") }
        // Opened anew, so that what others do with it may go on waiting: a terminal that doesn't take what it is sent must
        // not keep us from a signal.
        var descriptor = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        if descriptor < 0 { descriptor = dup(STDOUT_FILENO) }
        guard descriptor >= 0 else { throw Failure("can't open the terminal: \(Self.reason)") }
        former = settings
        output = descriptor
    }

    deinit {
        restore()
        close(output)
    }

    /// In columns and lines; 80 by 24 where the terminal doesn't know, as a serial line.
    var size: WindowSize {
        var window = winsize()
        guard ioctl(output, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
            return WindowSize(columns: 80, lines: 24)
        }
        return WindowSize(columns: Int(window.ws_col), lines: Int(window.ws_row))
    }

    /// Takes it over, now or again.
    mutating func take() throws {
        var settings = former
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | IEXTEN)
        settings.c_iflag &= ~tcflag_t(IXON | ICRNL | INLCR | IGNCR | ISTRIP)
        withUnsafeMutableBytes(of: &settings.c_cc) {
            $0[Int(VMIN)] = 0
            $0[Int(VTIME)] = 0
        }
        isTaken = true
        var before = former
        clinux_restore_terminal_on_crash(output, &before, Self.leave, Self.leave.utf8.count)
        guard tcsetattr(STDIN_FILENO, TCSANOW, &settings) == 0 else { throw Failure("can't set up the terminal: \(Self.reason)") }
        _ = write(Array(Self.enter.utf8), unless: -1)
    }

    /// Gives it back as it was.
    mutating func giveBack() {
        restore()
        isTaken = false
    }

    private borrowing func restore() {
        guard isTaken else { return }
        clinux_restore_terminal_on_crash(-1, nil, nil, 0)
        _ = write(Array(Self.leave.utf8), unless: -1, atMost: 1000)
        var settings = former
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    /// Sends bytes.
    ///
    /// - Parameters:
    ///   - interruption: a descriptor; when something can be read there while the terminal doesn't take more, the rest is
    ///     not sent. -1: none.
    ///   - limit: how many milliseconds to wait for the terminal each time it takes no more; -1: for ever.
    /// - Returns: whether all was sent.
    borrowing func write(_ bytes: [UInt8], unless interruption: Int32, atMost limit: Int32 = -1) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
                continue
            }
            guard count < 0, errno == EAGAIN || errno == EINTR else { return false }
            var awaited = [
                pollfd(fd: output, events: Int16(POLLOUT), revents: 0), pollfd(fd: interruption, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&awaited, 2, limit)
            if ready == 0 || ready > 0 && awaited[0].revents == 0 { return false }
        }
        return true
    }

    /// The bytes of keys that were pressed; nil when the terminal is gone.
    borrowing func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = Glibc.read(input, &buffer, buffer.count)
        if count < 0 { return errno == EINTR || errno == EAGAIN ? [] : nil }
        return Array(buffer[..<count])
    }

    private static var reason: String { String(cString: strerror(errno)) }
}
