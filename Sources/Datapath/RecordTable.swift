import CBPF
import DatapathProgram

/// Ports' records, found and replaced as the programs expect it (guard.h): an index by interface number, and two records
/// a slot, one of them in use. Written under the pin folder's lock alone.
struct RecordTable: Sendable {
    private let index: MappedArray<UInt32>
    private let more: KernelMap<UInt32, UInt32>
    private let records: KernelMap<UInt32, guard_port>
    private let ledger: Ledger

    init(_ maps: GuardMaps, _ ledger: Ledger) throws(DatapathError) {
        index = try MappedArray(maps.index, writable: true)
        more = maps.indexMore
        records = maps.records
        self.ledger = ledger
    }

    /// The record of an interface; nil if it has none.
    func record(of interface: UInt32) throws(DatapathError) -> guard_port? {
        if let record = try record(at: place(interface).pointee, interface) { return record }
        guard let entry = try more.value(for: interface) else { return nil }
        return try record(at: entry, interface)
    }

    /// Every record.
    func all() throws(DatapathError) -> [guard_port] {
        try ledger.takenSlots.map { taken throws(DatapathError) in try record(of: taken.interface) }.compactMap { $0 }
    }

    /// Puts a record in force: written into the slot's record that is not in use, then shown by one store.
    func put(_ record: guard_port) throws(DatapathError) {
        let interface = record.ifindex
        let place = place(interface)
        let isInIndex = try self.record(at: place.pointee, interface) != nil
        var present = place.pointee
        if !isInIndex { present = try more.value(for: interface) ?? 0 }
        let number = record.slot * 2 + (guard_entry_number(present) == record.slot * 2 ? 1 : 0)
        let entry = guard_entry(interface, UInt32(record.kind), number)
        try records.set(record, for: number)
        if isInIndex || place.pointee == 0 {
            cbpf_store(place, entry)
            // It was beside the index while another interface had its place.
            if !isInIndex, present != 0 { try more.remove(interface) }
        } else {
            try more.set(entry, for: interface)
        }
    }

    /// Takes a record out of force, and clears both of its slot: a packet that is just being judged by it is dropped.
    func remove(_ record: guard_port) throws(DatapathError) {
        let place = place(record.ifindex)
        if try self.record(at: place.pointee, record.ifindex) != nil { cbpf_store(place, 0) }
        try more.remove(record.ifindex)
        for number in [record.slot * 2, record.slot * 2 + 1] { try records.set(guard_port(), for: number) }
    }

    /// Puts every record in force in other maps, in the same slot and under the same number.
    func copy(to next: RecordTable) throws(DatapathError) {
        for taken in ledger.takenSlots {
            next.ledger.give(taken.slot, to: taken.interface)
            for number in [taken.slot * 2, taken.slot * 2 + 1] {
                if let record = try records.value(for: number) { try next.records.set(record, for: number) }
            }
        }
        for (interface, entry) in try more.entries() { try next.more.set(entry, for: interface) }
        for place in 0..<index.count where index.pointer(place).pointee != 0 { cbpf_store(next.index.pointer(place), index.pointer(place).pointee) }
    }

    private func place(_ interface: UInt32) -> UnsafeMutablePointer<UInt32> { index.pointer(Int(interface % UInt32(GUARD_INDEX_ENTRIES))) }

    private func record(at entry: UInt32, _ interface: UInt32) throws(DatapathError) -> guard_port? {
        let number = guard_entry_number(entry)
        guard number != 0, let record = try records.value(for: number), record.ifindex == interface else { return nil }
        return record
    }
}
