import Foundation
import Testing

@testable import Doctor

/// What rules of nft's do to the stamp. The JSON and the words are what nft 1.0.6 printed of rules that were made in a
/// network namespace.
struct NFTTests {
    private static let bridge = FilteredBridge(name: "br0", ports: ["vif1.0", "eth0"], callsIPv4: true, callsIPv6: true, callsARP: true)

    private static let base =
        #"{"chain": {"family": "inet", "table": "t", "name": "pre", "handle": 1, "type": "filter", "hook": "prerouting", "prio": 0, "policy": "accept"}}"#

    private func listing(_ entries: [String], text: String = "") throws -> NFTListing {
        try #require(
            NFTListing(
                json: "{\"nftables\": [{\"metainfo\": {\"version\": \"1.0.6\", \"json_schema_version\": 1}}, \(entries.joined(separator: ", "))]}",
                text: text))
    }

    private func rule(_ expressions: String, family: String = "inet", table: String = "t", chain: String = "pre", handle: Int = 5) -> String {
        #"{"rule": {"family": "\#(family)", "table": "\#(table)", "chain": "\#(chain)", "handle": \#(handle), "expr": [\#(expressions)]}}"#
    }

    private func mark(_ value: String) -> String { #"{"mangle": {"key": {"meta": {"key": "mark"}}, "value": \#(value)}}"# }
    private func connectionMark(_ value: String) -> String { #"{"mangle": {"key": {"ct": {"key": "mark"}}, "value": \#(value)}}"# }

    /// What a rule of these expressions in a prerouting chain does.
    private func change(_ expressions: String, bit: Int = 30, bridges: [FilteredBridge] = [bridge]) throws -> MarkChange? {
        try listing([Self.base, rule(expressions)]).markRules(stampBit: bit, bridges: bridges).first?.change
    }

    @Test func `what is written into the mark decides`() throws {
        let meta = #"{"meta": {"key": "mark"}}"#
        let ct = #"{"ct": {"key": "mark"}}"#
        let cases: [(String, StampFate?)] = [
            ("1", .cleared), ("1073741824", .set), (ct, .fromConnection), (meta, nil),
            (#"{"&": [\#(meta), 255]}"#, .cleared), (#"{"&": [\#(meta), 3221225471]}"#, .cleared), (#"{"&": [\#(meta), 1073741824]}"#, nil),
            (#"{"|": [\#(meta), 1073741824]}"#, .set), (#"{"|": [\#(meta), 16384]}"#, nil), (#"{"^": [\#(meta), 1073741824]}"#, .flipped),
            (#"{"|": [{"&": [\#(meta), 4294901778]}, 18]}"#, nil), (#"{"|": [{"&": [\#(meta), 65535]}, 18]}"#, .cleared),
            (#"{"&": [\#(ct), 255]}"#, .cleared), (#"{"<<": [\#(meta), 16]}"#, .unknown), (#"{">>": [1073741824, 1]}"#, .cleared),
            (#"{"<<": [536870912, 1]}"#, .set),
            (
                #"{"map": {"key": {"payload": {"protocol": "ip", "field": "saddr"}}, "data": {"set": [["192.0.2.1", 1], ["192.0.2.2", 1073741825]]}}}"#,
                .unknown
            ),
            (
                #"{"map": {"key": {"payload": {"protocol": "ip", "field": "saddr"}}, "data": {"set": [["192.0.2.1", 1], ["192.0.2.2", 2]]}}}"#,
                .cleared
            ),
            (#"{"map": {"key": {"payload": {"protocol": "ip", "field": "saddr"}}, "data": "@marks"}}"#, .unknown),
            (#"{"jhash": {"mod": 16, "expr": {"payload": {"protocol": "ip", "field": "saddr"}}}}"#, .cleared),
            (#"{"numgen": {"mode": "inc", "mod": 2, "offset": 0}}"#, .cleared),
            (#"{"numgen": {"mode": "inc", "mod": 2147483647, "offset": 0}}"#, .unknown),
            (#""0x40000000""#, .set), (#""high""#, .unknown), ("null", .unknown), ("[]", .unknown), (#"{"|": []}"#, .unknown),
            (#"{"|": [1]}"#, .unknown),
        ]
        for (value, fate) in cases { #expect(try change(mark(value))?.stamp == fate, "\(value)") }
    }

    @Test func `a mask that spares the stamp is fine whatever bit it is`() throws {
        let value = #"{"|": [{"&": [{"meta": {"key": "mark"}}, 131072]}, 1]}"#
        #expect(try change(mark(value), bit: 17) == nil)
        #expect(try change(mark(value), bit: 18) == MarkChange(stamp: .cleared))
    }

    @Test func `saving the stamp in the connection is found`() throws {
        #expect(try change(connectionMark(#"{"meta": {"key": "mark"}}"#)) == MarkChange(isSaved: true))
        #expect(try change(connectionMark(#"{"&": [{"meta": {"key": "mark"}}, 65535]}"#)) == nil)
        #expect(try change(connectionMark("1073741824")) == MarkChange(isSaved: true))
        #expect(try change(connectionMark("5")) == nil)
    }

    @Test func `only interfaces that a bridged frame shows can match`() throws {
        func match(_ right: String, _ op: String = "==", _ key: String = "iifname") -> String {
            #"{"match": {"op": "\#(op)", "left": {"meta": {"key": "\#(key)"}}, "right": \#(right)}}, "# + mark("5")
        }
        for other in [#""wg0""#, #""vif1.0""#, #"{"set": ["wg0", "wg1"]}"#, #""wg*""#] { #expect(try change(match(other)) == nil, "\(other)") }
        for own in [#""br0""#, #"{"set": ["br0", "wg1"]}"#, #""br*""#, #""@interfaces""#, #"{"set": [3]}"#, "7"] {
            #expect(try change(match(own)) == MarkChange(stamp: .cleared), "\(own)")
        }
        #expect(try change(match(#""wg0""#, "!=")) == MarkChange(stamp: .cleared))
        #expect(try change(match(#""wg0""#, "==", "oifname")) == nil)
    }

    @Test func `rules of iptables' families count only where bridged frames run through them`() throws {
        let without = FilteredBridge(name: "br0", ports: ["vif1.0"])
        #expect(try change(mark("1"), bridges: [without]) == nil)
        var only6 = without
        only6.callsIPv6 = true
        #expect(try change(mark("1"), bridges: [only6]) == MarkChange(stamp: .cleared))
    }

    @Test func `the families bridge and netdev count always, at the places that frames pass between two programs`() throws {
        let without = FilteredBridge(name: "br0", ports: ["vif1.0"])
        func found(_ family: String, _ hook: String, device: String? = nil) throws -> Bool {
            let dev = device.map { #", "dev": \#($0)"# } ?? ""
            let chain =
                #"{"chain": {"family": "\#(family)", "table": "t", "name": "pre", "handle": 1, "type": "filter", "hook": "\#(hook)", "prio": 0\#(dev)}}"#
            return try !listing([chain, rule(mark("1"), family: family)]).markRules(stampBit: 30, bridges: [without]).isEmpty
        }
        for hook in ["prerouting", "input", "forward", "postrouting"] { #expect(try found("bridge", hook), "\(hook)") }
        #expect(try !found("bridge", "output"))
        for hook in ["ingress", "egress"] {
            #expect(try found("netdev", hook, device: #""vif1.0""#))
            #expect(try found("netdev", hook, device: #"["eth9", "br0"]"#))
            #expect(try !found("netdev", hook, device: #""eth9""#))
            // A listing that doesn't say where: it may be here.
            #expect(try found("netdev", hook))
        }
        #expect(try !found("arp", "input") && !found("ip", "output"))
    }

    @Test func `chains are followed by jumps and maps`() throws {
        let sub = #"{"chain": {"family": "inet", "table": "t", "name": "sub", "handle": 2}}"#
        let marking = rule(mark("1"), chain: "sub", handle: 9)
        #expect(try listing([Self.base, sub, marking]).markRules(stampBit: 30, bridges: [Self.bridge]).isEmpty)
        for way in [
            #"{"jump": {"target": "sub"}}"#, #"{"goto": {"target": "sub"}}"#,
            #"{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[22, {"jump": {"target": "sub"}}], [23, {"goto": {"target": "sub"}}]]}}}"#,
        ] {
            #expect(try listing([Self.base, sub, rule(way), marking]).markRules(stampBit: 30, bridges: [Self.bridge]).count == 1, "\(way)")
        }
        let map = #"{"map": {"family": "inet", "name": "vm", "table": "t", "type": "ipv4_addr", "handle": 3, "map": "verdict"}}"#
        #expect(try listing([map, Self.base, sub, marking]).markRules(stampBit: 30, bridges: [Self.bridge]).count == 1)
    }

    private static let words = """
        table inet t { # handle 1
        \tchain pre { # handle 1
        \t\ttype filter hook prerouting priority filter; policy accept;
        \t\tmeta mark set 0x00000001 # handle 4
        \t\tip saddr 192.0.2.1 counter packets 3 bytes 180 meta mark set 0x00000005 accept # handle 5
        \t\tmeta mark set 0x00000005 counter packets 0 bytes 0 accept comment "x # handle 99" # handle 24
        \t\tmeta mark set ct mark # handle 6
        \t}
        }
        table netdev n { # handle 3
        \tchain i { # handle 1
        \t\ttype filter hook ingress device "lo" priority filter; policy accept;
        \t}

        \tchain j { # handle 2
        \t\ttype filter hook ingress devices = { d0, vif1.0 } priority filter + 1; policy accept;
        \t}
        }
        """

    @Test func `a rule is told in nft's words, and mended by them`() throws {
        let entries = [
            Self.base, rule(mark("1"), handle: 4), rule(mark("5"), handle: 5), rule(mark("5"), handle: 24),
            rule(mark(#"{"ct": {"key": "mark"}}"#), handle: 6),
            rule(mark("5"), handle: 77),
        ]
        let found = try listing(entries, text: Self.words).markRules(stampBit: 30, bridges: [Self.bridge])
        #expect(found[0].text == "meta mark set 0x00000001")
        #expect(found[0].mend == ["nft replace rule inet t pre handle 4 meta mark set meta mark '&' 0x40000000 '|' 0x1"])
        #expect(
            found[1].mend == ["nft replace rule inet t pre handle 5 ip saddr 192.0.2.1 counter meta mark set meta mark '&' 0x40000000 '|' 0x5 accept"]
        )
        #expect(found[2].text == #"meta mark set 0x00000005 counter packets 0 bytes 0 accept comment "x # handle 99""#)
        #expect(found[2].mend == ["nft delete rule inet t pre handle 24"] && found[3].mend == ["nft delete rule inet t pre handle 6"])
        #expect(found[4].text == "the rule with handle 77")
    }

    @Test func `devices come from the words where the JSON has none`() throws {
        let chains = ["i", "j"].map {
            #"{"chain": {"family": "netdev", "table": "n", "name": "\#($0)", "handle": 1, "type": "filter", "hook": "ingress", "prio": 0}}"#
        }
        #expect(try listing(chains, text: Self.words).chains.map(\.devices) == [["lo"], ["d0", "vif1.0"]])
    }

    @Test func `tables that iptables-nft keeps are told by it alone, and noted where it isn't there`() throws {
        let chain =
            #"{"chain": {"family": "ip", "table": "mangle", "name": "PREROUTING", "handle": 1, "type": "filter", "hook": "prerouting", "prio": -150}}"#
        let hidden = rule(#"{"xt": {"type": "target", "name": "MARK"}}"#, family: "ip", table: "mangle", chain: "PREROUTING")
        let shown = rule(mark("1"), family: "ip", table: "mangle", chain: "PREROUTING")
        var marks = PacketMarks(stampBit: 30, bridges: [Self.bridge], nft: try listing([chain, hidden, shown]))
        #expect(marks.findings.filter { $0.id == "mark-overwritten" }.count == 1)
        #expect(marks.findings.contains { $0.id == "not-looked-at" && $0.place == "nft, table ip mangle" })
        marks.listings = [
            IPTablesListing("*mangle\n-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n", command: "iptables-nft", family: .ipv4)
        ]
        let findings = marks.findings
        #expect(findings.filter { $0.id == "mark-overwritten" }.map(\.place) == ["iptables-nft, table mangle, chain PREROUTING, rule 1"])
        #expect(!findings.contains { $0.id == "not-looked-at" })
    }

    @Test(arguments: [
        "", "{", "[]", "null", "{}", #"{"nftables": 7}"#, #"{"nftables": {"rule": {}}}"#, String(repeating: "[", count: 100_000),
        "{\"nftables\": \(String(repeating: "[", count: 5000))\(String(repeating: "]", count: 5000))}", "# Warning: not JSON at all",
    ])
    func `what isn't nft's JSON is refused`(text: String) { #expect(NFTListing(json: text) == nil) }

    @Test(arguments: [
        "7", "{}", #"{"rule": 7}"#, #"{"rule": {"family": "ip"}}"#, #"{"rule": {"family": "ip", "table": "t", "chain": "c", "handle": "x"}}"#,
        #"{"chain": {"family": "ip", "name": 5}}"#,
        #"{"rule": {"family": "inet", "table": "t", "chain": "pre", "handle": 1e300, "expr": []}}"#,
        #"{"rule": {"family": "inet", "table": "t", "chain": "pre", "handle": 1, "expr": [7, null, {"mangle": 5}, {"mangle": {"key": {"meta": {"key": "mark"}}}}]}}"#,
        #"{"rule": {"family": "inet", "table": "t", "chain": "pre", "handle": 1, "expr": [{"jump": {"target": "pre"}}, {"match": {}}, {"match": {"op": "==", "left": {"meta": {"key": "iif"}}}}]}}"#,
    ])
    func `odd entries are survived`(entry: String) throws {
        #expect(try listing([Self.base, entry]).markRules(stampBit: 30, bridges: [Self.bridge]).isEmpty)
    }

    @Test(arguments: [
        "table", "table ip", "table ip x {\nchain\nchain c {\n# handle\nx # handle 1\ntype hook\ntype filter hook ingress priority device",
        "}\n}\n# handle 5",
    ])
    func `odd words are survived`(text: String) throws { #expect(try listing([Self.base], text: text).chains.count == 1) }
}
