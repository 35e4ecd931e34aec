import Classic
import Glibc
import Lab
import Netlink

/// The rules of the 2008 article, a set for each guest in the order in which ports come up: what iptables, ip6tables and
/// arptables hold then.
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
            let text = (["*filter", ":INPUT ACCEPT", ":FORWARD DROP", ":OUTPUT ACCEPT"] + (rules[filter] ?? []) + ["COMMIT"])
            try namespace.output(of: ["\(filter.rawValue)-legacy-restore"], with: text)
        }
        // Its restore is a script that calls it as often, and more slowly.
        let each = "while read -r rule; do arptables-legacy $rule || exit; done < \"$1\""
        try namespace.output(of: ["sh", "-c", each, "sh"], with: ["-P FORWARD DROP"] + (rules[.arptables] ?? []))
        try namespace.run { for one in BridgeNetfilter.allCases { try one.turnOn() } }
    }
}
