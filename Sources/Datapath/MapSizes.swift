import DatapathProgram
import Glibc
import Netlink

extension Datapath {
    /// The memory that each map takes, in bytes, by name: what the kernel itself says (`memlock` in fdinfo; before Linux
    /// 6.4 that is an estimate).
    public func mapSizes() throws(DatapathError) -> [String: UInt64] {
        var sizes: [String: UInt64] = [:]
        for (name, descriptor) in maps.descriptors { sizes[name] = try Self.memory(of: descriptor) }
        sizes["ledger"] = try Self.memory(of: ledger.descriptor)
        return sizes
    }

    private static func memory(of descriptor: Descriptor) throws(DatapathError) -> UInt64 {
        let path = "/proc/self/fdinfo/\(descriptor.number)"
        guard let file = fopen(path, "re") else { throw .system(action: "read \(path)", errno: .current) }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .split(whereSeparator: { $0 == ":" || $0 == "\t" || $0 == " " || $0 == "\n" })
            if fields.count == 2, fields[0] == "memlock" { return UInt64(fields[1]) ?? 0 }
        }
        return 0
    }
}

extension Datapath {
    /// How many entries the maps beyond the records hold, by name: what nobody refers to any more would show here.
    public func entryCounts() throws(DatapathError) -> [String: Int] {
        [
            "addresses4": try maps.addresses4.entries().count, "addresses6": try maps.addresses6.entries().count,
            "prefixes4": try maps.prefixes4.entries().count, "prefixes6": try maps.prefixes6.entries().count,
            "vlans": try maps.vlans.entries().count, "leases": try maps.leases.entries().count,
        ]
    }

    /// The number of the binding in force at an interface; nil if it has none.
    public func bindingNumber(of interface: UInt32) throws(DatapathError) -> UInt32? {
        guard let record = try records.record(of: interface), record.binding != 0 else { return nil }
        return record.binding
    }
}
