/// A guarded bridge as packet filters see it.
struct FilteredBridge: Sendable, Hashable {
    var name: String
    /// Names of its ports.
    var ports: Set<String>
    /// Whether bridged frames run through the rules of these families: br_netfilter, by the whole host's setting or the
    /// bridge's own.
    var callsIPv4 = false
    var callsIPv6 = false
    var callsARP = false
}

extension NFTListing {
    /// Those rules that frames of these bridges may come to and that change the stamp.
    ///
    /// - Parameter skipped: tables ("ip mangle") that are read through another tool.
    func markRules(stampBit: Int, bridges: [FilteredBridge], besides skipped: Set<String> = []) -> [MarkRule] {
        Dictionary(grouping: rules) { "\($0.family) \($0.table)" }.sorted { $0.key < $1.key }
            .filter { !skipped.contains($0.key) }.flatMap { table, rules in
                let chains = chains.filter { "\($0.family) \($0.table)" == table }
                return markRules(stampBit, bridges, chains, rules, isMapped: mappedTables.contains(table))
            }
    }

    private func markRules(_ stampBit: Int, _ bridges: [FilteredBridge], _ chains: [Chain], _ rules: [Rule], isMapped: Bool) -> [MarkRule] {
        var entries = chains.filter { $0.isOnTheWay(bridges) }.map(\.name)
        guard !entries.isEmpty else { return [] }
        // Where a map chooses the chain, it may be any.
        if isMapped { entries += chains.filter { $0.hook == nil }.map(\.name) }
        let family = rules.first?.family ?? ""
        let matching = rules.filter { $0.matches(interfaces(family, bridges)) }
        let jumps = Dictionary(grouping: matching, by: \.chain).mapValues { $0.reduce(into: Set<String>()) { $0.formUnion($1.targets) } }
        let reached = reachable(from: entries, jumps: jumps)
        return matching.filter { reached.contains($0.chain) }.compactMap { $0.markRule(stampBit) }
    }

    /// What `iifname` and `oifname` may be: br_netfilter shows the bridge in place of its ports.
    private func interfaces(_ family: String, _ bridges: [FilteredBridge]) -> Set<String> {
        let names = Set(bridges.map(\.name))
        return ["bridge", "netdev"].contains(family) ? bridges.reduce(into: names) { $0.formUnion($1.ports) } : names
    }
}

extension NFTListing.Chain {
    /// Whether frames go through it between two programs of the guard, on one of these bridges.
    func isOnTheWay(_ bridges: [FilteredBridge]) -> Bool {
        guard let hook else { return false }
        let isForwarding = ["prerouting", "forward", "postrouting"].contains(hook)
        switch (family, hook) {
        case ("ip", _) where isForwarding: return bridges.contains { $0.callsIPv4 }
        case ("ip6", _) where isForwarding: return bridges.contains { $0.callsIPv6 }
        case ("inet", _) where isForwarding: return bridges.contains { $0.callsIPv4 || $0.callsIPv6 }
        case ("bridge", _): return isForwarding || hook == "input"
        // Behind our program at a port's entry, in front of it at the exit (net/core/dev.c).
        case ("netdev", "ingress"), ("netdev", "egress"), ("inet", "ingress"):
            guard let devices else { return true }
            return bridges.contains { $0.ports.union([$0.name]).isDisjoint(with: devices) == false }
        default: return false
        }
    }
}

extension NFTListing.Rule {
    /// Whether it has a target that only iptables or ebtables can tell more of.
    var hasForeignTarget: Bool { expressions.contains { $0["xt"]?["type"]?.text == "target" } }

    /// Chains that it may go on with.
    var targets: Set<String> {
        var targets: Set<String> = []
        for expression in expressions {
            expression.visit { value in
                for verdict in ["jump", "goto"] { if let target = value[verdict]?["target"]?.text { targets.insert(target) } }
            }
        }
        return targets
    }

    /// Whether it can match where the interfaces have these names. What it asks beyond them isn't looked at.
    func matches(_ interfaces: Set<String>) -> Bool {
        expressions.allSatisfy { expression in
            guard let match = expression["match"], match["op"]?.text == "==", let key = match["left"]?["meta"]?["key"]?.text,
                ["iifname", "oifname", "iif", "oif", "ibrname", "obrname"].contains(key)
            else { return true }
            switch match["right"] {
            case .text(let name)?: return Self.isOne(name, of: interfaces)
            case .object(let members)?:
                guard let names = members["set"]?.list, names.allSatisfy({ $0.text != nil }) else { return true }
                return names.contains { Self.isOne($0.text ?? "", of: interfaces) }
            default: return true
            }
        }
    }

    private static func isOne(_ name: String, of interfaces: Set<String>) -> Bool {
        if name.hasPrefix("@") { return true }
        guard name.hasSuffix("*") else { return interfaces.contains(name) }
        return interfaces.contains { $0.hasPrefix(name.dropLast()) }
    }

    func markRule(_ stampBit: Int) -> MarkRule? {
        var change = MarkChange()
        for expression in expressions {
            guard let mangle = expression["mangle"], let key = mangle["key"], let value = mangle["value"] else { continue }
            let bit = MarkBit(stampBit, of: value, stamp: stampBit)
            if key["meta"]?["key"]?.text == "mark", bit.fate != .kept { change.stamp = bit.fate }
            if key["ct"]?["key"]?.text == "mark", bit.isSaving { change.isSaved = true }
        }
        guard !change.isHarmless else { return nil }
        return MarkRule(
            place: "nft, table \(family) \(table), chain \(chain), handle \(handle)", text: text ?? "the rule with handle \(handle)",
            change: change, mend: mend(stampBit))
    }

    /// The rule again with the stamp left out, where the words say what is written; else its removal.
    private func mend(_ stampBit: Int) -> [String] {
        let place = [family, table, chain].map(\.shellWord).joined(separator: " ") + " handle \(handle)"
        let stamp = UInt32(1) << UInt32(stampBit)
        let removal = ["nft delete rule \(place)"]
        guard var words = text?.split(separator: " ").map(String.init), !words.contains("comment") else { return removal }
        // Counters can't be written with their counts.
        while let counter = words.firstIndex(of: "counter"), counter + 4 < words.count, words[counter + 1] == "packets" {
            words.removeSubrange(counter + 1...counter + 4)
        }
        guard let set = words.indices.dropLast(3).first(where: { Array(words[$0...$0 + 2]) == ["meta", "mark", "set"] }),
            let value = Masked.number(words[set + 3]),
            set + 4 == words.count || !["&", "|", "^", "and", "or", "xor", "<<", ">>"].contains(words[set + 4])
        else { return removal }
        // All bits but the stamp's are replaced.
        words.replaceSubrange(set + 3...set + 3, with: ["meta", "mark", "&", Self.hex(stamp), "|", Self.hex(value & ~stamp)])
        return ["nft replace rule \(place) \(words.commandLine)"]
    }

    private static func hex(_ value: UInt32) -> String { "0x" + String(value, radix: 16) }

}
