import CBPF
import DatapathProgram
import Glibc
import Netlink

/// What the loaders of one host remember between them: which program is loaded, which binding numbers and counter slots
/// are given out. An array map of one entry, in this process's memory; written under the pin folder's lock alone.
///
/// Its first six words never change their meaning, whatever the layout: an older or newer vifguard must be able to tell.
struct Ledger: Sendable {
    private static let mark: UInt64 = 0x7669_6667_7561_7264  // "vifguard"
    private static let head = 64

    /// The entry's bytes, in words. Slots follow at `head`, 4 bytes each: the interface that has the slot, 0 if none.
    private let memory: Memory
    let descriptor: Descriptor
    /// How many slots there are, the first among them, which is nobody's: the size of the entry says so to whoever opens it.
    let capacity: Int

    private final class Memory: @unchecked Sendable {
        let start: UnsafeMutableRawPointer
        let length: Int
        init(start: UnsafeMutableRawPointer, length: Int) {
            self.start = start
            self.length = length
        }
        deinit { munmap(start, length) }
    }

    private init(_ descriptor: Descriptor) throws(DatapathError) {
        var description = cbpf_map()
        let result = cbpf_map_describe(descriptor.number, &description)
        guard result == 0 else { throw .call("describe the ledger", result) }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let length = (Int(description.value_size) + page - 1) / page * page
        guard Int(description.value_size) >= Self.head,
            let start = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.number, 0), start != MAP_FAILED
        else { throw .system(action: "map the ledger into memory", errno: .current) }
        self.descriptor = descriptor
        capacity = (Int(description.value_size) - Self.head) / 4
        memory = Memory(start: start, length: length)
    }

    /// A new one, not pinned yet.
    ///
    /// - Parameter capacity: as many slots as the maps beside it have room for.
    static func make(capacity: Int) throws(DatapathError) -> Ledger {
        let ledger = try Ledger(Descriptor(cbpf_ledger_create("guard_ledger", UInt32(head + 4 * capacity)), "make a map"))
        ledger.word(0).pointee = mark
        ledger.word(1).pointee = UInt64(GUARD_LAYOUT)
        ledger.word(4).pointee = cbpf_network_cookie()
        return ledger
    }

    /// The pinned one; nil if there is none.
    static func pinned(_ pins: PinFolder, _ generation: PinFolder.Generation) throws(DatapathError) -> Ledger? {
        guard let descriptor = try Descriptor.pinned(at: pins.ledger(generation)) else { return nil }
        let ledger = try Ledger(descriptor)
        guard ledger.word(0).pointee == mark else { throw .object(reason: "\(pins.ledger(generation)) isn't a ledger of vifguard") }
        return ledger
    }

    private func word(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        memory.start.assumingMemoryBound(to: UInt64.self) + index
    }

    var layout: UInt32 { UInt32(truncatingIfNeeded: word(1).pointee) }

    /// The network namespace that the interface numbers belong to; 0 unknown.
    var networkCookie: UInt64 { word(4).pointee }

    /// Whether another set of maps has taken this one's place, or nothing is guarded any more.
    var isSuperseded: Bool {
        get { word(5).pointee != 0 }
        nonmutating set { word(5).pointee = newValue ? 1 : 0 }
    }

    /// Which object the programs come from (`DatapathObject.digest`).
    var digest: UInt64 {
        get { word(2).pointee }
        nonmutating set { word(2).pointee = newValue }
    }

    /// The stamp's bit, with the number of program changes above it: one word says whether cached programs are still those
    /// in force.
    var stamp: UInt32 {
        get { UInt32(truncatingIfNeeded: word(3).pointee) }
        nonmutating set { word(3).pointee = (word(3).pointee >> 32 &+ 1) << 32 | UInt64(newValue) }
    }
    var programGeneration: UInt64 { word(3).pointee }

    /// The number for the next binding.
    func nextBinding() throws(DatapathError) -> UInt32 {
        let last = word(6).pointee
        guard last < UInt64(UInt32.max) else {
            throw .object(
                reason: "four thousand million bindings were made since the host started: 'vifguard uninstall' and 'vifguard apply' start anew")
        }
        word(6).pointee = last + 1
        return UInt32(last + 1)
    }

    /// The numbers start where `other`'s end: moving to new maps must not use one twice.
    func continueNumbers(of other: Ledger) { word(6).pointee = max(word(6).pointee, other.word(6).pointee) }

    // MARK: Slots

    private var slots: UnsafeMutablePointer<UInt32> { (memory.start + Self.head).assumingMemoryBound(to: UInt32.self) }

    /// A free counter slot for the interface; slot 0 is for ports without a record. nil if all are taken.
    func takeSlot(for interface: UInt32) -> UInt32? {
        for slot in 1..<capacity where slots[slot] == 0 {
            slots[slot] = interface
            return UInt32(slot)
        }
        return nil
    }

    /// Gives a slot that is free to the interface that has it elsewhere.
    func give(_ slot: UInt32, to interface: UInt32) { slots[Int(slot)] = interface }

    func releaseSlot(_ slot: UInt32) {
        guard slot > 0, slot < UInt32(capacity) else { return }
        slots[Int(slot)] = 0
    }

    /// Every slot that is taken, and who has it.
    var takenSlots: [(slot: UInt32, interface: UInt32)] {
        (1..<capacity).compactMap { slots[$0] == 0 ? nil : (UInt32($0), slots[$0]) }
    }
}
