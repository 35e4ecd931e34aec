/// Packet filters' rules that bridged frames run through, looked at for what they do to the stamp.
struct PacketMarks: Sendable, Hashable {
    var stampBit: Int
    var bridges: [FilteredBridge]
    var listings: [IPTablesListing] = []
    var nft: NFTListing?
    /// What couldn't be read, and why.
    var unread: [String: String] = [:]

    /// No more than this many rules of each kind are told one by one.
    private static let most = 10

    var findings: [Finding] { calls + rules + unreadable }

    private var stamp: UInt32 { 1 << UInt32(stampBit) }

    // MARK: Bridged frames in iptables

    private var calls: [Finding] {
        bridges.compactMap { bridge in
            let families = [("iptables", bridge.callsIPv4), ("ip6tables", bridge.callsIPv6), ("arptables", bridge.callsARP)]
            let called = families.filter(\.1).map(\.0)
            guard !called.isEmpty else { return nil }
            return Finding(
                "bridged-frames-filtered", .note, "bridge \(bridge.name)",
                found: "its frames run through the host's \(called.joined(separator: ", "))",
                meaning:
                    "They cost time there, and a rule that was made for the host's own traffic may drop guests' or overwrite the stamp. Unless bridged frames are meant to be filtered there:",
                mend: called.map { "sysctl -w net.bridge.bridge-nf-call-\($0)=0" } + [
                    "ip link set \(bridge.name.shellWord) type bridge" + called.map { " nf_call_\($0) 0" }.joined()
                ])
        }
    }

    // MARK: Rules

    private var rules: [Finding] {
        let marks = markRules
        let isSaved = marks.contains { $0.change.isSaved }
        return marks.prefix(Self.most).map { finding($0, isSaved: isSaved) } + rest(marks.count)
    }

    private func rest(_ count: Int) -> [Finding] {
        guard count > Self.most else { return [] }
        return [
            Finding(
                "mark-rules-many", .problem, "packet filters", found: "\(count - Self.most) more rules that change the stamp",
                meaning: "Mend those above, then look again.")
        ]
    }

    private var markRules: [MarkRule] {
        let called = listings.filter { listing in
            switch listing.family {
            case .ipv4: bridges.contains { $0.callsIPv4 }
            case .ipv6: bridges.contains { $0.callsIPv6 }
            case .arp: bridges.contains { $0.callsARP }
            case .bridge: true
            }
        }
        let names = Set(bridges.map(\.name))
        let ports = bridges.reduce(into: names) { $0.formUnion($1.ports) }
        let saved = called.flatMap { $0.markRules(stamp: stamp, interfaces: $0.family == .bridge ? ports : names) }
        return saved + (nft?.markRules(stampBit: stampBit, bridges: bridges, besides: compatible) ?? [])
    }

    /// Tables of nft's that one of the listings has told already.
    private var compatible: Set<String> {
        listings.filter { $0.command.hasSuffix("-nft") }.reduce(into: []) { names, listing in
            let family = [.ipv4: "ip", .ipv6: "ip6", .arp: "arp", .bridge: "bridge"][listing.family] ?? ""
            names.formUnion(listing.tables.map { "\(family) \($0)" })
        }
    }

    private func finding(_ rule: MarkRule, isSaved: Bool) -> Finding {
        let bit = "bit \(stampBit) of the packet mark"
        let found = "'\(rule.text)'"
        switch rule.change.stamp {
        case .set, .flipped:
            return Finding(
                "mark-forges-stamp", .problem, rule.place, found: found,
                meaning: "It sets \(bit), so that frames which nobody has judged pass as judged ones.", mend: rule.mend)
        case .cleared, .unknown:
            return Finding(
                "mark-overwritten", .problem, rule.place, found: found,
                meaning: "It overwrites the whole mark, and with it the stamp in \(bit): honest guests' frames are dropped as unjudged.",
                mend: rule.mend)
        case .fromConnection:
            let forges = isSaved ? " As a rule saves it there too, frames that nobody has judged pass as judged ones." : ""
            return Finding(
                "mark-restored", .problem, rule.place, found: found,
                meaning: "It takes \(bit), the stamp, from the connection: honest guests' frames are dropped as unjudged.\(forges)", mend: rule.mend)
        case .kept:
            return Finding(
                "mark-saved", .warning, rule.place, found: found,
                meaning: "It saves the stamp in the connection's mark; a rule that restores it would let frames pass that nobody has judged.",
                mend: rule.mend)
        }
    }

    /// Tables with targets of iptables' own in them, which nft can't show.
    private var hidden: [String: String] {
        let tables = (nft?.rules ?? []).filter(\.hasForeignTarget).map { "\($0.family) \($0.table)" }
        let pairs = Set(tables).subtracting(compatible).map {
            ("nft, table \($0)", "it has targets of iptables', which nft doesn't show: install the package iptables")
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    private var unreadable: [Finding] {
        unread.merging(hidden) { first, _ in first }.sorted { $0.key < $1.key }.map { place, reason in
            .unseen(place, because: reason, hides: "whether a rule there overwrites or forges the stamp")
        }
    }
}
