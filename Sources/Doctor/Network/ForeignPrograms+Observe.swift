import CBPF
import Datapath
import Glibc
import Netlink

extension ForeignPrograms {
    /// - Parameter ours: the numbers of our programs at the interface.
    static func observe(_ index: InterfaceIndex, named name: String, ours: Set<UInt32>, ingressOnly: Set<InterfaceIndex>) throws(NetlinkError)
        -> ForeignPrograms
    {
        var facts = ForeignPrograms(interface: name, hasIngressQdisc: ingressOnly.contains(index))
        for hook in Hook.allCases {
            let links = tcx(index, hook)
            facts.hasTCX = links != nil
            facts.hooks[hook] = (links ?? []).map { Program(way: .tcx, id: $0, name: Self.name(ofProgram: $0), isOurs: ours.contains($0)) }
            let direction: TrafficControl.Direction = hook == .ingress ? .ingress : .egress
            facts.hooks[hook, default: []] += try TrafficControl.occupants(of: index, direction).map { filter in
                Program(
                    way: .clsact, kind: filter.kind, priority: filter.priority, handle: filter.handle, id: filter.programID, name: filter.name,
                    isOurs: filter.programID.map(ours.contains) ?? false)
            }
        }
        var xdp: UInt32 = 0
        if bpf_xdp_query_id(Int32(bitPattern: index), 0, &xdp) == 0, xdp != 0 { facts.xdp = xdp }
        return facts
    }

    /// Programs at a tcx hook in the order in which they run; nil where this kernel has no tcx.
    static func tcx(_ interface: InterfaceIndex, _ hook: Hook) -> [UInt32]? {
        let type = bpf_attach_type(rawValue: UInt32(hook == .ingress ? CBPF_TCX_INGRESS : CBPF_TCX_EGRESS))
        // The kernel takes at most 64 at one hook (BPF_MPROG_MAX).
        var ids = [UInt32](repeating: 0, count: 64)
        var count = UInt32(ids.count)
        var flags: UInt32 = 0
        let result = bpf_prog_query(Int32(bitPattern: interface), type, 0, &flags, &ids, &count)
        guard result == 0 else { return -result == EINVAL || -result == EOPNOTSUPP ? nil : [] }
        return Array(ids[..<Int(min(count, UInt32(ids.count)))])
    }

    /// nil for one that has gone meanwhile.
    private static func name(ofProgram id: UInt32) -> String? {
        let program = bpf_prog_get_fd_by_id(id)
        guard program >= 0 else { return nil }
        defer { close(program) }
        var description = cbpf_program()
        guard cbpf_program_describe(program, &description) == 0 else { return nil }
        return withUnsafeBytes(of: description.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
