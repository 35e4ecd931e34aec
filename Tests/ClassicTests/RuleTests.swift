import Addresses
import Policy
import Testing

@testable import Classic

/// The article's guest, and what the article prints for it (Documentation/classic.md).
enum Article {
    static let binding = Binding(
        guest: "www.standingonthebrink.com", macs: [MACAddress("00:16:3E:38:B4:AC")!], addresses4: [IPv4Prefix("216.146.46.43")!],
        addresses6: [IPv6Prefix("2607:F590:0000:FFFF:0000:0000:0000:0060")!])

    static let guarding = """
        iptables  -P FORWARD DROP
        iptables  -F FORWARD
        arptables -P FORWARD DROP
        arptables -F FORWARD
        ip6tables -P FORWARD DROP
        ip6tables -F FORWARD
        """

    static let rules = """
        arptables -A FORWARD --opcode Request --in-interface vif1.0 -j ACCEPT
        arptables -A FORWARD --opcode Request --out-interface vif1.0 -j ACCEPT
        arptables -A FORWARD --opcode Reply --out-interface vif1.0 --in-interface peth0 -j ACCEPT
        arptables -A FORWARD --opcode Reply --in-interface vif1.0 --source-ip 216.146.46.43 --source-mac 00:16:3e:38:b4:ac -j ACCEPT
        iptables  -A FORWARD -m physdev --physdev-out vif1.0 --destination 216.146.46.43 -j ACCEPT
        iptables  -A FORWARD -m physdev --physdev-in vif1.0 --physdev-out peth0 --source 216.146.46.43 -j ACCEPT
        ip6tables -A FORWARD -m physdev --physdev-out vif1.0 --destination 2607:f590:0:ffff::60 -j ACCEPT
        ip6tables -A FORWARD -m physdev --physdev-in vif1.0 --physdev-out peth0 --source 2607:f590:0:ffff::60 -j ACCEPT
        """

    static let all = Rule.all(of: "vif1.0", binding, uplinks: ["peth0"])
}

struct RuleTests {
    @Test func `the article's guest gets the article's commands, to the letter`() {
        #expect(FilterCommand.guarding.map(\.line).joined(separator: "\n") == Article.guarding)
        #expect(Article.all.map { FilterCommand.append($0).line }.joined(separator: "\n") == Article.rules)
        #expect(
            Article.all.map { FilterCommand.delete($0).line }.joined(separator: "\n")
                == Article.rules.split(separator: "\n").map { line in line.split(separator: " -A ").joined(separator: " -D ") }.joined(
                    separator: "\n"))
    }

    @Test func `each address has its rules, with several MACs, uplinks and prefixes too`() {
        let binding = Binding(
            guest: "g", macs: [MACAddress("02:00:00:00:00:01")!, MACAddress("02:00:00:00:00:02")!],
            addresses4: [IPv4Prefix("192.0.2.7")!, IPv4Prefix("198.51.100.0/28")!], addresses6: [IPv6Prefix("2001:db8:1::/64")!],
            linkLocals: [IPv6Address("fe80::3")!])
        let lines = Rule.all(of: "tap0", binding, uplinks: ["eth0", "eth1"]).map { FilterCommand.append($0).line }
        #expect(
            lines
                == """
                arptables -A FORWARD --opcode Request --in-interface tap0 -j ACCEPT
                arptables -A FORWARD --opcode Request --out-interface tap0 -j ACCEPT
                arptables -A FORWARD --opcode Reply --out-interface tap0 --in-interface eth0 -j ACCEPT
                arptables -A FORWARD --opcode Reply --out-interface tap0 --in-interface eth1 -j ACCEPT
                arptables -A FORWARD --opcode Reply --in-interface tap0 --source-ip 192.0.2.7 --source-mac 02:00:00:00:00:01 -j ACCEPT
                arptables -A FORWARD --opcode Reply --in-interface tap0 --source-ip 192.0.2.7 --source-mac 02:00:00:00:00:02 -j ACCEPT
                iptables  -A FORWARD -m physdev --physdev-out tap0 --destination 192.0.2.7 -j ACCEPT
                iptables  -A FORWARD -m physdev --physdev-in tap0 --physdev-out eth0 --source 192.0.2.7 -j ACCEPT
                iptables  -A FORWARD -m physdev --physdev-in tap0 --physdev-out eth1 --source 192.0.2.7 -j ACCEPT
                arptables -A FORWARD --opcode Reply --in-interface tap0 --source-ip 198.51.100.0/28 --source-mac 02:00:00:00:00:01 -j ACCEPT
                arptables -A FORWARD --opcode Reply --in-interface tap0 --source-ip 198.51.100.0/28 --source-mac 02:00:00:00:00:02 -j ACCEPT
                iptables  -A FORWARD -m physdev --physdev-out tap0 --destination 198.51.100.0/28 -j ACCEPT
                iptables  -A FORWARD -m physdev --physdev-in tap0 --physdev-out eth0 --source 198.51.100.0/28 -j ACCEPT
                iptables  -A FORWARD -m physdev --physdev-in tap0 --physdev-out eth1 --source 198.51.100.0/28 -j ACCEPT
                ip6tables -A FORWARD -m physdev --physdev-out tap0 --destination 2001:db8:1::/64 -j ACCEPT
                ip6tables -A FORWARD -m physdev --physdev-in tap0 --physdev-out eth0 --source 2001:db8:1::/64 -j ACCEPT
                ip6tables -A FORWARD -m physdev --physdev-in tap0 --physdev-out eth1 --source 2001:db8:1::/64 -j ACCEPT
                ip6tables -A FORWARD -m physdev --physdev-out tap0 --destination fe80::3 -j ACCEPT
                ip6tables -A FORWARD -m physdev --physdev-in tap0 --physdev-out eth0 --source fe80::3 -j ACCEPT
                ip6tables -A FORWARD -m physdev --physdev-in tap0 --physdev-out eth1 --source fe80::3 -j ACCEPT
                """.split(separator: "\n").map(String.init))
    }

    @Test func `a name that stands for many, or for an option, can't be named`() {
        for name in ["vif+", "+", "-j", "!", "a b", "vif1.0\"", "", "abcdefghijklmnop", "ä"] {
            #expect(ClassicLimitation.naming(name) != nil, "\(name)")
        }
        for name in ["vif1.0", "vif1.0-emu", "tap_a", "eth0.5"] { #expect(ClassicLimitation.naming(name) == nil, "\(name)") }
    }
}
