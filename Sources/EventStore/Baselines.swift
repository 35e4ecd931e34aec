import Datapath
import Policy

/// What the kernel's counters said when they were last read: they go on while no agent runs, and what is above the
/// baseline is what nobody has recorded yet.
public struct Baselines: Sendable, Hashable {
    /// One counter of one interface.
    public struct Key: Sendable, Hashable {
        public var interface: UInt32
        public var direction: Direction
        public var reason: Reason
    }

    /// Who is who, as it was when the interface was last seen.
    public struct Name: Sendable, Hashable {
        public var port: String
        public var bridge: String
        public var guest: String?

        public init(port: String, bridge: String, guest: String?) {
            self.port = port
            self.bridge = bridge
            self.guest = guest
        }
    }

    /// How far a counter has gone on.
    public struct Difference: Sendable, Hashable {
        public var violation: Violation
        public var interface: UInt32
        public var packets: UInt64
        public var bytes: UInt64

        public init(violation: Violation, interface: UInt32, packets: UInt64, bytes: UInt64) {
            self.violation = violation
            self.interface = interface
            self.packets = packets
            self.bytes = bytes
        }
    }

    /// Of which maps, of which boot the counters are: others count from zero.
    public let epoch: String
    /// Nanoseconds of CLOCK_MONOTONIC; 0: never.
    public var readAt: UInt64
    /// Nanoseconds since 1970; 0: never.
    public var readAtTime: UInt64
    public internal(set) var names: [UInt32: Name]
    public internal(set) var tallies: [Key: DropTally.Counts]
    /// Since when, by CLOCK_MONOTONIC, an interface is gone.
    private var gone: [UInt32: UInt64] = [:]
    /// What the store doesn't know yet.
    var changes = Changes()

    struct Changes: Sendable, Hashable {
        var names: Set<UInt32> = []
        var tallies: Set<Key> = []
        var removed: Set<UInt32> = []
    }

    /// An interface that is gone is forgotten after this many nanoseconds: one that isn't found for a moment only must not
    /// be counted anew when it is back.
    static let patience: UInt64 = 60_000_000_000

    public init(epoch: String, readAt: UInt64 = 0, readAtTime: UInt64 = 0) {
        self.epoch = epoch
        self.readAt = readAt
        self.readAtTime = readAtTime
        names = [:]
        tallies = [:]
    }

    init(epoch: String, readAt: UInt64, readAtTime: UInt64, names: [UInt32: Name], tallies: [Key: DropTally.Counts]) {
        self.init(epoch: epoch, readAt: readAt, readAtTime: readAtTime)
        self.names = names
        self.tallies = tallies
    }

    /// Moves on to what the counters say now.
    ///
    /// - Parameters:
    ///   - monotonic: nanoseconds of CLOCK_MONOTONIC, taken after the counters were read.
    ///   - time: the same moment in nanoseconds since 1970.
    /// - Returns: what was counted since, by violation, also what isn't worth keeping.
    public mutating func advance(to readings: [DropReading], monotonic: UInt64, time: UInt64) -> [Difference] {
        var differences: [Difference] = []
        for reading in readings {
            let interface = reading.port.index
            let before = names[interface]
            let now = Name(port: reading.port.name, bridge: reading.port.bridgeName, guest: reading.guest)
            for tally in reading.tallies {
                let key = Key(interface: interface, direction: tally.direction, reason: tally.reason)
                let base = tallies[key] ?? DropTally.Counts()
                guard tally.counts != base else { continue }
                tallies[key] = tally.counts
                changes.tallies.insert(key)
                let guest = Self.culprit(tally.reason, before: before, now: now)
                for wasAudited in [false, true] {
                    let count = tally.counts[audited: wasAudited].since(base[audited: wasAudited])
                    guard count.packets > 0 else { continue }
                    let violation = Violation(
                        bridge: now.bridge, guest: guest, port: now.port, direction: tally.direction, reason: tally.reason,
                        wasAudited: wasAudited)
                    differences.append(Difference(violation: violation, interface: interface, packets: count.packets, bytes: count.bytes))
                }
            }
            if before != now {
                names[interface] = now
                changes.names.insert(interface)
            }
        }
        forget(allBut: Set(readings.map(\.port.index)), monotonic)
        readAt = monotonic
        readAtTime = time
        return differences
    }

    /// Whose doing it was that was counted since the last look. A guest is named only if it can have been no other: a port
    /// without a binding has no guest, and one that was bound to another guest meanwhile may have had either.
    private static func culprit(_ reason: Reason, before: Name?, now: Name) -> String? {
        if reason == .noBinding { return nil }
        guard let before, before.guest != now.guest else { return now.guest }
        guard let former = before.guest else { return now.guest }
        return now.guest == nil ? former : nil
    }

    private mutating func forget(allBut present: Set<UInt32>, _ now: UInt64) {
        gone = gone.filter { !present.contains($0.key) }
        for interface in names.keys where !present.contains(interface) && gone[interface] == nil { gone[interface] = now }
        let forgotten = Set(gone.filter { now &- $0.value >= Self.patience }.keys)
        guard !forgotten.isEmpty else { return }
        for interface in forgotten {
            names[interface] = nil
            gone[interface] = nil
            changes.names.remove(interface)
            changes.removed.insert(interface)
        }
        tallies = tallies.filter { !forgotten.contains($0.key.interface) }
        changes.tallies = changes.tallies.filter { !forgotten.contains($0.interface) }
    }

    /// As if the store knew nothing of these.
    mutating func changeAll() { changes = Changes(names: Set(names.keys), tallies: Set(tallies.keys), removed: changes.removed) }
}

extension DropTally.Counts {
    subscript(audited wasAudited: Bool) -> Counters.Count { wasAudited ? audited : dropped }
}

extension Counters.Count {
    /// What was counted since `base`. A counter below its base has started anew, and counts whole.
    fileprivate func since(_ base: Counters.Count) -> Counters.Count {
        guard packets >= base.packets, bytes >= base.bytes else { return self }
        return Counters.Count(packets: packets - base.packets, bytes: bytes - base.bytes)
    }
}
