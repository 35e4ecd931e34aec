import Classic
import Glibc
import Lab
import Netlink

/// The rules of the 2008 article, a set for each guest in the order in which ports come up: what iptables and ip6tables
/// hold then.
///
/// Its arptables rules are left out: they see ARP alone, which isn't measured here.
struct ClassicRules: Sendable {
    private var rules: [Filter: [String]] = [:]

    init(guests: [Guest], ports: [String], uplink: String = "uplink") {
        for (guest, port) in zip(guests, ports) {
            for rule in Rule.all(of: port, guest.binding, uplinks: [uplink]) {
                rules[rule.filter, default: []].append((["-A", "FORWARD"] + rule.words).joined(separator: " "))
            }
        }
    }

    /// Puts them in force in the namespace, and has its bridges ask them.
    ///
    /// - Throws: `LabError` if there is no iptables-legacy, or a kernel without it.
    func load(in namespace: NetworkNamespace) throws {
        try namespace.run {
            // iptables keeps its lock there: it is to be the namespace's own, and gone with it.
            guard mount("tmpfs", "/run", "tmpfs", 0, nil) == 0 else {
                throw LabError(action: "mount a tmpfs for iptables' lock", reason: "\(SystemErrorNumber.current)")
            }
        }
        for filter in [Filter.iptables, .ip6tables] {
            try Self.restore(rules[filter] ?? [], "\(filter.rawValue)-legacy-restore", in: namespace)
        }
        try namespace.run { for one in BridgeNetfilter.allCases { try one.turnOn() } }
    }

    private static func restore(_ rules: [String], _ command: String, in namespace: NetworkNamespace) throws {
        let text = (["*filter", ":INPUT ACCEPT", ":FORWARD DROP", ":OUTPUT ACCEPT"] + rules + ["COMMIT", ""]).joined(separator: "\n")
        // A file without a name: nothing of it is left, whatever happens.
        guard let file = tmpfile() else { throw LabError(action: "make a file of rules", reason: "\(SystemErrorNumber.current)") }
        defer { fclose(file) }
        guard fputs(text, file) >= 0, fflush(file) == 0 else {
            throw LabError(action: "write a file of rules", reason: "\(SystemErrorNumber.current)")
        }
        _ = try namespace.output(of: [command, "/proc/\(getpid())/fd/\(fileno(file))"], atMost: .seconds(120))
    }
}
