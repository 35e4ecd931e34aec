import CBPF
import Datapath
import Foundation
import Glibc
import Netlink

extension Kernel {
    static func observe() -> Kernel {
        var name = utsname()
        uname(&name)
        var kernel = Kernel(release: withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        kernel.jit = number("/proc/sys/net/core/bpf_jit_enable")
        kernel.unprivilegedDisabled = number("/proc/sys/kernel/unprivileged_bpf_disabled")
        // 1 or 0, or a negative errno: it may not be asked.
        kernel.loadsPrograms = answer(libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SCHED_CLS, nil))
        kernel.hasRingBuffer = answer(libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nil))
        // The loopback is in every network namespace.
        if kernel.loadsPrograms == true { kernel.hasTCX = ForeignPrograms.tcx(if_nametoindex("lo"), .ingress) != nil }
        if kernel.hasTCX == false { kernel.hasClsact = build(kernel.release, ["CONFIG_NET_SCH_INGRESS", "CONFIG_NET_CLS_BPF"]) }
        return kernel
    }

    /// libbpf takes a refusal for a no.
    private static func answer(_ result: Int32) -> Bool? { geteuid() == 0 ? result > 0 : nil }

    private static func number(_ path: String) -> Int? {
        (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { Int($0.filter { !$0.isWhitespace }) }
    }

    /// Whether the kernel was built with all of these; nil where no file says so.
    private static func build(_ release: String, _ options: [String]) -> Bool? {
        let paths = ["/boot/config-\(release)", "/lib/modules/\(release)/config", "/lib/modules/\(release)/build/.config"]
        guard let text = paths.lazy.compactMap({ try? String(contentsOfFile: $0, encoding: .utf8) }).first else { return nil }
        let lines = Set(text.split(separator: "\n"))
        return options.allSatisfy { lines.contains("\($0)=y") || lines.contains("\($0)=m") }
    }
}
