import Glibc
import Synchronization

/// Where lines of a log go, one write a line: lines of several threads don't mix. Nobody waits for whoever reads them: a
/// journal that hangs must not keep an agent from guarding.
final class LogLines: Sendable {
    /// Of one write, which a pipe or a socket takes whole if it can take anything (PIPE_BUF; unix_writable in net/unix/af_unix.c).
    private static let longest = 4096

    private let descriptor: Int32
    private let lost = Mutex(0)

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Writes a line, or counts it as lost where that would wait.
    ///
    /// - Parameter notice: the line that says how many were lost, written before the first that isn't.
    func write(_ line: String, telling notice: (_ lost: Int) -> String) {
        lost.withLock { lost in
            if lost > 0, put(notice(lost)) { lost = 0 }
            if lost > 0 || !put(line) { lost += 1 }
        }
    }

    private func put(_ line: String) -> Bool {
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&ready, 1, 0) == 1, Int32(ready.revents) & POLLOUT != 0 else { return false }
        var bytes = Array(line.utf8)
        if bytes.count > Self.longest { bytes = bytes.prefix(Self.longest - 1) + [UInt8(ascii: "\n")] }
        return Glibc.write(descriptor, bytes, bytes.count) == bytes.count
    }
}
