import Glibc

/// Being told to end (^C, a closed terminal, kill): held back, and asked for between steps, so that everything is put away.
///
/// While programs are attached the host's RCU grace periods are expedited, by a setting that has to be put back; and a
/// signal ends a process through whichever of its threads doesn't hold it back.
public struct Interruption: Error {
    /// As in signal(7).
    public let signal: Int32

    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    /// For the calling thread and all that it starts from now on.
    public static func hold() {
        var held = sigset_t()
        sigemptyset(&held)
        for signal in signals { sigaddset(&held, signal) }
        pthread_sigmask(SIG_BLOCK, &held, nil)
    }

    /// - Throws: `Interruption` if it is time to end.
    public static func check() throws(Interruption) {
        var pending = sigset_t()
        sigpending(&pending)
        if let signal = signals.first(where: { sigismember(&pending, $0) == 1 }) { throw Interruption(signal: signal) }
    }
}
