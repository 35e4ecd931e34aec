/// The reading end of the programs' events. There is one ring a host: what one reader takes, no other sees.
///
/// Not Sendable: one thread reads.
public final class EventRing {
    private let ring: RingReader
    private let inbox: Inbox

    private final class Inbox {
        var events: [GuardEvent] = []
        var isWanted: ((GuardEvent) -> Bool)?
    }

    init(_ map: Descriptor) throws(DatapathError) {
        let inbox = Inbox()
        ring = try RingReader(map, "event ring") { bytes in
            if let isWanted = inbox.isWanted, let head = GuardEvent(bytes, isHeadOnly: true), !isWanted(head) { return true }
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

    /// Takes what there is, without waiting, within bounds.
    ///
    /// - Parameters:
    ///   - limit: at most so many entries, at least 1; the rest stay in the ring.
    ///   - isWanted: asked before an event's frame is looked at, which it doesn't see. What isn't wanted is gone.
    /// - Returns: those that are wanted, in the order they were sent, and how many entries were taken.
    public func take(atMost limit: Int, where isWanted: (GuardEvent) -> Bool) throws(DatapathError) -> (events: [GuardEvent], taken: Int) {
        let taken: Int = try withoutActuallyEscaping(isWanted) { isWanted throws(DatapathError) in
            inbox.isWanted = isWanted
            defer { inbox.isWanted = nil }
            return try ring.read(waiting: 0, atMost: limit)
        }
        defer { inbox.events = [] }
        return (inbox.events, taken)
    }
}

extension Datapath {
    /// Opens the event ring for reading.
    public func eventRing() throws(DatapathError) -> EventRing { try EventRing(maps.events) }
}
