import CBPF
import DatapathProgram
import Glibc
import Netlink
import Policy

/// One loading of an object into the kernel: its programs, verified, on new maps or on maps that are there already.
final class ObjectLoader {
    private let object: OpaquePointer
    private static let maximumLog = 2000

    /// The maps that programs are loaded on.
    enum Maps {
        /// With room for so many ports.
        case new(ports: Int)
        /// Those that are there, by name; they keep their size.
        case inForce([String: Descriptor])
    }

    /// Loads the programs.
    ///
    /// - Parameter stamp: the mark's bit that says a frame was judged.
    init(_ bytes: [UInt8], stamp: UInt32, maps: Maps) throws(DatapathError) {
        cbpf_log_begin()
        guard let opened = bytes.withUnsafeBytes({ cbpf_object_open($0.baseAddress, $0.count, "guard") }) else {
            throw .object(reason: "libbpf can't read it: \(SystemErrorNumber.current)\n\(Self.logTail)")
        }
        object = opened
        try Self.set("guard_stamp", to: stamp, in: object)
        try Self.set("guard_tick", to: Self.tick, in: object)
        switch maps {
        case .new(let ports): try Self.makeRoom(for: ports, in: object)
        case .inForce(let maps): try Self.use(maps, in: object)
        }
        let result = bpf_object__load(object)
        guard result == 0 else { throw Self.explain(result) }
    }

    deinit { bpf_object__close(object) }

    func program(_ direction: Direction) throws(DatapathError) -> Descriptor {
        guard let program = bpf_object__find_program_by_name(object, direction.programName) else {
            throw .object(reason: "it has no program '\(direction.programName)'")
        }
        return try Self.duplicate(bpf_program__fd(program))
    }

    func map(_ name: String) throws(DatapathError) -> Descriptor {
        guard let map = bpf_object__find_map_by_name(object, name) else { throw .object(reason: "it has no map '\(name)'") }
        return try Self.duplicate(bpf_map__fd(map))
    }

    /// What maps.h sizes for the largest host there is.
    private static func makeRoom(for ports: Int, in object: OpaquePointer) throws(DatapathError) {
        let sizes = [
            "port_index_more": ports, "records": 2 * ports, "labels": ports, "tallies": 2 * ports * Int(GUARD_REASONS.rawValue),
            "passed": 2 * ports, "states": ports, "leases": ports * Int(GUARD_PORT_LEASES4 + GUARD_PORT_LEASES6),
        ]
        for (name, size) in sizes {
            guard let map = bpf_object__find_map_by_name(object, name) else { throw .object(reason: "it has no map '\(name)'") }
            let result = bpf_map__set_max_entries(map, UInt32(size))
            guard result == 0 else { throw .call("size the map '\(name)'", result) }
        }
    }

    /// Each map's own size takes the place of what the object says (libbpf's bpf_map__reuse_fd).
    private static func use(_ maps: [String: Descriptor], in object: OpaquePointer) throws(DatapathError) {
        for (name, descriptor) in maps {
            guard let map = bpf_object__find_map_by_name(object, name) else { continue }
            let result = bpf_map__reuse_fd(map, descriptor.number)
            guard result == 0 else { throw .call("use the map '\(name)' that is there", result) }
        }
    }

    private static func duplicate(_ number: Int32) throws(DatapathError) -> Descriptor {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
        return try Descriptor(copy < 0 ? -errno : copy, "copy a descriptor")
    }

    private static func set(_ constant: String, to value: UInt32, in object: OpaquePointer) throws(DatapathError) {
        let offset = cbpf_constant_offset(object, constant, 4)
        var size = 0
        guard offset >= 0, let map = bpf_object__find_map_by_name(object, ".rodata"), let values = bpf_map__initial_value(map, &size),
            offset + 4 <= size
        else { throw .object(reason: "it has no constant '\(constant)'") }
        UnsafeMutableRawPointer(mutating: values).storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
    }

    /// Nanoseconds from one jiffy to the next: what the coarse clocks go by (kernel/time/posix-timers.c,
    /// posix_get_coarse_res), 10 ms at most.
    private static var tick: UInt32 {
        var resolution = timespec()
        guard clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) == 0, resolution.tv_sec == 0, resolution.tv_nsec > 0 else { return 10_000_000 }
        return UInt32(resolution.tv_nsec)
    }

    /// Which feature is missing, if it is that; else the log's end, where the verifier says what it didn't like.
    private static func explain(_ result: Int32) -> DatapathError {
        let log = logTail
        if result == -ENOSYS { return .missingFeature("the bpf system call (CONFIG_BPF_SYSCALL)") }
        if result == -EPERM { return .notPermitted(action: "load the kernel program") }
        if libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nil) == 0 { return .missingFeature("BPF ring buffers (Linux 5.8)") }
        if libbpf_probe_bpf_map_type(BPF_MAP_TYPE_LPM_TRIE, nil) == 0 { return .missingFeature("BPF LPM tries (Linux 4.11)") }
        if libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SCHED_CLS, nil) == 0 { return .missingFeature("tc programs (CONFIG_NET_CLS_BPF)") }
        return log.isEmpty ? .call("load the kernel program", result) : .refused(log: log)
    }

    private static var logTail: String { String(String(cString: cbpf_log_tail()).suffix(maximumLog)) }
}
