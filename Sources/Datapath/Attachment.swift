import CBPF
import Glibc
import Netlink
import Policy

/// How a program hangs on an interface.
public enum AttachmentWay: String, Sendable, Hashable, CaseIterable {
    /// A pinned link, first of all programs there (Linux 6.6).
    case tcx
    /// A direct-action filter of priority 1 at the clsact qdisc's hooks.
    case clsact
}

/// A program of ours on an interface.
struct Attachment: Sendable, Hashable {
    let way: AttachmentWay
    let program: UInt32
}

/// Puts programs on interfaces and takes them off, in the calling thread's network namespace and under the pin folder's
/// lock.
struct Attacher: Sendable {
    /// The filter's fixed place: "vif" in ASCII, so that no other's is replaced. Of filters with one priority the newest
    /// runs first.
    private static let handle: UInt32 = 0x76_6966
    private static let priority: UInt32 = 1

    let pins: PinFolder

    struct Target: Sendable, Hashable {
        let interface: UInt32
        let kind: PortKind
    }

    // MARK: Looking

    /// The program of ours at the hook; nil if there is none. Dead links of interfaces that are gone don't count.
    func find(_ interface: UInt32, _ hook: Hook) throws(DatapathError) -> Attachment? {
        if let link = try liveLink(interface, hook) { return Attachment(way: .tcx, program: link.program) }
        return try filter(interface, hook)
    }

    private func liveLink(_ interface: UInt32, _ hook: Hook) throws(DatapathError) -> (descriptor: Descriptor, program: UInt32)? {
        guard let descriptor = try Descriptor.pinned(at: pins.link(interface, hook)) else { return nil }
        var description = cbpf_link()
        let result = cbpf_link_describe(descriptor.number, &description)
        guard result == 0 else { throw .call("describe \(pins.link(interface, hook))", result) }
        return description.interface == interface ? (descriptor, description.program) : nil
    }

    private func filter(_ interface: UInt32, _ hook: Hook) throws(DatapathError) -> Attachment? {
        var program: UInt32 = 0
        var place = place(interface, hook)
        let result = cbpf_filter_find(&place, &program)
        // No such filter; no hooks (EINVAL); no such interface.
        if result == -ENOENT || result == -EINVAL || result == -ENODEV { return nil }
        guard result == 0 else { throw .call("look for a filter on interface \(interface)", result) }
        return Attachment(way: .clsact, program: program)
    }

    private func place(_ interface: UInt32, _ hook: Hook) -> cbpf_place {
        cbpf_place(interface: interface, egress: hook == .egress ? 1 : 0, handle: Self.handle, priority: Self.priority)
    }

    // MARK: Putting

    /// Sees to it that both programs of its kind, or those of some hooks, run at the target, and first. Nothing is done
    /// where they do already.
    ///
    /// - Parameters:
    ///   - way: nil: tcx where the kernel has it, clsact elsewhere, and a way found in use is kept.
    ///   - isExpedited: the caller sees to short grace periods.
    func attach(
        _ target: Target, _ programs: ProgramSet, way: AttachmentWay?, hooks: [Hook] = Hook.allCases, isExpedited: Bool = false
    ) throws(DatapathError) {
        var missing: [Hook] = []
        for hook in hooks {
            let wanted = programs[target.kind.direction(hook)]
            guard let found = try find(target.interface, hook), way == nil || found.way == way else {
                missing.append(hook)
                continue
            }
            if found.program != wanted.id { try replace(found.way, target.interface, hook, wanted) }
        }
        guard !missing.isEmpty else { return }
        func putMissing() throws(DatapathError) {
            for hook in missing { try put(target, hook, programs[target.kind.direction(hook)], way) }
        }
        if isExpedited { try putMissing() } else { try ExpeditedGrace.run(putMissing) }
    }

    private func put(_ target: Target, _ hook: Hook, _ program: ProgramSet.Program, _ way: AttachmentWay?) throws(DatapathError) {
        switch way {
        case .tcx:
            let result = try link(target.interface, hook, program)
            guard result == 0 else { throw Self.explain(target.interface, tcx: result, clsact: nil) }
            try removeFilter(target.interface, hook)
        case .clsact:
            let result = addFilter(target.interface, hook, program)
            guard result == 0 else { throw Self.explain(target.interface, tcx: nil, clsact: result) }
            try removeLink(target.interface, hook)
        case nil:
            let linked = try link(target.interface, hook, program)
            // Kernels before 6.6 don't know the attach type.
            guard linked == -EINVAL || linked == -EOPNOTSUPP else {
                guard linked == 0 else { throw Self.explain(target.interface, tcx: linked, clsact: nil) }
                return
            }
            let filtered = addFilter(target.interface, hook, program)
            guard filtered == 0 else { throw Self.explain(target.interface, tcx: linked, clsact: filtered) }
        }
    }

    /// Makes and pins a link; gives 0 or the negative errno of the attaching itself.
    private func link(_ interface: UInt32, _ hook: Hook, _ program: ProgramSet.Program) throws(DatapathError) -> Int32 {
        let type = Int32(hook == .ingress ? CBPF_TCX_INGRESS : CBPF_TCX_EGRESS)
        let result = cbpf_link_first(program.descriptor.number, interface, type)
        guard result >= 0 else { return result }
        let descriptor = try Descriptor(result, "attach a link")
        let path = pins.link(interface, hook)
        try PinFolder.unpin(path)  // a dead one, of an interface that had this number before
        try descriptor.pin(at: path)
        return 0
    }

    /// Makes the clsact hooks if there are none, and puts the filter in, instead of our own that is there.
    private func addFilter(_ interface: UInt32, _ hook: Hook, _ program: ProgramSet.Program) -> Int32 {
        var place = place(interface, hook)
        return cbpf_filter_put(&place, program.descriptor.number)
    }

    /// Puts another program in the place of the one that runs there: no frame passes unjudged meanwhile.
    func replace(_ way: AttachmentWay, _ interface: UInt32, _ hook: Hook, _ program: ProgramSet.Program) throws(DatapathError) {
        switch way {
        case .tcx:
            guard let link = try liveLink(interface, hook) else { return }
            let result = bpf_link_update(link.descriptor.number, program.descriptor.number, nil)
            // The interface has gone in this very moment.
            guard result == 0 || result == -ENOLINK else { throw .call("replace the program of interface \(interface)", result) }
        case .clsact:
            let result = addFilter(interface, hook, program)
            guard result == 0 || result == -ENODEV else { throw .call("replace the filter of interface \(interface)", result) }
        }
    }

    // MARK: Taking off

    /// Takes our programs off an interface; none, or no interface, is fine.
    func detach(_ interface: UInt32, isExpedited: Bool = false) throws(DatapathError) {
        func removeLinks() throws(DatapathError) {
            for hook in Hook.allCases { try removeLink(interface, hook) }
        }
        if Hook.allCases.contains(where: { access(pins.link(interface, $0), F_OK) == 0 }) {
            if isExpedited { try removeLinks() } else { try ExpeditedGrace.run(removeLinks) }
        }
        var hadFilter = false
        for hook in Hook.allCases where try filter(interface, hook) != nil {
            hadFilter = true
            try removeFilter(interface, hook)
        }
        guard hadFilter else { return }
        do {
            try TrafficControl.removeUnusedHooks(from: interface)
        } catch {
            throw .network(error)
        }
    }

    /// Removes a link at once. Without the explicit detaching its program would run on until the kernel, some time after
    /// the pin has gone, gets round to freeing it.
    private func removeLink(_ interface: UInt32, _ hook: Hook) throws(DatapathError) {
        let path = pins.link(interface, hook)
        guard let descriptor = try Descriptor.pinned(at: path) else { return }
        let result = bpf_link_detach(descriptor.number)
        guard result == 0 || result == -ENOLINK else { throw .call("detach the link of interface \(interface)", result) }
        try PinFolder.unpin(path)
    }

    /// Removes the pins of links whose interface is gone; gives the numbers of those.
    func removeDeadLinks() throws(DatapathError) -> Set<UInt32> {
        var gone: Set<UInt32> = []
        for (interface, hook) in try linked() where try liveLink(interface, hook) == nil {
            try PinFolder.unpin(pins.link(interface, hook))
            gone.insert(interface)
        }
        return gone
    }

    /// Every link's place, dead ones among them.
    func linked() throws(DatapathError) -> [(interface: UInt32, hook: Hook)] {
        try PinFolder.entries(of: pins.links).compactMap { name in
            let parts = name.split(separator: "-")
            guard parts.count == 2, let interface = UInt32(parts[0]), let hook = Hook(rawValue: String(parts[1])) else { return nil }
            return (interface, hook)
        }
    }

    private func removeFilter(_ interface: UInt32, _ hook: Hook) throws(DatapathError) {
        var place = place(interface, hook)
        let result = cbpf_filter_remove(&place)
        guard [0, -ENOENT, -EINVAL, -ENODEV].contains(result) else {
            throw .call("remove the filter from interface \(interface)", result)
        }
    }

    // MARK: Errors

    private static func explain(_ interface: UInt32, tcx: Int32?, clsact: Int32?) -> DatapathError {
        if [tcx, clsact].contains(-ENODEV) { return .call("attach to interface \(interface)", -ENODEV) }
        if [tcx, clsact].contains(-EPERM) { return .notPermitted(action: "attach to interface \(interface)") }
        var reasons: [String] = []
        if let tcx { reasons.append("tcx link: \(SystemErrorNumber(-tcx)) (needs Linux 6.6 with CONFIG_NET_XGRESS)") }
        if let clsact { reasons.append("clsact filter: \(SystemErrorNumber(-clsact)) (needs CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF)") }
        return .noAttachment(interface: interface, reason: reasons.joined(separator: "; "))
    }
}
