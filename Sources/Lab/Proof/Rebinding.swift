import Addresses
import Glibc
import Packets
import Policy
import Synchronization

/// A guest sends its own address and another's in turn, as fast as they are taken, while its binding is replaced over and
/// over.
enum Rebinding {
    static let frames = 20_000
    /// Honest frames under way at most: the kernel's queue between two cards takes 1000 of both kinds.
    private static let window = 200

    struct Result {
        /// All should.
        var honestArrived = 0
        /// None should.
        var spoofedArrived = 0
        var changes = 0
    }

    static func run(_ pass: ProofPass) throws -> Result {
        let db = Stage.db
        let honest = db.ip4(to: Stage.outside, .udp(from: 9, to: 9, payload: Array("own".utf8))).bytes
        let spoofed = db.ip4(to: Stage.outside, .udp(from: 9, to: 9, payload: Array("not".utf8)), from: Stage.mail.ip4).bytes
        let sniffer = try pass.network.sniffer(at: .outside)
        try sniffer.clear()
        let sender = try FrameSender(on: "eth0", in: pass.network.namespace(of: .db))
        let progress = Progress()
        let traffic = try BackgroundJob {
            for number in 0..<frames {
                guard progress.allows(number, ahead: window) else { return }
                try sender.send([honest, spoofed])
            }
        }
        var result = Result()
        func take() throws {
            let frames = try sniffer.take()
            result.honestArrived += frames.count { $0.bytes == honest }
            result.spoofedArrived += frames.count { $0.bytes == spoofed }
            progress.arrived.store(result.honestArrived, ordering: .relaxed)
        }
        let plain = Stage.binding(of: .db)!
        var wide = plain
        // More than a record has room for, so that other maps change too.
        wide.addresses4 += (200..<212).map { IPv4Prefix(IPv4Address(192, 0, 2, $0)) }
        while !traffic.isDone {
            try pass.guardian?.rebind(.db, result.changes % 2 == 0 ? wide : plain)
            result.changes += 1
            try take()
        }
        try traffic.finish()
        try pass.guardian?.apply()
        let deadline = ContinuousClock.now + ProofPass.patience
        while result.honestArrived < frames, ContinuousClock.now < deadline { try take() }
        return result
    }

    /// Lets the sender know how far the receiver is.
    private final class Progress: Sendable {
        let arrived = Atomic<Int>(0)

        /// Waits until frame `number` is less than `ahead` in front of what has arrived; false if that takes too long,
        /// because frames were lost.
        func allows(_ number: Int, ahead: Int) -> Bool {
            guard number - arrived.load(ordering: .relaxed) >= ahead else { return true }
            let deadline = ContinuousClock.now + ProofPass.patience
            while number - arrived.load(ordering: .relaxed) >= ahead {
                guard ContinuousClock.now < deadline else { return false }
                sched_yield()
            }
            return true
        }
    }
}
