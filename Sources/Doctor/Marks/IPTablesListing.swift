/// The rules of one of iptables-save, ip6tables-save, ebtables-save, or arptables-legacy -nL, as far as they are needed here.
struct IPTablesListing: Sendable, Hashable {
    /// Which frames of a bridge run through them, and what the interfaces' names in them mean.
    enum Family: String, Sendable, Hashable {
        case ipv4, ipv6, arp, bridge

        /// The chains of the kernel's own that frames from one port to another, or to the host, go through between two
        /// programs of the guard. br_netfilter makes the bridge the interface, not its port; INPUT comes after the
        /// program at the bridge's own interface (net/bridge/br_netfilter_hooks.c, ebtable_filter.c).
        var chains: Set<String> {
            switch self {
            case .ipv4, .ipv6: ["PREROUTING", "FORWARD", "POSTROUTING"]
            case .arp: ["FORWARD"]
            case .bridge: ["PREROUTING", "INPUT", "FORWARD", "POSTROUTING", "BROUTING"]
            }
        }
    }

    /// The command that changes these rules: "iptables-legacy".
    var command: String
    var family: Family
    var rules: [IPTablesRule]

    /// The tables that the listing has, by name.
    var tables: Set<String>

    /// - Parameter text: anything at all; what is no rule isn't read.
    init(_ text: String, command: String, family: Family) {
        self.command = command
        self.family = family
        rules = []
        tables = []
        var table = "filter"
        var counts: [String: Int] = [:]
        var listed: String?
        for line in text.split(whereSeparator: \.isNewline) {
            if line.first == "*" {
                table = String(line.dropFirst())
                tables.insert(table)
                counts = [:]
                continue
            }
            let words = IPTablesRule.words(line)
            // "Chain FORWARD (policy ACCEPT)", and below it its rules: arptables can't save that chain.
            if words.first == "Chain", words.count > 1 { listed = words[1] }
            let rule: [String]
            if let listed, words.first?.hasPrefix("-") == true, words.first != "-A" { rule = ["-A", listed] + words } else { rule = words }
            // With counters, "[12:3456] -A …".
            guard let start = rule.firstIndex(of: "-A"), start <= 1, rule.count > start + 2 else { continue }
            let chain = rule[start + 1]
            counts[chain, default: 0] += 1
            rules.append(IPTablesRule(table: table, chain: chain, number: counts[chain, default: 0], words: Array(rule[(start + 2)...])))
        }
    }

    /// Those rules that bridged frames may come to and that change the stamp.
    ///
    /// - Parameter interfaces: the names that `-i` and `-o` have for them: the bridges' here, or their ports'.
    func markRules(stamp: UInt32, interfaces: Set<String>) -> [MarkRule] {
        Dictionary(grouping: rules, by: \.table).sorted { $0.key < $1.key }.flatMap { table, rules in
            let matching = rules.filter { $0.matches(interfaces) }
            let jumps = Dictionary(grouping: matching, by: \.chain).mapValues { Set($0.compactMap(\.target)) }
            let reached = reachable(from: family.chains, jumps: jumps)
            return matching.filter { reached.contains($0.chain) }.compactMap { markRule($0, stamp) }
        }
    }

    private func markRule(_ rule: IPTablesRule, _ stamp: UInt32) -> MarkRule? {
        let change = rule.change(stamp: stamp)
        guard !change.isHarmless else { return nil }
        return MarkRule(
            place: "\(command), table \(rule.table), chain \(rule.chain), rule \(rule.number)", text: rule.words.commandLine, change: change,
            mend: mend(rule, stamp))
    }

    private func mend(_ rule: IPTablesRule, _ stamp: UInt32) -> [String] {
        switch family {
        case .ipv4, .ipv6:
            guard let words = rule.sparing(stamp: stamp) else { return [] }
            return [([command, "-t", rule.table, "-R", rule.chain, "\(rule.number)"] + words).commandLine]
        // These have no masks.
        case .arp: return [[command, "-D", rule.chain, "\(rule.number)"].commandLine]
        case .bridge: return [([command, "-t", rule.table, "-D", rule.chain] + rule.words).commandLine]
        }
    }
}
