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
        var taken = 0
        var limit = Int.max
        var isWanted: ((GuardEvent) -> Bool)?

        /// - Returns: whether there may be more.
        func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
            taken += 1
            if let isWanted, let head = GuardEvent(bytes, isHeadOnly: true), !isWanted(head) { return taken < limit }
            if let event = GuardEvent(bytes) { events.append(event) } else { malformed += 1 }
            return taken < limit
        }
    }

    init(_ map: Descriptor) throws(DatapathError) {
        let inbox = Inbox()
        let made = ring_buffer__new(
            map.number,
            { context, data, size in
                let inbox = Unmanaged<Inbox>.fromOpaque(context!).takeUnretainedValue()
                // A negative number ends the round, with this entry taken.
                return inbox.take(UnsafeRawBufferPointer(start: data, count: size)) ? 0 : -ECANCELED
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

    /// Takes what there is, without waiting, within bounds.
    ///
    /// - Parameters:
    ///   - limit: at most so many entries, at least 1; the rest stay in the ring.
    ///   - isWanted: asked before an event's frame is looked at, which it doesn't see. What isn't wanted is gone.
    /// - Returns: those that are wanted, in the order they were sent, and how many entries were taken.
    public func take(atMost limit: Int, where isWanted: (GuardEvent) -> Bool) throws(DatapathError) -> (events: [GuardEvent], taken: Int) {
        let result: Int32 = withoutActuallyEscaping(isWanted) { isWanted in
            inbox.isWanted = isWanted
            inbox.limit = limit
            inbox.taken = 0
            defer {
                inbox.isWanted = nil
                inbox.limit = .max
            }
            return ring_buffer__consume(ring)
        }
        guard result >= 0 || result == -EINTR || result == -ECANCELED else { throw .call("read the event ring", result) }
        defer { inbox.events = [] }
        return (inbox.events, inbox.taken)
    }
}

extension Datapath {
    /// Opens the event ring for reading.
    public func eventRing() throws(DatapathError) -> EventRing { try EventRing(maps.events) }
}
