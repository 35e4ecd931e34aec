import Datapath
import EventStore

/// Where violations come from: the kernel, or what a test has in its place. One thread asks.
package protocol ViolationSource: AnyObject {
    /// What tells these counters from others: `Baselines.epoch`.
    var epoch: String { get }
    /// False once others have taken their place.
    var isInForce: Bool { get }
    /// Readable when there are events (poll(2)).
    var descriptor: Int32 { get }
    /// Entries so far that weren't events.
    var malformedEvents: Int { get }

    /// Takes events; `isWanted` sees them without their frames.
    func events(atMost limit: Int, where isWanted: (GuardEvent) -> Bool) throws(DatapathError) -> (events: [GuardEvent], taken: Int)
    /// What the counters of all ports say, as far as it is worth keeping.
    func readings() throws(DatapathError) -> [DropReading]
}

/// The kernel's counters and its ring.
final class KernelViolations: ViolationSource {
    let epoch: String
    private let ring: EventRing
    private let reader: DropReader

    init(_ datapath: Datapath) throws(DatapathError) {
        epoch = try datapath.epoch()
        ring = try datapath.eventRing()
        reader = try datapath.dropReader()
    }

    var isInForce: Bool { reader.isInForce }
    var descriptor: Int32 { ring.descriptor }
    var malformedEvents: Int { ring.malformedCount }

    func events(atMost limit: Int, where isWanted: (GuardEvent) -> Bool) throws(DatapathError) -> (events: [GuardEvent], taken: Int) {
        try ring.take(atMost: limit, where: isWanted)
    }

    func readings() throws(DatapathError) -> [DropReading] { try reader.read(where: Violation.isWorthKeeping) }
}
