import Glibc
import Netlink

/// Sends frames out of an interface exactly as given: the Ethernet header, any VLAN tags and whatever follows.
public final class FrameSender: Sendable {
    public let interface: String
    private let socket: PacketSocket

    /// - Throws: `NetlinkError` if there is no such interface in the namespace, `LabError` if it can't be used.
    public init(on interface: String, in namespace: NetworkNamespace) throws {
        self.interface = interface
        socket = try namespace.run { try PacketSocket(on: interface, listens: false) }
    }

    /// Sends one frame, of at least 14 bytes and at most the MTU and its Ethernet header (and one VLAN tag).
    ///
    /// - Throws: `LabError`, if the interface is down or gone, or the frame too long.
    public func send(_ frame: [UInt8]) throws(LabError) {
        while true {
            let sent = frame.withUnsafeBytes { Glibc.send(socket.descriptor, $0.baseAddress, $0.count, 0) }
            if sent == frame.count { return }
            let reason = SystemErrorNumber.current
            // The device's queue is full: it empties by itself.
            if sent < 0, reason.number == ENOBUFS || reason.number == EAGAIN || reason.number == EINTR {
                sched_yield()
                continue
            }
            throw LabError(action: "send a frame of \(frame.count) bytes on \(interface)", errno: reason)
        }
    }

    public func send(_ frames: [[UInt8]]) throws(LabError) {
        for frame in frames { try send(frame) }
    }
}
