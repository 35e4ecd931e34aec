import Foundation
import Lab
import Synchronization

/// One thread that sends the same frame again and again, as fast as it can, until it is stopped.
final class FrameStream: Sendable {
    private let isStopped = Atomic(false)
    private let sent = Atomic(0)
    private let failure = Mutex<LabError?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    init(_ frame: [UInt8], from sender: FrameSender) {
        let thread = Thread { [self] in
            do throws(LabError) {
                while !isStopped.load(ordering: .relaxed) {
                    for _ in 0..<32 { try sender.send(frame) }
                    sent.add(32, ordering: .relaxed)
                }
            } catch {
                failure.withLock { $0 = error }
            }
            ended.signal()
        }
        thread.start()
    }

    var count: Int { sent.load(ordering: .relaxed) }

    /// Once, by the one who started it.
    ///
    /// - Throws: why it couldn't send all the time.
    func stop() throws {
        isStopped.store(true, ordering: .relaxed)
        ended.wait()
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
