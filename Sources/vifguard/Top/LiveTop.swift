import Datapath
import Glibc
import Reporting

/// `top` on a terminal: draws, waits for keys, signals and the next interval, and draws what has changed.
struct LiveTop: ~Copyable {
    /// After an Escape for so long nothing: it was the key of that name, not the beginning of another.
    private static let escapePause: Int32 = 50
    /// What it waits for besides keys.
    static let signals = [SIGWINCH, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT]

    private let interval: UInt64
    private var watch: HostWatch
    private var terminal: Terminal
    private let signals: Signals
    private var screen = Screen()
    private var keys = KeyReader()
    private var state = TopState()
    private var shown: TopSnapshot
    private var complaint: String?
    /// When to look again, nanoseconds of CLOCK_MONOTONIC.
    private var next: UInt64
    /// The signal that ends this, to be sent on once all is in order.
    private var lastSignal: Int32?

    /// - Parameter interval: nanoseconds.
    init(_ watch: consuming HostWatch, interval: UInt64, on terminal: consuming Terminal, signals: consuming Signals) {
        self.watch = watch
        self.interval = interval
        self.terminal = terminal
        self.signals = signals
        shown = self.watch.beginning
        // Nobody wants to wait for a minute until something is there to be seen.
        next = WallClock.now(CLOCK_MONOTONIC) + min(interval, 1_000_000_000)
    }

    /// Until it is quit. The terminal is as it was then.
    ///
    /// - Returns: the signal that ended it, if one of those did that don't mean "quit".
    mutating func run() throws -> Int32? {
        try terminal.take()
        while !state.isOver {
            draw()
            try wait()
        }
        terminal.giveBack()
        return lastSignal
    }

    private mutating func draw() {
        let size = terminal.size
        var view = TopView(shown, state, size, .output, interval: Double(interval) / 1e9, complaint: complaint)
        let offset = state.offset
        state.settle(rows: view.rowCount, page: view.page)
        if state.offset != offset {
            view = TopView(shown, state, size, .output, interval: Double(interval) / 1e9, complaint: complaint)
        }
        let bytes = screen.bytes(showing: view.lines, in: size)
        // A terminal that was sent half a frame is drawn anew.
        if !terminal.write(bytes, unless: signals.descriptor) { screen.forget() }
    }

    private mutating func wait() throws {
        let now = WallClock.now(CLOCK_MONOTONIC)
        if now >= next { return try look(now) }
        var limit = Int32(clamping: (next - now) / 1_000_000 + 1)
        if keys.isWaiting { limit = min(limit, Self.escapePause) }
        var awaited = [
            pollfd(fd: terminal.input, events: Int16(POLLIN), revents: 0), pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        let ready = poll(&awaited, 2, limit)
        while let signal = signals.next() { try handle(signal) }
        if ready == 0 { return press(keys.settle()) }
        guard ready > 0, awaited[0].revents != 0, !state.isOver else { return }
        let bytes = terminal.read()
        // Nothing to read and yet something to say: whoever had the other end has gone.
        guard let bytes, !bytes.isEmpty || awaited[0].revents & Int16(POLLHUP | POLLERR) == 0 else {
            state.isOver = true
            return
        }
        press(keys.read(bytes))
    }

    private mutating func look(_ now: UInt64) throws {
        // From the time it was due, so that intervals don't grow; not if this process was kept from running.
        next = now > next + interval ? now + interval : next + interval
        do {
            let snapshot = try watch.look()
            if !state.isPaused { shown = snapshot }
            complaint = nil
        } catch DatapathError.notLoaded(let path) {
            complaint = DatapathError.notLoaded(path: path).description
            shown.rows = []
        }
    }

    private mutating func press(_ pressed: [Key]) {
        for key in pressed {
            if key == .redraw { screen.forget() }
            state.press(key, page: TopView(shown, state, terminal.size, .output, interval: 0, complaint: complaint).page)
        }
    }

    private mutating func handle(_ signal: Int32) throws {
        switch signal {
        case SIGWINCH: break  // the next frame is drawn in the new size
        case SIGTSTP:
            terminal.giveBack()
            Signals.letHappen(SIGTSTP)
            fallthrough
        case SIGCONT:
            try terminal.take()
            screen.forget()
        case SIGINT, SIGQUIT: state.isOver = true
        default:
            lastSignal = signal
            state.isOver = true
        }
    }
}
