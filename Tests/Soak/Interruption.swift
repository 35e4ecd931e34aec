import Glibc

/// Being told to end (^C, a closed terminal, kill): held back, and asked for between steps, so that everything is put away.
struct Interruption: Error {
    let signal: Int32

    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    /// For the calling thread and all that it starts from now on.
    static func hold() {
        var held = sigset_t()
        sigemptyset(&held)
        for signal in signals { sigaddset(&held, signal) }
        pthread_sigmask(SIG_BLOCK, &held, nil)
    }

    /// - Throws: `Interruption` if it is time to end.
    static func check() throws(Interruption) {
        var pending = sigset_t()
        sigpending(&pending)
        if let signal = signals.first(where: { sigismember(&pending, $0) == 1 }) { throw Interruption(signal: signal) }
    }
}
