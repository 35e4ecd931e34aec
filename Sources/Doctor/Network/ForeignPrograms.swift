import Datapath
import Netlink

/// Programs of others' at one guarded interface, beside ours.
struct ForeignPrograms: Sendable, Hashable {
    /// A program or filter at one of the hooks.
    struct Program: Sendable, Hashable {
        var way: AttachmentWay
        /// "bpf", "flower"…
        var kind = "bpf"
        var priority: UInt16 = 0
        var handle: UInt32 = 0
        /// The kernel's number of a bpf program.
        var id: UInt32?
        var name: String?
        var isOurs = false
    }

    var interface: String
    /// In the order in which they run: tcx links, then filters.
    var hooks: [Hook: [Program]] = [:]
    /// The XDP program's number.
    var xdp: UInt32?
    /// Whether an ingress qdisc has the place of the clsact hooks.
    var hasIngressQdisc = false
    /// Whether this kernel has tcx, which needs none.
    var hasTCX = true

    var findings: [Finding] {
        Hook.allCases.flatMap { at($0) } + [express, qdisc].compactMap(\.self)
    }

    private func at(_ hook: Hook) -> [Finding] {
        let programs = hooks[hook] ?? []
        // Without one of ours there it is `apply` that is missing.
        guard let ours = programs.firstIndex(where: \.isOurs) else { return [] }
        return programs.enumerated().filter { !$0.element.isOurs }.map { $0.offset < ours ? inFront($0.element, hook) : behind($0.element, hook) }
    }

    private func inFront(_ program: Program, _ hook: Hook) -> Finding {
        let what = hook == .ingress ? "comes in here" : "leaves here"
        return Finding(
            "program-in-front", .problem, "interface \(interface)", found: "\(words(program)) runs at \(name(hook)) in front of the guard",
            meaning:
                "It decides first: what of that \(what) it passes, redirects or changes the guard never judges. Let whoever put it there put it behind, or take it off:",
            mend: removal(program, hook))
    }

    private func behind(_ program: Program, _ hook: Hook) -> Finding {
        Finding(
            "program-behind", .note, "interface \(interface)", found: "\(words(program)) runs at \(name(hook)) behind the guard",
            meaning: "It sees what the guard has passed; if it changes the packet mark, frames may count as unjudged.", mend: [])
    }

    private var express: Finding? {
        guard let xdp else { return nil }
        return Finding(
            "xdp-program", .warning, "interface \(interface)", found: "XDP program \(xdp) runs on it",
            meaning:
                "It sees frames before anything else: what it redirects or sends back the guard never judges. Unless you know what it does ('bpftool prog show id \(xdp)'):",
            mend: ["ip link set dev \(interface.shellWord) xdp off"])
    }

    private var qdisc: Finding? {
        guard hasIngressQdisc else { return nil }
        return Finding(
            "ingress-qdisc", hasTCX ? .note : .problem, "interface \(interface)", found: "an ingress qdisc has the place of the clsact hooks",
            meaning: hasTCX
                ? "Its filters run behind the guard. On a kernel without tcx the guard couldn't be put there."
                : "The guard can't be put there: this kernel has no tcx, and the clsact hooks need the place.",
            mend: hasTCX ? [] : ["tc qdisc del dev \(interface.shellWord) ingress"])
    }

    private func name(_ hook: Hook) -> String { hook == .ingress ? "ingress" : "egress" }

    private func words(_ program: Program) -> String {
        let name = program.name.map { " '\($0)'" } ?? ""
        switch program.way {
        case .tcx: return "a tcx program\(name)\(program.id.map { " (id \($0))" } ?? "")"
        case .clsact: return "a \(program.kind) filter\(name) of priority \(program.priority)"
        }
    }

    private func removal(_ program: Program, _ hook: Hook) -> [String] {
        switch program.way {
        case .tcx: return ["bpftool net detach tcx_\(name(hook)) dev \(interface.shellWord)"]
        case .clsact:
            let handle = program.kind == "bpf" ? " handle 0x\(String(program.handle, radix: 16)) \(program.kind)" : ""
            return ["tc filter del dev \(interface.shellWord) \(name(hook)) pref \(program.priority)\(handle)"]
        }
    }
}
