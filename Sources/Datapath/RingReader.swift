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
                return 0
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

    /// Waits for entries and takes all there are.
    ///
    /// - Parameter milliseconds: how long to wait at most; 0 doesn't, -1 is for ever.
    func read(waiting milliseconds: Int32) throws(DatapathError) {
        let result = milliseconds == 0 ? ring_buffer__consume(ring) : ring_buffer__poll(ring, milliseconds)
        guard result >= 0 || result == -EINTR else { throw .call("read the \(name)", result) }
    }
}
