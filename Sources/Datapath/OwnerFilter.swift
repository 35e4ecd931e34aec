import Addresses
import CBPF
import DatapathProgram

/// The bitmap that saves the programs most look-ups of owners (guard.h, `owner_filter`). Bits are only ever set: one too
/// many costs a look-up, one too few would let a hijack pass.
struct OwnerFilter {
    private let words: MappedArray<UInt64>
    private let bridge: UInt32

    init(_ maps: GuardMaps, bridge: UInt32) throws(DatapathError) {
        words = try MappedArray(maps.ownerFilter, writable: true)
        self.bridge = bridge
    }

    /// Sets every bit in other maps that is set here.
    static func copy(_ maps: GuardMaps, to next: GuardMaps) throws(DatapathError) {
        let (words, others) = (try MappedArray(maps.ownerFilter), try MappedArray(next.ownerFilter, writable: true))
        for place in 0..<words.count where words.pointer(place).pointee != 0 {
            cbpf_set_bits(others.pointer(place), words.pointer(place).pointee)
        }
    }

    func mark(_ mac: MACAddress) { mark(guard_filter_bit_mac(bridge, mac.word)) }
    func mark(_ address: IPv4Address) { mark(guard_filter_bit4(bridge, address.rawValue.bigEndian)) }
    func mark(_ address: IPv6Address) { mark(guard_filter_bit(bridge, address.words.0, address.words.1)) }

    /// Atomically: the programs set bits of claims in the same words.
    private func mark(_ bit: UInt32) {
        guard Int(bit / 64) < words.count else { return }
        cbpf_set_bits(words.pointer(Int(bit / 64)), 1 << UInt64(bit % 64))
    }
}
