import Netlink
import Testing

@testable import Doctor

/// What the bridges, their ports and the host's IP settings are found to be.
struct NetworkTests {
    // MARK: br_netfilter

    @Test func `a bridge whose frames run through iptables is noted, one whose don't isn't`() {
        #expect(PacketMarks(stampBit: 30, bridges: [FilteredBridge(name: "br0", ports: [])]).findings.isEmpty)
        let calling = FilteredBridge(name: "br0", ports: [], callsIPv4: true, callsARP: true)
        let findings = PacketMarks(stampBit: 30, bridges: [calling]).findings
        #expect(findings.map(\.id) == ["bridged-frames-filtered"] && findings[0].severity == .note)
        #expect(
            findings[0].mend == [
                "sysctl -w net.bridge.bridge-nf-call-iptables=0", "sysctl -w net.bridge.bridge-nf-call-arptables=0",
                "ip link set br0 type bridge nf_call_iptables 0 nf_call_arptables 0",
            ])
    }

    @Test func `rules count only for the families that are called`() {
        let wiping = "*mangle\n-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n"
        func ids(_ bridge: FilteredBridge) -> [String] {
            let listings = [IPTablesListing(wiping, command: "ip6tables-legacy", family: .ipv6)]
            return PacketMarks(stampBit: 30, bridges: [bridge], listings: listings).findings.map(\.id)
        }
        #expect(ids(FilteredBridge(name: "br0", ports: [], callsIPv4: true)) == ["bridged-frames-filtered"])
        #expect(ids(FilteredBridge(name: "br0", ports: [], callsIPv6: true)) == ["bridged-frames-filtered", "mark-overwritten"])
    }

    @Test func `saving alone is a warning, restoring what is saved lets unjudged frames pass`() throws {
        func findings(_ rules: String) -> [Finding] {
            let listing = IPTablesListing("*mangle\n\(rules)", command: "iptables-legacy", family: .ipv4)
            let bridge = FilteredBridge(name: "br0", ports: [], callsIPv4: true)
            return PacketMarks(stampBit: 30, bridges: [bridge], listings: [listing]).findings.filter { $0.severity != .note }
        }
        let save = "-A POSTROUTING -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff\n"
        let restore = "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff\n"
        #expect(findings(save).map { "\($0.id) \($0.severity)" } == ["mark-saved warning"])
        let alone = try #require(findings(restore).first)
        #expect(alone.id == "mark-restored" && alone.severity == .problem && !alone.meaning.contains("nobody has judged"))
        #expect(findings(restore + save).map(\.id) == ["mark-restored", "mark-saved"])
        #expect(findings(restore + save)[0].meaning.contains("frames that nobody has judged pass"))
        #expect(
            findings("-A PREROUTING -j MARK --set-xmark 0x40000000/0x40000000\n").map { "\($0.id) \($0.severity)" } == ["mark-forges-stamp problem"])
    }

    @Test func `a thousand rules are told by ten`() {
        let rules = String(repeating: "-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff\n", count: 1000)
        let listing = IPTablesListing("*mangle\n" + rules, command: "iptables-legacy", family: .ipv4)
        let findings = PacketMarks(stampBit: 30, bridges: [FilteredBridge(name: "br0", ports: [], callsIPv4: true)], listings: [listing]).findings
        #expect(findings.count { $0.id == "mark-overwritten" } == 10)
        #expect(findings.contains { $0.id == "mark-rules-many" && $0.found.hasPrefix("990 ") })
    }

    @Test func `what can't be read is said`() {
        let marks = PacketMarks(stampBit: 30, bridges: [FilteredBridge(name: "br0", ports: [])], unread: ["nft": "there is no command nft"])
        #expect(marks.findings.map { "\($0.id) \($0.severity) \($0.place)" } == ["not-looked-at note nft"])
    }

    // MARK: Frames before the first program

    private static let shut = [
        "ipv4.conf.all.drop_unicast_in_l2_multicast": 1, "ipv4.conf.default.drop_unicast_in_l2_multicast": 0, "ipv4.conf.all.arp_ignore": 1,
        "ipv4.conf.default.arp_ignore": 0, "ipv4.conf.all.rp_filter": 0, "ipv4.conf.default.rp_filter": 1, "ipv6.conf.default.disable_ipv6": 0,
        "ipv6.conf.default.drop_unicast_in_l2_multicast": 1, "ipv6.conf.default.accept_ra": 0, "ipv6.conf.all.accept_ra": 1,
    ]

    @Test func `settings that shut the way past the bridge are quiet`() {
        #expect(EarlyFrames(settings: Self.shut).findings.isEmpty)
        // A kernel without any of them.
        #expect(EarlyFrames().findings.isEmpty)
    }

    @Test(arguments: [
        ("ipv4.conf.all.drop_unicast_in_l2_multicast", 0, "net.ipv4.conf.all.drop_unicast_in_l2_multicast=1"),
        ("ipv4.conf.all.arp_ignore", 0, "net.ipv4.conf.all.arp_ignore=1"),
        ("ipv4.conf.default.rp_filter", 0, "net.ipv4.conf.default.rp_filter=1"),
        ("ipv6.conf.default.drop_unicast_in_l2_multicast", 0, "net.ipv6.conf.default.drop_unicast_in_l2_multicast=1"),
        ("ipv6.conf.default.accept_ra", 1, "net.ipv6.conf.default.accept_ra=0"),
    ])
    func `each that doesn't is named, with what it is to be`(key: String, value: Int, mend: String) {
        var settings = Self.shut
        settings[key] = value
        let findings = EarlyFrames(settings: settings).findings
        #expect(findings.map(\.id) == ["new-port-reaches-host"])
        #expect(findings.first?.mend == ["sysctl -w \(mend)"])
        #expect(findings.first?.found == "net.\(key) is \(value)")
    }

    @Test func `without IPv6 on new ports its settings don't matter`() {
        var settings = Self.shut
        settings["ipv6.conf.default.drop_unicast_in_l2_multicast"] = 0
        settings["ipv6.conf.default.accept_ra"] = 1
        settings["ipv6.conf.default.disable_ipv6"] = 1
        #expect(EarlyFrames(settings: settings).findings.isEmpty)
    }

    // MARK: Bridges and ports

    @Test func `a bridge's own settings`() {
        var settings = Bridge.Settings()
        settings.groupForwardMask = 0
        settings.spanningTree = false
        #expect(BridgeOptions(name: "br0", settings: settings).findings.isEmpty)
        #expect(BridgeOptions(name: "br0", settings: Bridge.Settings()).findings.isEmpty)
        settings.groupForwardMask = 0x4000
        settings.spanningTree = true
        let findings = BridgeOptions(name: "br0", settings: settings).findings
        #expect(findings.map(\.id) == ["link-local-groups-forwarded", "spanning-tree-on"])
        #expect(findings[0].found.contains("0x4000") && findings[0].mend == ["ip link set br0 type bridge group_fwd_mask 0"])
    }

    @Test func `what a port has on that nothing asks for`() {
        var settings = BridgePort.Settings()
        #expect(PortOptions(name: "vif1.0", settings: settings).findings.isEmpty)
        settings.hairpin = false
        settings.proxyARP = false
        #expect(PortOptions(name: "vif1.0", settings: settings).findings.isEmpty)
        settings.hairpin = true
        settings.proxyARP = true
        #expect(PortOptions(name: "vif1.0", settings: settings).findings.map(\.id) == ["port-hairpin", "port-proxy-arp"])
        #expect(PortOptions(name: "vif1.0", settings: settings).findings[0].mend == ["bridge link set dev vif1.0 hairpin off"])
    }

    // MARK: The host's stack (ip-sysctl.rst)

    private func stack(_ own: [String: Int], all: [String: Int] = [:], routers: [String] = [], bridge: String = "br0") -> [Finding] {
        HostStack(bridge: bridge, own: ["ipv6.disable_ipv6": 0].merging(own) { $1 }, all: all, routers: routers).findings
    }

    @Test func `a host that believes nobody is quiet`() {
        #expect(stack(["ipv6.accept_ra": 0, "ipv6.forwarding": 0, "ipv4.accept_redirects": 0, "ipv6.accept_redirects": 0]).isEmpty)
        #expect(stack(["ipv6.disable_ipv6": 1, "ipv6.accept_ra": 2, "ipv6.accept_redirects": 1, "ipv6.proxy_ndp": 1]).isEmpty)
        #expect(HostStack(bridge: "br0").findings.isEmpty)
    }

    @Test func `accept_ra counts as the kernel counts it`() {
        func ids(_ accept: Int, _ forwarding: Int) -> [String] { stack(["ipv6.accept_ra": accept, "ipv6.forwarding": forwarding]).map(\.id) }
        #expect(ids(1, 0) == ["host-accepts-router-advertisements"])
        #expect(ids(1, 1).isEmpty)
        #expect(ids(2, 1) == ["host-accepts-router-advertisements"])
        #expect(ids(0, 0).isEmpty)
    }

    @Test func `a guest that may send router advertisements makes it a warning`() {
        let note = stack(["ipv6.accept_ra": 1])[0]
        #expect(note.severity == .note && note.meaning.contains("from the uplink.") && note.mend == ["sysctl -w net.ipv6.conf.br0.accept_ra=0"])
        let warning = stack(["ipv6.accept_ra": 1], routers: ["fw"])[0]
        #expect(warning.severity == .warning && warning.meaning.contains("fw"))
    }

    @Test func `a name with dots is written with slashes`() {
        #expect(stack(["ipv6.accept_ra": 1], bridge: "br0.5")[0].mend == ["sysctl -w net/ipv6/conf/br0.5/accept_ra=0"])
    }

    @Test func `redirects count as IN_DEV_RX_REDIRECTS has it`() {
        func found(_ own: Int, _ all: Int, forwarding: Int) -> Bool {
            !stack(["ipv4.accept_redirects": own, "ipv4.forwarding": forwarding], all: ["ipv4.accept_redirects": all]).isEmpty
        }
        #expect(found(1, 0, forwarding: 0) && found(0, 1, forwarding: 0) && !found(0, 0, forwarding: 0))
        #expect(!found(1, 0, forwarding: 1) && !found(0, 1, forwarding: 1) && found(1, 1, forwarding: 1))
        #expect(stack(["ipv6.accept_redirects": 1])[0].mend == ["sysctl -w net.ipv6.conf.br0.accept_redirects=0"])
        #expect(stack(["ipv6.accept_redirects": 1, "ipv6.forwarding": 1]).isEmpty)
    }

    @Test func `proxies are found where either setting turns them on`() {
        #expect(stack(["ipv4.proxy_arp": 1])[0].mend == ["sysctl -w net.ipv4.conf.br0.proxy_arp=0"])
        #expect(stack([:], all: ["ipv4.proxy_arp": 1])[0].mend == ["sysctl -w net.ipv4.conf.all.proxy_arp=0"])
        #expect(stack(["ipv4.proxy_arp_pvlan": 1]).map(\.id) == ["host-answers-for-others"])
        #expect(stack(["ipv6.proxy_ndp": 1]).map { "\($0.id) \($0.severity)" } == ["host-proxies-neighbours note"])
    }
}
