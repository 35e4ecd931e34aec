import DatapathProgram
import Policy

/// A DHCP message between a guest and a server, in a frame that passed all rules, as the kernel program tells of it
/// (policy.md, section 11).
public struct DHCPFrame: Sendable, Hashable {
    /// Nanoseconds of CLOCK_BOOTTIME.
    public var time: UInt64
    /// The guest port's interface number.
    public var port: UInt32
    /// The bridge's.
    public var bridge: UInt32
    /// `fromGuest` or `toGuest`.
    public var direction: Direction
    /// The interface that a frame to the guest came in by; 0 for one made on this host.
    public var origin: UInt32
    /// Of the whole frame, in bytes.
    public var length: UInt32
    /// Its first bytes, at most 1024.
    public var bytes: [UInt8]
    /// Messages of this port that were not told of since the last: there were too many, or nobody read.
    public var leftOut: UInt32

    /// nil for bytes that aren't of this layout.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= MemoryLayout<guard_dhcp_frame>.size else { return nil }
        let frame = bytes.loadUnaligned(as: guard_dhcp_frame.self)
        guard let direction = UInt8(exactly: frame.direction).flatMap(Direction.init), direction == .fromGuest || direction == .toGuest else {
            return nil
        }
        time = frame.time
        port = frame.port
        bridge = frame.bridge
        self.direction = direction
        origin = frame.origin
        length = frame.length
        self.bytes = BindingImage.read(frame.bytes, min(Int(frame.captured), Int(GUARD_DHCP_BYTES)), as: UInt8.self)
        leftOut = frame.left_out
    }
}

/// The reading end of the ring of DHCP messages. There is one ring a host: what one reader takes, no other sees.
///
/// Not Sendable: one thread reads.
public final class DHCPRing {
    private let ring: RingReader
    private let inbox: Inbox

    private final class Inbox {
        var frames: [DHCPFrame] = []
    }

    init(_ map: Descriptor) throws(DatapathError) {
        let inbox = Inbox()
        ring = try RingReader(map, "ring of DHCP messages") { bytes in
            guard let frame = DHCPFrame(bytes) else { return false }
            inbox.frames.append(frame)
            return true
        }
        self.inbox = inbox
    }

    /// Readable (poll(2), epoll(7)) when there are messages.
    public var descriptor: Int32 { ring.descriptor }

    /// Takes what there is, what came while nobody read included, in the order it was sent.
    ///
    /// - Parameter limit: at most so many, at least 1; the rest stay in the ring.
    public func read(atMost limit: Int = .max) throws(DatapathError) -> [DHCPFrame] {
        try ring.read(waiting: 0, atMost: limit)
        defer { inbox.frames = [] }
        return inbox.frames
    }
}

extension Datapath {
    /// Opens the ring of DHCP messages for reading.
    public func dhcpRing() throws(DatapathError) -> DHCPRing { try DHCPRing(maps.dhcp) }
}
