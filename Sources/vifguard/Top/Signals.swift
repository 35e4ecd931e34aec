import CLinux
import Glibc
import Reporting

/// Signals as something to wait for like input, in place of handlers that run in between: held back from the thread that
/// makes this, and so from all that it starts, for as long as it lives.
struct Signals: ~Copyable {
    /// Readable when one has come.
    let descriptor: Int32
    private let former: sigset_t

    init(_ numbers: [Int32]) throws {
        var held = sigset_t()
        var before = sigset_t()
        sigemptyset(&held)
        for number in numbers { sigaddset(&held, number) }
        pthread_sigmask(SIG_BLOCK, &held, &before)
        let result = clinux_signal_descriptor(&held)
        guard result >= 0 else {
            let reason = String(cString: strerror(errno))
            pthread_sigmask(SIG_SETMASK, &before, nil)
            throw Failure("can't wait for signals: \(reason): try again")
        }
        descriptor = result
        former = before
    }

    deinit {
        // What has come and wasn't taken is dropped: it has had its effect, or is about to be sent again.
        while clinux_next_signal(descriptor) > 0 {}
        close(descriptor)
        var former = former
        pthread_sigmask(SIG_SETMASK, &former, nil)
    }

    /// The next that has come; nil if none has.
    func next() -> Int32? {
        let number = clinux_next_signal(descriptor)
        return number > 0 ? number : nil
    }

    /// Does to this process what the signal does to one that doesn't hold it back: stops it until it is continued, or ends
    /// it.
    static func letHappen(_ number: Int32) {
        var one = sigset_t()
        var former = sigset_t()
        sigemptyset(&one)
        sigaddset(&one, number)
        signal(number, SIG_DFL)
        raise(number)
        pthread_sigmask(SIG_UNBLOCK, &one, &former)  // here it happens
        pthread_sigmask(SIG_SETMASK, &former, nil)
    }
}
