import Addresses
import Classic
import Lab
import Netlink
import Policy
import Testing

/// The rules in a kernel, as the tools list them, against the article's.
@Suite(.timeLimit(.minutes(5)))
struct ClassicRulesTests {
    /// The article's guest, on a bridge of that article's names.
    private static func article(_ four: [String] = ["216.146.46.43"], _ six: [String] = ["2607:f590:0:ffff::60"]) -> HostPolicy {
        HostPolicy(
            bridges: [BridgePolicy(name: "xenbr0", uplinks: ["peth0"])],
            interfaces: [
                GuestInterface(
                    port: "vif1.0", bridge: "xenbr0",
                    binding: Binding(
                        guest: "www.standingonthebrink.com", macs: [MACAddress("00:16:3E:38:B4:AC")!], addresses4: four.map { IPv4Prefix($0)! },
                        addresses6: six.map { IPv6Prefix($0)! }))
            ])
    }

    private func host(_ kind: ClassicNetwork.Kind = .nft) throws -> ClassicNetwork { try ClassicNetwork(guests: 1, kind) }

    /// What iptables makes of one of the article's commands: the long options short, addresses first and with their length,
    /// and for arptables the words in its listing's order, opcodes by number (RFC 826).
    private static func normalised(_ command: String) -> String {
        let words = command.split(separator: " ").map(String.init)
        var values: [String: String] = [:]
        for place in stride(from: 3, to: words.count - 1, by: 2) { values[words[place]] = words[place + 1] }
        guard words[0] != "arptables" else {
            let opcode = values["--opcode"] == "Request" ? "1" : "2"
            let order = [("-j", "-j"), ("--in-interface", "-i"), ("--out-interface", "-o"), ("--source-ip", "-s"), ("--source-mac", "--src-mac")]
            return order.compactMap { long, short in values[long].map { "\(short) \($0)" } }.joined(separator: " ") + " --opcode \(opcode)"
        }
        let length = words[0] == "iptables" ? 32 : 128
        let order = [
            ("--source", "-s"), ("--destination", "-d"), ("-m", "-m"), ("--physdev-in", "--physdev-in"), ("--physdev-out", "--physdev-out"),
            ("-j", "-j"),
        ]
        return "-A FORWARD "
            + order.compactMap { long, short in
                values[long].map { "\(short) \($0)\(long == "--source" || long == "--destination" ? "/\(length)" : "")" }
            }
            .joined(separator: " ")
    }

    /// The article's commands for a port that comes up, each tool's in their order.
    private static let article = """
        arptables -A FORWARD --opcode Request --in-interface vif1.0 -j ACCEPT
        arptables -A FORWARD --opcode Request --out-interface vif1.0 -j ACCEPT
        arptables -A FORWARD --opcode Reply --out-interface vif1.0 --in-interface peth0 -j ACCEPT
        arptables -A FORWARD --opcode Reply --in-interface vif1.0 --source-ip 216.146.46.43 --source-mac 00:16:3e:38:b4:ac -j ACCEPT
        iptables  -A FORWARD -m physdev --physdev-out vif1.0 --destination 216.146.46.43 -j ACCEPT
        iptables  -A FORWARD -m physdev --physdev-in vif1.0 --physdev-out peth0 --source 216.146.46.43 -j ACCEPT
        ip6tables -A FORWARD -m physdev --physdev-out vif1.0 --destination 2607:f590:0:ffff::60 -j ACCEPT
        ip6tables -A FORWARD -m physdev --physdev-in vif1.0 --physdev-out peth0 --source 2607:f590:0:ffff::60 -j ACCEPT
        """.split(separator: "\n").map(String.init)

    private static func rules(_ tool: String) -> [String] { article.filter { $0.hasPrefix("\(tool) ") }.map(normalised) }

    @Test(arguments: ClassicNetwork.Kind.allCases)
    func `what the kernel has is the article's list, character by character`(_ kind: ClassicNetwork.Kind) throws {
        let host = try host(kind)
        #expect(try host.host.output(of: ["iptables", "-V"]).contains(kind == .nft ? "nf_tables" : "legacy"))
        let report = try host.apply(Self.article())
        #expect(report.succeeded && report.failures.isEmpty)
        #expect(
            try host.forward() == [
                ["-P FORWARD DROP"] + Self.rules("iptables"), ["-P FORWARD DROP"] + Self.rules("ip6tables"),
                ["Chain FORWARD (policy DROP)"] + Self.rules("arptables"),
            ])
        #expect(Self.rules("arptables").count == 4 && Self.rules("iptables").count == 2 && Self.rules("ip6tables").count == 2)
        for setting in ["iptables", "ip6tables", "arptables"] {
            #expect(try host.host.output(of: ["cat", "/proc/sys/net/bridge/bridge-nf-call-\(setting)"]) == "1\n")
        }
    }

    @Test func `the printed commands, carried out by a shell, come to the same`() throws {
        let (byHand, byCommand) = (try host(), try host())
        try byCommand.apply(Self.article())
        let printed = FilterCommand.guarding + Rule.all(of: "vif1.0", Self.article().interfaces[0].binding, uplinks: ["peth0"]).map { .append($0) }
        for command in printed {
            // As on a host of 2008, where there was one arptables.
            let line = command.line.hasPrefix("arptables") ? "arptables-legacy" + command.line.dropFirst("arptables".count) : command.line
            _ = try byHand.host.output(of: ["sh", "-c", line])
        }
        #expect(try byHand.forward() == byCommand.forward())
        for rule in Rule.all(of: "vif1.0", Self.article().interfaces[0].binding, uplinks: ["peth0"]) {
            let command = FilterCommand.delete(rule).line
            let line = command.hasPrefix("arptables") ? "arptables-legacy" + command.dropFirst("arptables".count) : command
            _ = try byHand.host.output(of: ["sh", "-c", line])
        }
        #expect(try byHand.forward() == [["-P FORWARD DROP"], ["-P FORWARD DROP"], ["Chain FORWARD (policy DROP)"]])
    }

    @Test(arguments: ClassicNetwork.Kind.allCases)
    func `a second run changes nothing, a changed address that alone, and who is gone takes its rules along`(_ kind: ClassicNetwork.Kind) throws {
        let host = try host(kind)
        try host.apply(Self.article(["216.146.46.43", "216.146.46.44", "198.51.100.16/28"], ["2607:f590:0:ffff::60", "2607:f590:0:1::/64"]))
        let full = try host.forward()
        #expect(full.map(\.count) == [7, 5, 7])
        let again = try host.apply(
            Self.article(["216.146.46.43", "216.146.46.44", "198.51.100.16/28"], ["2607:f590:0:ffff::60", "2607:f590:0:1::/64"]))
        #expect(again.plan.isEmpty && again.succeeded)
        #expect(try host.forward() == full)
        let changed = try host.apply(
            Self.article(["216.146.46.43", "216.146.46.45", "198.51.100.16/28"], ["2607:f590:0:ffff::60", "2607:f590:0:1::/64"]))
        #expect(changed.succeeded && changed.plan.commands.count == 6)
        #expect(changed.plan.commands.allSatisfy { $0.line.contains("216.146.46.44") || $0.line.contains("216.146.46.45") })
        let after = try host.forward().joined(separator: [])
        #expect(after.filter { $0.contains("216.146.46.45") }.count == 3 && !after.contains { $0.contains("216.146.46.44") })
        try host.apply(HostPolicy(bridges: Self.article().bridges))
        #expect(try host.forward() == [["-P FORWARD DROP"], ["-P FORWARD DROP"], ["Chain FORWARD (policy DROP)"]])
    }

    @Test func `other chains and tables stay as they are, and FORWARD is emptied`() throws {
        let host = try host()
        for command in [
            "iptables -A INPUT -s 203.0.113.1 -j DROP", "iptables -N theirs", "iptables -A theirs -j RETURN", "iptables -A FORWARD -j theirs",
            "iptables -t nat -A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE", "iptables -t mangle -A FORWARD -j MARK --set-mark 1",
            "ip6tables -A OUTPUT -d 2001:db8::1 -j DROP", "arptables-legacy -A INPUT --opcode Request -j ACCEPT",
        ] { _ = try host.host.output(of: command.split(separator: " ").map(String.init)) }
        func others() throws -> [[String]] {
            [
                try host.listing("iptables", "-S", "INPUT"), try host.listing("iptables", "-S", "theirs"),
                try host.listing("iptables", "-t", "nat", "-S"),
                try host.listing("iptables", "-t", "mangle", "-S"), try host.listing("ip6tables", "-S", "OUTPUT"),
                try host.listing("arptables-legacy", "-n", "-L", "INPUT"),
            ]
        }
        let before = try others()
        let report = try host.apply(Self.article())
        #expect(report.plan.warnings.filter { $0.contains("FORWARD") }.map { $0.prefix(30) } == ["FORWARD of iptables had 1 rule"])
        #expect(try others() == before)
        // One that comes later is removed, too.
        _ = try host.host.output(of: ["iptables", "-I", "FORWARD", "-j", "theirs"])
        let later = try host.apply(Self.article())
        #expect(later.succeeded && later.plan.commands.map(\.line) == ["iptables  -D FORWARD 1"])
        let uninstalled = try host.host.run { try Classic.uninstall() }
        #expect(uninstalled.succeeded)
        #expect(try host.forward() == [["-P FORWARD ACCEPT"], ["-P FORWARD ACCEPT"], ["Chain FORWARD (policy ACCEPT)"]])
        #expect(try others() == before)
        #expect(try host.host.run { try Classic.uninstall() }.plan.isEmpty)
    }

    @Test func `chains that somebody else has shut aren't opened`() throws {
        let host = try host()
        // As Docker leaves iptables' behind.
        for command in ["iptables -P FORWARD DROP", "iptables -A FORWARD -s 203.0.113.1 -j ACCEPT", "ip6tables -P FORWARD DROP"] {
            _ = try host.host.output(of: command.split(separator: " ").map(String.init))
        }
        let before = try host.forward()
        #expect(try host.host.run { try Classic.uninstall() }.plan.isEmpty)
        _ = try host.host.output(of: ["arptables-legacy", "-P", "FORWARD", "DROP"])
        #expect(try host.host.run { try Classic.uninstall() }.plan.isEmpty)
        #expect(try host.forward().dropLast() == before.dropLast())
        // A bridge that is guarded without guests is opened.
        try host.apply(HostPolicy(bridges: Self.article().bridges))
        #expect(try host.host.run { try Classic.uninstall() }.plan.commands.count == 3)
        #expect(try host.forward() == [["-P FORWARD ACCEPT"], ["-P FORWARD ACCEPT"], ["Chain FORWARD (policy ACCEPT)"]])
    }

    @Test func `a rule that can't be put in fails alone`() throws {
        let host = try host()
        // A mark that somebody else refers to can't be taken away.
        try host.apply(HostPolicy(bridges: Self.article().bridges))
        for command in ["iptables -N vifguard-vif9.0", "iptables -A INPUT -j vifguard-vif9.0"] {
            _ = try host.host.output(of: command.split(separator: " ").map(String.init))
        }
        let report = try host.apply(Self.article())
        #expect(!report.succeeded && report.failures.count == 1 && report.failures[0].message.contains("vifguard-vif9.0"))
        #expect(report.stepsDone == 8)
        #expect(try host.forward().joined().count == 3 + 8)
    }

    @Test func `where many rules can't be put in at once, each is put in alone`() throws {
        let host = try host()
        // In this namespace alone, nothing can be restored. iptables goes by what it is called.
        let script = """
            cp /usr/sbin/xtables-nft-multi /run/xtables
            printf '#!/bin/bash\\ncase $0 in *-restore) exit 1;; esac\\nexec -a "${0##*/}" /run/xtables "$@"\\n' > /run/fake
            chmod +x /run/fake
            mount --bind /run/fake /usr/sbin/xtables-nft-multi
            """
        _ = try host.host.output(of: ["sh", "-e", "-c", script])
        #expect(try host.host.execute(["iptables-restore", "--noflush", "/dev/null"]).status == 1)
        let addresses = (["216.146.46.43", "216.146.46.44", "216.146.46.45"], ["2001:db8::1", "2001:db8::2", "2001:db8::3"])
        let report = try host.apply(Self.article(addresses.0, addresses.1))
        #expect(report.succeeded && report.stepsDone == 6 + 3 + 3 * 5 + 3)
        #expect(try host.forward().map(\.count) == [1 + 6, 1 + 6, 1 + 6])
    }
}
