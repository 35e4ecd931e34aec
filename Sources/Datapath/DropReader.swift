import CBPF
import DatapathProgram
import Glibc
import Netlink
import Policy

/// What one rule caught at one port, one way, since the counter began.
public struct DropTally: Sendable, Hashable {
    public struct Counts: Sendable, Hashable {
        public var dropped: Counters.Count
        /// What audit mode let pass.
        public var audited: Counters.Count

        public init(dropped: Counters.Count = Counters.Count(), audited: Counters.Count = Counters.Count()) {
            self.dropped = dropped
            self.audited = audited
        }
    }

    public var direction: Direction
    public var reason: Reason
    public var counts: Counts

    public init(direction: Direction, reason: Reason, counts: Counts) {
        self.direction = direction
        self.reason = reason
        self.counts = counts
    }
}

/// What was dropped at one port, and who it is.
public struct DropReading: Sendable, Hashable {
    public var port: Port
    /// nil for an uplink, a bridge and a closed port.
    public var guest: String?
    /// Counters that aren't zero.
    public var tallies: [DropTally]

    public init(port: Port, guest: String?, tallies: [DropTally]) {
        self.port = port
        self.guest = guest
        self.tallies = tallies
    }
}

/// Reads what was dropped at all ports, as often as once a second at a thousand ports: the counters from memory shared
/// with the kernel, names only where a record has changed.
///
/// Not Sendable: one thread reads.
public final class DropReader {
    private struct Known {
        var record: (binding: UInt32, bridge: UInt32, slot: UInt32, kind: UInt8, flags: UInt32)
        var port: Port
        var guest: String?
    }

    private let datapath: Datapath
    private let tallies: MappedArray<guard_tally>
    private var known: [UInt32: Known] = [:]

    fileprivate init(_ datapath: Datapath) throws(DatapathError) {
        self.datapath = datapath
        tallies = try MappedArray(datapath.maps.tallies)
    }

    /// Whether no other maps have taken the place of these. Once they have, these count no more: what is read then is the
    /// last there is to read.
    public var isInForce: Bool { !datapath.ledger.isSuperseded }

    /// What every guarded interface's counters say.
    ///
    /// - Parameter isWanted: which of them.
    public func read(where isWanted: (Reason, Direction) -> Bool = { _, _ in true }) throws(DatapathError) -> [DropReading] {
        let records = try datapath.records.all()
        let present = Set(records.map(\.ifindex))
        known = known.filter { present.contains($0.key) }
        return try records.map { record throws(DatapathError) in
            let known = try known(record)
            return DropReading(port: known.port, guest: known.guest, tallies: tallies(record, where: isWanted))
        }
    }

    private func known(_ record: guard_port) throws(DatapathError) -> Known {
        let identity = (record.binding, record.bridge, record.slot, record.kind, record.flags)
        if let known = known[record.ifindex], known.record == identity { return known }
        let label = try datapath.maps.labels.value(for: record.ifindex) ?? guard_label()
        let isBound = record.kind == PortKind.guest.rawValue && record.flags & UInt32(GUARD_BOUND) != 0
        let found = Known(
            record: identity,
            port: Port(index: record.ifindex, name: label.portName, bridgeIndex: record.bridge, bridgeName: label.bridgeName),
            guest: isBound ? label.guestName : nil)
        known[record.ifindex] = found
        return found
    }

    private func tallies(_ record: guard_port, where isWanted: (Reason, Direction) -> Bool) -> [DropTally] {
        guard let kind = PortKind(rawValue: record.kind) else { return [] }
        var result: [DropTally] = []
        for hook in Hook.allCases {
            let direction = kind.direction(hook)
            let first = (Int(record.slot) * 2 + direction.side) * Int(GUARD_REASONS.rawValue)
            guard first + Int(GUARD_REASONS.rawValue) <= tallies.count else { continue }
            for number in 1..<UInt16(GUARD_REASONS.rawValue) {
                let tally = tallies.pointer(first + Int(number)).pointee
                guard tally.packets | tally.audited_packets != 0, let reason = Reason(rawValue: number), isWanted(reason, direction)
                else { continue }
                let counts = DropTally.Counts(
                    dropped: Counters.Count(packets: tally.packets, bytes: tally.bytes),
                    audited: Counters.Count(packets: tally.audited_packets, bytes: tally.audited_bytes))
                result.append(DropTally(direction: direction, reason: reason, counts: counts))
            }
        }
        return result
    }
}

extension Datapath {
    /// Opens the counters for reading them again and again.
    public func dropReader() throws(DatapathError) -> DropReader { try DropReader(self) }

    /// What tells these maps from any others that were ever loaded, here and in other network namespaces, this boot and
    /// others: counters of one epoch only grow.
    public func epoch() throws(DatapathError) -> String {
        var boot = [UInt8](repeating: 0, count: 36)
        let path = "/proc/sys/kernel/random/boot_id"
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .system(action: "open \(path)", errno: .current) }
        defer { Glibc.close(file) }
        guard Glibc.read(file, &boot, boot.count) == boot.count else { throw .system(action: "read \(path)", errno: .current) }
        var description = cbpf_map()
        let result = cbpf_map_describe(ledger.descriptor.number, &description)
        guard result == 0 else { throw .call("describe the ledger", result) }
        return "\(String(decoding: boot, as: UTF8.self)) \(ledger.networkCookie) \(description.id)"
    }
}
