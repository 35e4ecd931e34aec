import Foundation

/// The chains and rules of `nft -j list ruleset`, with their words from `nft -a list ruleset`.
struct NFTListing: Sendable, Hashable {
    struct Chain: Sendable, Hashable {
        var family: String
        var table: String
        var name: String
        /// nil for a chain that others jump to.
        var hook: String?
        /// Of the families netdev and inet, where the listing says so.
        var devices: Set<String>?
    }

    struct Rule: Sendable, Hashable {
        var family: String
        var table: String
        var chain: String
        var handle: Int64
        var expressions: [JSONValue]
        /// As nft prints it; nil where that takes more than a line.
        var text: String?
    }

    var chains: [Chain] = []
    var rules: [Rule] = []
    /// Tables ("inet filter") where some map says which chain comes next.
    var mappedTables: Set<String> = []

    init() {}

    /// - Parameters:
    ///   - json: nil is thrown for anything that isn't JSON of nft's.
    ///   - text: of the same moment, or empty: only words come from it.
    init?(json: String, text: String = "") {
        guard let all = (try? JSONDecoder().decode(JSONValue.self, from: Data(json.utf8)))?["nftables"]?.list else { return nil }
        let words = NFTWords(text)
        for entry in all {
            guard let (kind, value) = entry.only, let family = value["family"]?.text else { continue }
            let table = value["table"]?.text ?? ""
            switch kind {
            case "chain":
                guard let name = value["name"]?.text else { continue }
                let key = [family, table, name]
                chains.append(
                    Chain(
                        family: family, table: table, name: name, hook: value["hook"]?.text,
                        devices: Self.devices(value["dev"]) ?? words.devices[key]))
            case "rule":
                guard let chain = value["chain"]?.text, let handle = value["handle"]?.integer else { continue }
                rules.append(
                    Rule(
                        family: family, table: table, chain: chain, handle: handle, expressions: value["expr"]?.list ?? [],
                        text: words.rules[[family, table, chain, "\(handle)"]]))
            case "map" where value["map"]?.text == "verdict": mappedTables.insert("\(family) \(table)")
            default: continue
            }
        }
    }

    private static func devices(_ value: JSONValue?) -> Set<String>? {
        switch value {
        case .text(let name)?: [name]
        case .list(let names)?: Set(names.compactMap(\.text))
        default: nil
        }
    }
}

/// What only nft's own language says: the words of rules, and devices of chains, which its JSON left out up to 1.0.6.
private struct NFTWords {
    /// By family, table, chain and handle.
    var rules: [[String]: String] = [:]
    /// By family, table and chain.
    var devices: [[String]: Set<String>] = [:]

    init(_ text: String) {
        var table: [String] = []
        var chain: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.drop { $0 == "\t" || $0 == " " }
            let words = line.split(separator: " ")
            if words.first == "table", words.count > 3 {
                table = [String(words[1]), String(words[2])]
                chain = nil
            } else if words.first == "chain", words.count > 2, words[2] == "{" {
                chain = String(words[1])
            } else if words.first == "}" {
                chain = nil
            } else if let chain, words.first == "type", let hook = words.firstIndex(of: "hook") {
                devices[table + [chain]] = Self.devices(words[hook...])
            } else if let chain, let (rule, handle) = Self.rule(line) {
                rules[table + [chain, handle]] = rule
            }
        }
    }

    /// "… # handle 5"
    private static func rule(_ line: Substring) -> (String, String)? {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count > 3, parts[parts.count - 3] == "#", parts[parts.count - 2] == "handle" else { return nil }
        return (parts.dropLast(3).joined(separator: " "), String(parts[parts.count - 1]))
    }

    /// `hook ingress device "eth0" priority …` or `hook ingress devices = { eth0, eth1 } priority …`.
    private static func devices(_ words: ArraySlice<Substring>) -> Set<String>? {
        guard let start = words.firstIndex(where: { $0 == "device" || $0 == "devices" }), let end = words.firstIndex(of: "priority"),
            start < end
        else { return nil }
        let names = words[(start + 1)..<end].map { $0.filter { $0 != "\"" && $0 != "," } }
        return Set(names.filter { !["=", "{", "}", ""].contains($0) })
    }
}
