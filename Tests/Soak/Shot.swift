import Packets
import Policy

/// One frame to be sent, and what it is sent for.
struct Shot {
    /// Where it enters: a guest's port or the uplink.
    var port: String
    var bytes: [UInt8]
    /// Why it must be stopped as it enters; nil: it is honest there.
    var reason: Reason?
    /// Where and why it must be stopped as it leaves.
    var exit: (port: String, reason: Reason)?
    /// What people call it.
    var name: String

    init(_ name: String, from port: String, _ frame: Frame, _ reason: Reason? = nil) {
        (self.name, self.port, self.reason) = (name, port, reason)
        bytes = frame.bytes
    }
}

/// Numbers for frames, so that each is told from all others; IP and ARP take what follows them for padding.
struct Serial {
    /// As long as any.
    static let example: [UInt8] = [0x76, 0x67, 0, 0, 0, 0, 0, 0]

    private var number: UInt64 = 0

    mutating func next() -> [UInt8] {
        number += 1
        return [0x76, 0x67] + stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
