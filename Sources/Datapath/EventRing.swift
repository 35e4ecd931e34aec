/// The reading end of the programs' events. There is one ring a host: what one reader takes, no other sees.
///
/// Not Sendable: one thread reads.
public final class EventRing {
    private let ring: RingReader
    private let inbox: Inbox

    private final class Inbox {
        var events: [GuardEvent] = []
    }

    init(_ map: Descriptor) throws(DatapathError) {
        let inbox = Inbox()
        ring = try RingReader(map, "event ring") { bytes in
            guard let event = GuardEvent(bytes) else { return false }
            inbox.events.append(event)
            return true
        }
        self.inbox = inbox
    }

    /// Readable (poll(2), epoll(7)) when there are events.
    public var descriptor: Int32 { ring.descriptor }

    /// How many entries weren't events of this layout.
    public var malformedCount: Int { ring.malformedCount }

    /// Waits for events and takes all there are.
    ///
    /// - Parameter milliseconds: how long to wait at most; 0 doesn't, -1 is for ever.
    /// - Returns: in the order they were sent; empty when the time is up or a signal came.
    public func read(waiting milliseconds: Int32 = 0) throws(DatapathError) -> [GuardEvent] {
        try ring.read(waiting: milliseconds)
        defer { inbox.events = [] }
        return inbox.events
    }
}

extension Datapath {
    /// Opens the event ring for reading.
    public func eventRing() throws(DatapathError) -> EventRing { try EventRing(maps.events) }
}
