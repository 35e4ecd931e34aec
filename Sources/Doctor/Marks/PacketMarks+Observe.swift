import Foundation

extension PacketMarks {
    /// Reads the rules that the host's packet filters have in this network namespace.
    static func observe(_ bridges: [FilteredBridge], stampBit: Int) async -> PacketMarks {
        var marks = PacketMarks(stampBit: stampBit, bridges: bridges)
        guard !bridges.isEmpty else { return marks }
        if bridges.contains(where: \.callsIPv4) { await marks.readTables("iptables", .ipv4, legacy: "ip_tables_names") }
        if bridges.contains(where: \.callsIPv6) { await marks.readTables("ip6tables", .ipv6, legacy: "ip6_tables_names") }
        if bridges.contains(where: \.callsARP) { await marks.readARPTables() }
        await marks.readBridgeTables()
        await marks.readNFT()
        return marks
    }

    /// Both kinds that may be there side by side. Where neither has its own name, the plain one is one of them.
    private mutating func readTables(_ name: String, _ family: IPTablesListing.Family, legacy: String) async {
        let hasNFT = await read("\(name)-nft", family)
        // Asking for tables that aren't there would make them.
        guard Self.hasTables(legacy) else { return }
        let hasLegacy = await read("\(name)-legacy", family)
        if hasLegacy { return }
        let hasPlain = hasNFT ? false : await read(name, family)
        if !hasPlain { unread["\(name), legacy tables"] = "there are such tables here, but no \(name)-legacy-save to read them with" }
    }

    private mutating func readARPTables() async {
        guard Self.hasTables("arp_tables_names") else { return }
        // Its save command knows no FORWARD.
        switch await Tool("arptables-legacy").run(["-n", "-L"]) {
        case .output(let text): listings.append(IPTablesListing(text, command: "arptables-legacy", family: .arp))
        case .missing: unread["arptables, legacy tables"] = "there are such tables here, but no arptables-legacy to read them with"
        case .failed(let reason): unread["arptables-legacy"] = reason
        }
    }

    private mutating func readBridgeTables() async {
        await read("ebtables-nft", .bridge)
        // Asking for tables that aren't there would load them.
        guard ["filter", "nat", "broute"].contains(where: { access("/sys/module/ebtable_\($0)", F_OK) == 0 }) else { return }
        if await !read("ebtables-legacy", .bridge) {
            unread["ebtables, legacy tables"] = "the kernel has them loaded, but there is no ebtables-legacy-save to read them with"
        }
    }

    /// - Returns: whether there is such a tool.
    @discardableResult
    private mutating func read(_ command: String, _ family: IPTablesListing.Family) async -> Bool {
        switch await Tool("\(command)-save").run() {
        case .output(let text):
            listings.append(IPTablesListing(text, command: command, family: family))
            return true
        case .missing: return false
        case .failed(let reason):
            unread[command] = reason
            return true
        }
    }

    private mutating func readNFT() async {
        // -t: what is in sets and maps doesn't matter, and may be a lot.
        switch await Tool("nft").run(["-j", "-t", "list", "ruleset"]) {
        case .output(let json):
            var text = ""
            if case .output(let words) = await Tool("nft").run(["-a", "-t", "list", "ruleset"]) { text = words }
            nft = NFTListing(json: json.isEmpty ? #"{"nftables": []}"# : json, text: text)
            if nft == nil { unread["nft"] = "'nft -j list ruleset' printed something else than its JSON" }
        case .missing: unread["nft"] = "there is no command nft here to read the rules of nftables with: install the package nftables"
        case .failed(let reason): unread["nft"] = reason
        }
    }

    /// Whether the kernel has tables of the old kind in this network namespace.
    private static func hasTables(_ list: String) -> Bool {
        ((try? String(contentsOfFile: "/proc/thread-self/net/\(list)", encoding: .utf8)) ?? "").contains { !$0.isWhitespace }
    }
}
