import CLinux
import Glibc
import Netlink

/// A frame seen on an interface.
public struct CapturedFrame: Hashable, Sendable {
    /// From the destination MAC on, with the VLAN tag in its place even where the card or the kernel had taken it out.
    public let bytes: [UInt8]
    /// Sent by this interface, rather than received.
    public let isOutgoing: Bool
    /// The transport checksum isn't computed yet: a card would do it.
    public let hasPartialChecksum: Bool
    /// Shortened: the frame was longer than what was kept.
    public let isTruncated: Bool
}

/// Hears every frame of an interface from the moment it is made. One thread at a time may use it.
public final class Sniffer: @unchecked Sendable {
    public let interface: String
    /// What has been taken from the kernel, in order.
    public private(set) var frames: [CapturedFrame] = []
    private let socket: PacketSocket
    private let keepsOutgoing: Bool
    private var buffer = [UInt8](repeating: 0, count: 128 * 1024)

    /// - Parameter keepsOutgoing: also keep what the interface sends.
    /// - Throws: `NetlinkError` if there is no such interface in the namespace, `LabError` if it can't be used.
    public init(on interface: String, in namespace: NetworkNamespace, keepsOutgoing: Bool = false) throws {
        self.interface = interface
        self.keepsOutgoing = keepsOutgoing
        socket = try namespace.run { try PacketSocket(on: interface, listens: true) }
    }

    /// Waits for a frame that satisfies the condition, among those already heard and those to come.
    ///
    /// - Returns: the first such frame; nil if none came in time.
    /// - Throws: `LabError` if frames were lost, or the interface is gone.
    public func first(
        within limit: Duration = .seconds(5), where condition: (CapturedFrame) -> Bool
    ) throws(LabError) -> CapturedFrame? {
        let deadline = ContinuousClock.now + limit
        var looked = 0
        while true {
            try drain()
            while looked < frames.count {
                if condition(frames[looked]) { return frames[looked] }
                looked += 1
            }
            let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
            guard left > 0 else { return nil }
            var waiting = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
            _ = poll(&waiting, 1, Int32(min(left.rounded(.up), 1e6)))
        }
    }

    /// Takes what the kernel has heard so far, without waiting. Frames of one sender arrive in the order sent: to know
    /// that one did *not* come, send another after it that must come, and wait for that one with `first`.
    ///
    /// - Throws: `LabError` if frames were lost, or the interface is gone.
    public func drain() throws(LabError) {
        while let frame = try receive() {
            if keepsOutgoing || !frame.isOutgoing { frames.append(frame) }
        }
        var statistics = tpacket_stats()
        var size = socklen_t(MemoryLayout<tpacket_stats>.size)
        getsockopt(socket.descriptor, SOL_PACKET, PACKET_STATISTICS, &statistics, &size)
        guard statistics.tp_drops == 0 else {
            throw LabError(action: "capture on \(interface)", reason: "\(statistics.tp_drops) frames were lost; drain more often or send fewer")
        }
    }

    /// Gives what was heard so far, and forgets it.
    public func take() throws(LabError) -> [CapturedFrame] {
        try drain()
        defer { frames.removeAll(keepingCapacity: true) }
        return frames
    }

    /// Forgets what was heard so far.
    public func clear() throws(LabError) {
        try drain()
        frames.removeAll()
    }

    private func receive() throws(LabError) -> CapturedFrame? {
        var sender = sockaddr_ll()
        var auxiliary = tpacket_auxdata()
        var hasAuxiliary: Int32 = 0
        while true {
            let length = buffer.withUnsafeMutableBytes {
                clinux_receive_frame(socket.descriptor, $0.baseAddress, $0.count, &sender, &auxiliary, &hasAuxiliary)
            }
            if length < 0 {
                let reason = SystemErrorNumber.current
                if reason.number == EINTR { continue }
                if reason.number == EAGAIN { return nil }
                throw LabError(action: "capture on \(interface)", errno: reason)
            }
            var bytes = Array(buffer[..<min(length, buffer.count)])
            let status = hasAuxiliary == 0 ? 0 : Int32(bitPattern: auxiliary.tp_status)
            if status & TP_STATUS_VLAN_VALID != 0, bytes.count >= 12 {
                let type = status & TP_STATUS_VLAN_TPID_VALID != 0 ? auxiliary.tp_vlan_tpid : UInt16(ETH_P_8021Q)
                let tag = [type, auxiliary.tp_vlan_tci].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
                bytes.insert(contentsOf: tag, at: 12)
            }
            return CapturedFrame(
                bytes: bytes, isOutgoing: Int32(sender.sll_pkttype) == PACKET_OUTGOING,
                hasPartialChecksum: status & TP_STATUS_CSUMNOTREADY != 0, isTruncated: length > buffer.count)
        }
    }
}
