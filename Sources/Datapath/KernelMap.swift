import CBPF
import Glibc
import Netlink

/// A BPF map of fixed-size keys and values, as guard.h lays them out.
///
/// Values read while a program writes them may mix old and new fields; what matters (`ports`) is written by replacing.
struct KernelMap<Key: BitwiseCopyable, Value: BitwiseCopyable>: Sendable {
    let name: String
    let descriptor: Descriptor
    let capacity: Int

    /// Takes over a map; throws unless its keys and values have the size of `Key` and `Value`.
    init(_ name: String, _ descriptor: Descriptor) throws(DatapathError) {
        var description = cbpf_map()
        let result = cbpf_map_describe(descriptor.number, &description)
        guard result == 0 else { throw .call("describe map '\(name)'", result) }
        guard Int(description.key_size) == MemoryLayout<Key>.size, Int(description.value_size) == MemoryLayout<Value>.size else {
            throw .object(
                reason: "map '\(name)' has keys of \(description.key_size) and values of \(description.value_size) bytes, not "
                    + "\(MemoryLayout<Key>.size) and \(MemoryLayout<Value>.size): guard.h has changed without a new GUARD_LAYOUT")
        }
        self.name = name
        self.descriptor = descriptor
        capacity = Int(description.max_entries)
    }

    /// nil if there is no such entry.
    func value(for key: Key) throws(DatapathError) -> Value? {
        let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        defer { value.deallocate() }
        let result = withUnsafePointer(to: key) { bpf_map_lookup_elem(descriptor.number, $0, value) }
        if result == -ENOENT { return nil }
        guard result == 0 else { throw .call("read map '\(name)'", result) }
        return value.pointee
    }

    /// Writes an entry, replacing the one that is there in one step.
    func set(_ value: Value, for key: Key) throws(DatapathError) {
        let result = withUnsafePointer(to: key) { key in
            withUnsafePointer(to: value) { bpf_map_update_elem(descriptor.number, key, $0, UInt64(BPF_ANY)) }
        }
        switch result {
        case 0: return
        case -E2BIG, -ENOSPC: throw .mapFull(guest: nil, map: name, bound: capacity)
        default: throw .call("write map '\(name)'", result)
        }
    }

    /// Removes an entry; none is fine.
    func remove(_ key: Key) throws(DatapathError) {
        let result = withUnsafePointer(to: key) { bpf_map_delete_elem(descriptor.number, $0) }
        guard result == 0 || result == -ENOENT else { throw .call("remove from map '\(name)'", result) }
    }

    /// Every entry of a hash or trie. Entries that come or go meanwhile may be there or not; the rest are, each once.
    func entries() throws(DatapathError) -> [(key: Key, value: Value)] {
        if let entries = try batches() { return entries }
        return try oneByOne()
    }

    /// By the kernel's batches (Linux 5.6); nil where the kind of map has none.
    private func batches() throws(DatapathError) -> [(key: Key, value: Value)]? {
        // A hash map's position is 4 bytes, a trie's is a key.
        let positionSize = max(MemoryLayout<Key>.size, 8)
        let position = UnsafeMutableRawPointer.allocate(byteCount: positionSize, alignment: 8)
        defer { position.deallocate() }
        var room = min(capacity, 1024)
        var entries: [(key: Key, value: Value)] = []
        var hasPosition = false
        while true {
            let keys = UnsafeMutablePointer<Key>.allocate(capacity: room)
            let values = UnsafeMutablePointer<Value>.allocate(capacity: room)
            defer {
                keys.deallocate()
                values.deallocate()
            }
            var count = UInt32(room)
            let result = bpf_map_lookup_batch(descriptor.number, hasPosition ? position : nil, position, keys, values, &count, nil)
            switch result {
            case 0, -ENOENT:
                for index in 0..<Int(count) { entries.append((keys[index], values[index])) }
                if result == -ENOENT { return entries }
                hasPosition = true
            case -ENOSPC where room < capacity:  // a bucket with more than that many
                room = min(capacity, room * 4)
            case -524, -ENOTSUP, -EINVAL:
                return nil
            default:
                throw .call("read map '\(name)'", result)
            }
        }
    }

    private func oneByOne() throws(DatapathError) -> [(key: Key, value: Value)] {
        var entries: [(key: Key, value: Value)] = []
        let key = UnsafeMutablePointer<Key>.allocate(capacity: 2)
        defer { key.deallocate() }
        var result = bpf_map_get_next_key(descriptor.number, nil, key + 1)
        // A key removed under us would start the walk over: never more rounds than there can be entries, twice over.
        for _ in 0..<2 * capacity where result == 0 {
            key[0] = key[1]
            if let value = try value(for: key[0]) { entries.append((key[0], value)) }
            result = bpf_map_get_next_key(descriptor.number, key, key + 1)
        }
        guard result == 0 || result == -ENOENT else { throw .call("read map '\(name)'", result) }
        return entries
    }
}
