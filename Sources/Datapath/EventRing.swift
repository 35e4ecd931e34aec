import CBPF
import Glibc
import Netlink

/// The reading end of the programs' events. There is one ring a host: what one reader takes, no other sees.
///
/// Not Sendable: one thread reads.
public final class EventRing {
    private let ring: OpaquePointer
    private let map: Descriptor
    private let inbox: Inbox

    private final class Inbox {
        var events: [GuardEvent] = []
        var malformed = 0
    }

    init(_ map: Descriptor) throws(DatapathError) {
        let inbox = Inbox()
        let made = ring_buffer__new(
            map.number,
            { context, data, size in
                let inbox = Unmanaged<Inbox>.fromOpaque(context!).takeUnretainedValue()
                if let event = GuardEvent(UnsafeRawBufferPointer(start: data, count: size)) {
                    inbox.events.append(event)
                } else {
                    inbox.malformed += 1
                }
                return 0
            }, Unmanaged.passUnretained(inbox).toOpaque(), nil)
        guard let made else { throw .system(action: "open the event ring", errno: .current) }
        ring = made
        self.map = map
        self.inbox = inbox
    }

    deinit { ring_buffer__free(ring) }

    /// Readable (poll(2), epoll(7)) when there are events.
    public var descriptor: Int32 { ring_buffer__epoll_fd(ring) }

    /// How many entries weren't events of this layout.
    public var malformedCount: Int { inbox.malformed }

    /// Waits for events and takes all there are.
    ///
    /// - Parameter milliseconds: how long to wait at most; 0 doesn't, -1 is for ever.
    /// - Returns: in the order they were sent; empty when the time is up or a signal came.
    public func read(waiting milliseconds: Int32 = 0) throws(DatapathError) -> [GuardEvent] {
        let result = milliseconds == 0 ? ring_buffer__consume(ring) : ring_buffer__poll(ring, milliseconds)
        guard result >= 0 || result == -EINTR else { throw .call("read the event ring", result) }
        defer { inbox.events = [] }
        return inbox.events
    }
}

extension Datapath {
    /// Opens the event ring for reading.
    public func eventRing() throws(DatapathError) -> EventRing { try EventRing(maps.events) }
}
