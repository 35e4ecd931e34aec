/// What the running kernel can do.
struct Kernel: Sendable, Hashable {
    /// As uname(2) has it: "6.1.0-18-amd64".
    var release: String
    /// nil: it couldn't be asked, for want of rights.
    var loadsPrograms: Bool?
    var hasRingBuffer: Bool?
    var hasTCX: Bool?
    /// nil: nobody knows before something is attached.
    var hasClsact: Bool?
    /// net.core.bpf_jit_enable; nil where there is no such setting: always on, or never.
    var jit: Int?
    /// kernel.unprivileged_bpf_disabled
    var unprivilegedDisabled: Int?

    /// The oldest that the guard is tried on.
    private static let oldest = (6, 1)

    var findings: [Finding] { [version, programs, ring, attachment, compiler, unprivileged].compactMap(\.self) }

    private var place: String { "kernel \(release)" }

    private var version: Finding? {
        let numbers = release.split { !$0.isNumber && $0 != "." }.first.map { $0.split(separator: ".").compactMap { Int($0) } } ?? []
        guard numbers.count >= 2 else {
            return .unseen(place, because: "its release says no version", hides: "whether it is Linux 6.1 or later, as the guard needs")
        }
        guard (numbers[0], numbers[1]) < Self.oldest else { return nil }
        return Finding(
            "kernel-old", .warning, place, found: "it is older than Linux 6.1",
            meaning: "The guard has never been tried on such a kernel. Boot a later one.")
    }

    private var programs: Finding? {
        guard let loadsPrograms else {
            return .unseen(
                place, because: "it may not be asked what it can do", hides: "whether programs can be loaded", mend: ["sudo vifguard doctor"])
        }
        guard !loadsPrograms else { return nil }
        return Finding(
            "kernel-without-bpf", .problem, place, found: "it loads no programs for tc",
            meaning:
                "Nothing can be guarded. Boot a kernel with CONFIG_BPF_SYSCALL and CONFIG_NET_CLS_ACT, or let bpf(2) be used here (lockdown, containers)."
        )
    }

    private var ring: Finding? {
        guard loadsPrograms == true, hasRingBuffer == false else { return nil }
        return Finding(
            "kernel-without-ring-buffer", .problem, place, found: "it has no BPF ring buffer",
            meaning: "The guard's programs can't be loaded. Boot a kernel of Linux 5.8 or later.")
    }

    private var attachment: Finding? {
        guard loadsPrograms == true, hasTCX == false else { return nil }
        switch hasClsact {
        case true?: return nil
        case false?:
            return Finding(
                "kernel-without-attachment", .problem, place, found: "it has neither tcx (CONFIG_NET_XGRESS, Linux 6.6) nor clsact",
                meaning: "The guard can't be put on an interface. Boot a kernel with CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF.")
        case nil:
            return .unseen(
                place, because: "it has no tcx, and no file says how it was built", hides: "whether it has clsact before something is attached")
        }
    }

    private var compiler: Finding? {
        guard jit == 0 else { return nil }
        return Finding(
            "bpf-interpreted", .warning, "net.core.bpf_jit_enable", found: "it is 0: programs are interpreted",
            meaning: "Each packet costs several times what it should.", mend: ["sysctl -w net.core.bpf_jit_enable=1"])
    }

    private var unprivileged: Finding? {
        guard unprivilegedDisabled == 0 else { return nil }
        return Finding(
            "unprivileged-bpf", .note, "kernel.unprivileged_bpf_disabled", found: "it is 0: anybody may load programs",
            meaning: "They can't touch the guard, but have been a way to attack kernels.", mend: ["sysctl -w kernel.unprivileged_bpf_disabled=1"])
    }
}
