import Synchronization

/// What the collector has done since it started: for metrics, and read by any thread.
public final class CollectorTotals: Sendable {
    public struct Values: Sendable, Hashable {
        /// Entries taken out of the kernel's ring.
        public var events: UInt64 = 0
        /// Entries of the ring that weren't events.
        public var malformedEvents: UInt64 = 0
        /// Frames of which the kernel sent no event, as it samples them, or as the ring was full.
        public var leftOutEvents: UInt64 = 0
        /// Frames that broke a rule, as far as they are worth keeping.
        public var packets: UInt64 = 0
        /// Of those, the ones that the store will never know of.
        public var lostPackets: UInt64 = 0
        /// Whether the store is written.
        public var isRecording = false
        /// Nanoseconds since 1970: when counters were last read; 0: never.
        public var readAt: UInt64 = 0
    }

    private let mutex = Mutex(Values())

    public init() {}

    public var values: Values { mutex.withLock { $0 } }

    func update(_ body: (inout Values) -> Void) { mutex.withLock { body(&$0) } }
}
