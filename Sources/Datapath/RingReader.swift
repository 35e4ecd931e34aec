import CBPF
import Glibc
import Netlink

/// The reading end of a ring buffer map. There is one such map a host: what one reader takes, no other sees.
///
/// Not Sendable: one thread reads.
final class RingReader {
    private let name: String
    private let ring: OpaquePointer
    private let map: Descriptor
    private let inbox: Inbox

    private final class Inbox {
        let take: (UnsafeRawBufferPointer) -> Bool
        var malformed = 0
        var taken = 0
        var limit = Int.max

        init(_ take: @escaping (UnsafeRawBufferPointer) -> Bool) { self.take = take }
    }

    /// - Parameters:
    ///   - name: what it is, for errors.
    ///   - take: is given each entry while `read` runs; false if its bytes aren't one of this layout.
    init(_ map: Descriptor, _ name: String, take: @escaping (UnsafeRawBufferPointer) -> Bool) throws(DatapathError) {
        let inbox = Inbox(take)
        let made = ring_buffer__new(
            map.number,
            { context, data, size in
                let inbox = Unmanaged<Inbox>.fromOpaque(context!).takeUnretainedValue()
                if !inbox.take(UnsafeRawBufferPointer(start: data, count: size)) { inbox.malformed += 1 }
                inbox.taken += 1
                // A negative number ends the round, with this entry taken.
                return inbox.taken < inbox.limit ? 0 : -ECANCELED
            }, Unmanaged.passUnretained(inbox).toOpaque(), nil)
        guard let made else { throw .system(action: "open the \(name)", errno: .current) }
        ring = made
        self.name = name
        self.map = map
        self.inbox = inbox
    }

    deinit { ring_buffer__free(ring) }

    /// Readable (poll(2), epoll(7)) when there are entries.
    var descriptor: Int32 { ring_buffer__epoll_fd(ring) }

    /// How many entries weren't of this layout.
    var malformedCount: Int { inbox.malformed }

    /// Waits for entries and takes what there is.
    ///
    /// - Parameters:
    ///   - milliseconds: how long to wait at most; 0 doesn't, -1 is for ever.
    ///   - limit: at most so many, at least 1; the rest stay in the ring.
    /// - Returns: how many were taken.
    @discardableResult
    func read(waiting milliseconds: Int32, atMost limit: Int = .max) throws(DatapathError) -> Int {
        inbox.taken = 0
        inbox.limit = limit
        let result = milliseconds == 0 ? ring_buffer__consume(ring) : ring_buffer__poll(ring, milliseconds)
        guard result >= 0 || result == -EINTR || result == -ECANCELED else { throw .call("read the \(name)", result) }
        return inbox.taken
    }
}
