import CBPF
import DatapathProgram
import Netlink
import Policy

/// Runs the six programs on frames of one's own (BPF_PROG_TEST_RUN): counters, claims and events come about as for real
/// frames; nothing is sent.
///
/// The reason given is that of the counter that went up, so no other frame may cross the same port meanwhile.
///
/// What the kernel can't be told in such a run: an out-of-band tag, the packet type (it follows from the destination
/// MAC), data outside the linear part. Frames have 14 bytes or more.
public final class TestRun: Sendable {
    public struct Frame: Sendable, Hashable {
        public var bytes: [UInt8]
        /// The interface it is at: one that exists in the calling thread's network namespace.
        public var interface: UInt32
        /// The interface it was received on; 0: made here.
        public var ingressInterface: UInt32
        public var mark: UInt32
        /// Above 0 for an offloaded super-packet.
        public var segmentSize: UInt32

        public init(_ bytes: [UInt8], at interface: UInt32, receivedOn ingressInterface: UInt32 = 0, mark: UInt32 = 0, segmentSize: UInt32 = 0) {
            self.bytes = bytes
            self.interface = interface
            self.ingressInterface = ingressInterface
            self.mark = mark
            self.segmentSize = segmentSize
        }
    }

    public struct Outcome: Sendable, Hashable {
        /// What the program returned: -1 passes the frame on, 2 drops it.
        public var verdict: Int32
        /// The packet mark afterwards.
        public var mark: UInt32
        /// What was counted: nil for a frame that broke no rule.
        public var reason: Reason?
        /// Audit mode let it pass.
        public var wasAudited: Bool

        public var isDropped: Bool { verdict == 2 }

        public init(verdict: Int32, mark: UInt32, reason: Reason?, wasAudited: Bool) {
            self.verdict = verdict
            self.mark = mark
            self.reason = reason
            self.wasAudited = wasAudited
        }
    }

    private let programs: ProgramSet
    private let records: RecordTable
    private let tallies: MappedArray<guard_tally>

    init(_ programs: ProgramSet, _ records: RecordTable, _ maps: GuardMaps) throws(DatapathError) {
        self.programs = programs
        self.records = records
        tallies = try MappedArray(maps.tallies)
    }

    /// Runs the direction's program once.
    ///
    /// - Throws: `DatapathError` for a frame or interface that the kernel doesn't take.
    public func run(_ direction: Direction, _ frame: Frame) throws(DatapathError) -> Outcome {
        let slot = try records.record(of: frame.interface)?.slot ?? 0
        return try run(direction, frame, slot: slot)
    }

    /// Runs the direction's program on each frame in turn. All at one interface: its record is looked up once.
    public func run(_ direction: Direction, _ frames: [Frame]) throws(DatapathError) -> [Outcome] {
        var slots: [UInt32: UInt32] = [:]
        return try frames.map { frame throws(DatapathError) in
            var slot = slots[frame.interface]
            if slot == nil {
                slot = try records.record(of: frame.interface)?.slot ?? 0
                slots[frame.interface] = slot
            }
            return try run(direction, frame, slot: slot ?? 0)
        }
    }

    private func run(_ direction: Direction, _ frame: Frame, slot: UInt32) throws(DatapathError) -> Outcome {
        var run = cbpf_run()
        run.mark = frame.mark
        run.interface = frame.interface
        run.ingress_interface = frame.ingressInterface
        run.segment_size = frame.segmentSize
        let before = sums(slot, direction)
        let result = frame.bytes.withUnsafeBytes { bytes in
            run.frame = bytes.baseAddress
            run.length = UInt32(bytes.count)
            return cbpf_test_run(programs[direction].descriptor.number, &run)
        }
        guard result == 0 else {
            throw .call("run \(direction.programName) on a frame of \(frame.bytes.count) bytes at interface \(frame.interface)", result)
        }
        let change = change(since: before, slot, direction)
        return Outcome(verdict: run.verdict, mark: run.mark, reason: change?.reason, wasAudited: change?.audited ?? false)
    }

    /// What was counted while one real frame took that way through a port: nil for one that broke no rule, or never came.
    public func reason(at interface: UInt32, _ direction: Direction, while sending: () throws -> Void) throws -> (reason: Reason, audited: Bool)? {
        let slot = try records.record(of: interface)?.slot ?? 0
        let before = sums(slot, direction)
        try sending()
        return change(since: before, slot, direction)
    }

    // MARK: Which counter went up

    private typealias Sums = InlineArray<48, UInt64>

    private func row(_ slot: UInt32, _ direction: Direction) -> UnsafeMutablePointer<guard_tally> {
        let reasons = Int(GUARD_REASONS.rawValue)
        let row = (Int(slot) * 2 + direction.side) * reasons
        return tallies.pointer(row + reasons <= tallies.count ? row : direction.side * reasons)
    }

    private func sums(_ slot: UInt32, _ direction: Direction) -> Sums {
        let row = row(slot, direction)
        return Sums { row[$0].packets &+ row[$0].audited_packets << 32 }
    }

    private func change(since before: Sums, _ slot: UInt32, _ direction: Direction) -> (reason: Reason, audited: Bool)? {
        let row = row(slot, direction)
        for index in before.indices {
            let now = row[index].packets &+ row[index].audited_packets << 32
            guard now != before[index], let reason = Reason(rawValue: UInt16(index)) else { continue }
            return (reason, now &- before[index] >= 1 << 32)
        }
        return nil
    }
}

extension Datapath {
    /// The programs in force, to be run on frames.
    public func testRun() throws(DatapathError) -> TestRun { try TestRun(currentPrograms(), records, maps) }
}
