import CBPF
import DatapathProgram
import Glibc
import Netlink
import Policy

/// What one port's programs have counted since the port was first guarded (policy.md, section 10).
public struct Counters: Sendable, Hashable {
    public struct Count: Sendable, Hashable {
        public var packets: UInt64 = 0
        public var bytes: UInt64 = 0

        public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
            self.packets = packets
            self.bytes = bytes
        }
    }

    /// One way through the port.
    public struct Side: Sendable, Hashable {
        /// Passed, those let pass by audit mode among them.
        public var passed = Count()
        /// Dropped, by reason; reasons that never came up aren't there.
        public var dropped: [Reason: Count] = [:]
        /// What audit mode let pass, by reason.
        public var audited: [Reason: Count] = [:]

        public init() {}
    }

    /// From the port into the bridge.
    public var into = Side()
    /// Out of the bridge to the port.
    public var out = Side()

    public init() {}
}

/// Reads counters from memory shared with the kernel: no system call for what was dropped, two a port for what passed.
struct CounterReader {
    private let tallies: MappedArray<guard_tally>
    private let passed: Descriptor
    private let row: Int

    init(_ maps: GuardMaps) throws(DatapathError) {
        tallies = try MappedArray(maps.tallies)
        passed = maps.passed
        row = Int(GUARD_REASONS.rawValue)
    }

    func counters(slot: UInt32) throws(DatapathError) -> Counters {
        var counters = Counters()
        counters.into = try side(slot, 0)
        counters.out = try side(slot, 1)
        return counters
    }

    private func side(_ slot: UInt32, _ side: Int) throws(DatapathError) -> Counters.Side {
        var result = Counters.Side()
        let index = Int(slot) * 2 + side
        guard (index + 1) * row <= tallies.count else { return result }
        result.passed = try passedCount(UInt32(index))
        for reason in Reason.allCases {
            let tally = tallies.pointer(index * row + Int(reason.rawValue)).pointee
            if tally.packets != 0 { result.dropped[reason] = Counters.Count(packets: tally.packets, bytes: tally.bytes) }
            if tally.audited_packets != 0 {
                result.audited[reason] = Counters.Count(packets: tally.audited_packets, bytes: tally.audited_bytes)
            }
        }
        return result
    }

    private func passedCount(_ index: UInt32) throws(DatapathError) -> Counters.Count {
        var key = index
        let cpus = Int(max(libbpf_num_possible_cpus(), 1))
        return try withUnsafeTemporaryAllocation(of: guard_passed.self, capacity: cpus) { values throws(DatapathError) in
            let result = bpf_map_lookup_elem(passed.number, &key, values.baseAddress)
            guard result == 0 else { throw .call("read map 'passed'", result) }
            return values.reduce(into: Counters.Count()) {
                $0.packets &+= $1.packets
                $0.bytes &+= $1.bytes
            }
        }
    }
}

extension Datapath {
    /// The counters of an interface.
    ///
    /// - Throws: `DatapathError.notGuarded` if it has no record.
    public func counters(of interface: UInt32) throws(DatapathError) -> Counters {
        try checkInForce()
        guard let record = try records.record(of: interface) else { throw .notGuarded(interface: interface) }
        return try CounterReader(maps).counters(slot: record.slot)
    }

    /// What programs of ours have counted at interfaces that had no record: slot 0. Programs are attached where there is a
    /// record and taken off before it goes, so nothing is counted there while nobody interferes.
    package func countersWithoutRecord() throws(DatapathError) -> Counters {
        try checkInForce()
        return try CounterReader(maps).counters(slot: 0)
    }

    /// Sets all counters, buckets and claims of a slot to zero.
    func zero(_ slot: UInt32) throws(DatapathError) {
        let reasons = Int(GUARD_REASONS.rawValue)
        let first = slot * 2 * UInt32(reasons)
        let keys = (first..<first + 2 * UInt32(reasons)).map { $0 }
        let values = [guard_tally](repeating: guard_tally(), count: keys.count)
        var count = UInt32(keys.count)
        let result = bpf_map_update_batch(maps.tallies.descriptor.number, keys, values, &count, nil)
        guard result == 0 else { throw .call("zero the counters of slot \(slot)", result) }
        let zeros = [guard_passed](repeating: guard_passed(), count: Int(max(libbpf_num_possible_cpus(), 1)))
        for index in [slot * 2, slot * 2 + 1] {
            var key = index
            let result = bpf_map_update_elem(maps.passed.number, &key, zeros, 0)
            guard result == 0 else { throw .call("zero the counters of slot \(slot)", result) }
        }
        try maps.states.set(guard_state(), for: slot)
    }
}
