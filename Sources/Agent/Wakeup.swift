import CLinux
import Glibc

/// Ends another thread's poll(2).
final class Wakeup: Sendable {
    private let reading: Int32
    private let writing: Int32

    init() throws(AgentError) {
        var ends: [Int32] = [-1, -1]
        guard clinux_pipe(&ends) == 0 else { throw .system(action: "make a pipe", errno) }
        (reading, writing) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    }

    deinit {
        close(reading)
        close(writing)
    }

    /// For poll(2): readable from `wake` until `clear`.
    var descriptor: Int32 { reading }

    /// From any thread. Where the pipe is full nobody needs waking any more.
    func wake() {
        var byte: UInt8 = 1
        _ = write(writing, &byte, 1)
    }

    func clear() {
        var bytes = [UInt8](repeating: 0, count: 256)
        while read(reading, &bytes, bytes.count) > 0 {}
    }
}
