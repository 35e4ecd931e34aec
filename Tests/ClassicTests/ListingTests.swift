import Addresses
import Testing

@testable import Classic

/// What the tools print, read back: each line as a tool of that kind prints it, and the rule of the article that it is.
struct ListingTests {
    private static let port = "vif1.0"

    @Test(arguments: [
        (Filter.iptables, "-d 216.146.46.43/32 -m physdev --physdev-out vif1.0 -j ACCEPT", 4),
        // The nf_tables kind has printed two blanks there.
        (.iptables, "-s 216.146.46.43/32 -m physdev  --physdev-in vif1.0 --physdev-out peth0 -j ACCEPT", 5),
        (.ip6tables, "-d 2607:f590:0:ffff::60/128 -m physdev --physdev-out vif1.0 -j ACCEPT", 6),
        (.ip6tables, "-s 2607:f590:0:ffff::60/128 -m physdev --physdev-in vif1.0 --physdev-out peth0 -j ACCEPT", 7),
        (.arptables, "-j ACCEPT -i vif1.0 --opcode 1 ", 0),
        (.arptables, "-j ACCEPT -o vif1.0 --opcode 1 ", 1),
        (.arptables, "-j ACCEPT -i peth0 -o vif1.0 --opcode 2 ", 2),
        (.arptables, "-j ACCEPT -i vif1.0 -s 216.146.46.43 --src-mac 00:16:3e:38:b4:ac --opcode 2 ", 3),
    ]) func `a rule of the article is known again`(_ filter: Filter, _ line: String, _ number: Int) {
        #expect(Rule(listed: line.split(separator: " "), by: filter) == Article.all[number])
    }

    @Test(arguments: [
        (Filter.iptables, "-j ACCEPT"),
        (.iptables, "-d 216.146.46.43/32 -m physdev --physdev-out vif1.0 -j DROP"),
        (.iptables, "! -d 216.146.46.43/32 -m physdev --physdev-out vif1.0 -j ACCEPT"),
        (.iptables, "-d 216.146.46.43/32 -m physdev ! --physdev-out vif1.0 -j ACCEPT"),
        (.iptables, "-d 216.146.46.43/32 -p tcp -m physdev --physdev-out vif1.0 -j ACCEPT"),
        (.iptables, "-d 216.146.46.43/32 -m physdev --physdev-in vif1.0 -j ACCEPT"),
        (.iptables, "-m physdev --physdev-out vif1.0 -j ACCEPT"),
        (.iptables, "-s 1.2.3.4/32 -d 216.146.46.43/32 -m physdev --physdev-out vif1.0 -j ACCEPT"),
        (.iptables, "-d 10.0.0.1/255.0.0.255 -m physdev --physdev-out vif1.0 -j ACCEPT"),
        (.iptables, "-d 2001:db8::1/128 -m physdev --physdev-out vif1.0 -j ACCEPT"),
        (.iptables, "-m comment --comment \"-j ACCEPT\" -j ACCEPT"),
        (.iptables, "-j"),
        (.iptables, "-d 216.146.46.43/32 -m other --physdev-out vif1.0 -j ACCEPT"),
        (.arptables, "-j ACCEPT"),
        (.arptables, "-j ACCEPT -i vif1.0"),
        (.arptables, "-j ACCEPT -i vif1.0 --opcode 3"),
        (.arptables, "-j ACCEPT ! -i vif1.0 --opcode 1"),
        (.arptables, "-j ACCEPT -i vif1.0 -o vif2.0 --opcode 1"),
        (.arptables, "-j ACCEPT -i vif1.0 -d 1.2.3.4 --src-mac 00:16:3e:38:b4:ac --opcode 2"),
        (.arptables, "-j ACCEPT -i vif1.0 -s 1.2.3.4 --src-mac 00:16:3e:38:b4:ac/ff:ff:ff:00:00:00 --opcode 2"),
    ]) func `anything else isn't taken for one`(_ filter: Filter, _ line: String) {
        #expect(Rule(listed: line.split(separator: " "), by: filter) == nil)
    }

    @Test func `a chain has its policy, its rules in their order, and what isn't the engine's with its number`() throws {
        let chain = try #require(
            ForwardChain(
                listing: """
                    -P INPUT ACCEPT
                    -P FORWARD DROP
                    -P OUTPUT ACCEPT
                    -N DOCKER-USER
                    -N vifguard-vif9.0
                    -A INPUT -j ACCEPT
                    -A FORWARD -j DOCKER-USER
                    -A FORWARD -d 216.146.46.43/32 -m physdev --physdev-out vif1.0 -j ACCEPT
                    -A DOCKER-USER -j RETURN
                    """, by: .iptables))
        #expect(chain.policy == "DROP" && chain.rules == [Article.all[4]])
        #expect(chain.foreign.map(\.number) == [1] && chain.foreign.map(\.text) == ["-j DOCKER-USER"])
        let arp = try #require(
            ForwardChain(listing: "Chain FORWARD (policy ACCEPT)\n-j ACCEPT ! -i eth0 \n-j ACCEPT -i vif1.0 --opcode 1 \n", by: .arptables))
        #expect(arp.policy == "ACCEPT" && arp.rules == [Article.all[0]] && arp.foreign.map(\.number) == [1])
        #expect(ForwardChain(listing: "", by: .iptables) == nil && ForwardChain(listing: "nonsense\n", by: .arptables) == nil)
    }

    @Test func `ports that attach has marked are found`() {
        #expect(FilterState.attached(inListing: "-P FORWARD DROP\n-N vifguard-vif9.0\n-N other\n-A vifguard-vif8.0 -j X") == ["vif9.0"])
    }
}
