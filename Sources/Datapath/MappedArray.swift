import Glibc
import Netlink

/// The values of an array map (BPF_F_MMAPABLE), seen in this process's memory: read and written without a system call.
///
/// The kernel and other processes write the same memory. Whoever uses this reads words that change under them, and
/// writes only what is theirs to write.
final class MappedArray<Value: BitwiseCopyable>: @unchecked Sendable {
    let count: Int
    private let start: UnsafeMutableRawPointer
    private let length: Int
    private let stride: Int

    /// - Parameter writable: whether this process is going to write.
    init(_ map: KernelMap<UInt32, Value>, writable: Bool = false) throws(DatapathError) {
        count = map.capacity
        // The kernel rounds each value up to 8 bytes, and the whole to pages.
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        stride = (MemoryLayout<Value>.size + 7) / 8 * 8
        length = (count * stride + page - 1) / page * page
        let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
        guard let address = mmap(nil, length, protection, MAP_SHARED, map.descriptor.number, 0), address != MAP_FAILED else {
            throw .system(action: "map '\(map.name)' into memory", errno: .current)
        }
        start = address
    }

    deinit { munmap(start, length) }

    /// Where a value is, for as long as this object lives. The index must be below `count`.
    func pointer(_ index: Int) -> UnsafeMutablePointer<Value> {
        precondition(index >= 0 && index < count)
        return (start + index * stride).assumingMemoryBound(to: Value.self)
    }
}
