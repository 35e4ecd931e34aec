import Testing

/// A fault, and what `doctor` calls it.
struct DoctorFault: Sendable, CustomTestStringConvertible {
    var id: String
    /// A shell's commands, in the host's namespace.
    var commands: [String]
    /// As in the finding's place or words.
    var names: String
    var severity = "problem"
    var mends = true
    var testDescription: String { "\(id): \(commands.joined(separator: "; "))" }
}

extension DoctorFault {
    static let calls = ["iptables", "ip6tables", "arptables"].map { "sysctl -qw net.bridge.bridge-nf-call-\($0)=1" }

    static let marks = [
        DoctorFault(
            id: "mark-overwritten",
            commands: [calls[0], "iptables-legacy -t mangle -A PREROUTING -p tcp -m comment --comment \"it's -j MARK\" -j MARK --set-mark 1"],
            names: "iptables-legacy, table mangle, chain PREROUTING, rule 1"),
        DoctorFault(
            id: "mark-overwritten",
            commands: [
                calls[0], "iptables-legacy -t mangle -N sub", "iptables-legacy -t mangle -A FORWARD -i br+ -j sub",
                "iptables-legacy -t mangle -A sub -j ACCEPT", "iptables-legacy -t mangle -A sub -j MARK --and-mark 0xff",
            ], names: "chain sub, rule 2"),
        DoctorFault(
            id: "mark-overwritten", commands: [calls[1], "ip6tables-legacy -t mangle -A PREROUTING -j MARK --set-mark 1"], names: "ip6tables-legacy"),
        DoctorFault(
            id: "mark-overwritten", commands: [calls[0], "iptables-nft -t mangle -A PREROUTING -p tcp -j MARK --set-mark 1"], names: "iptables-nft"),
        DoctorFault(
            id: "mark-restored", commands: [calls[0], "iptables-nft -t mangle -A PREROUTING -p udp -j CONNMARK --restore-mark"], names: "iptables-nft"
        ),
        DoctorFault(
            id: "mark-saved", commands: [calls[0], "iptables-legacy -t mangle -A POSTROUTING -m mark --mark 0xca6c -p udp -j CONNMARK --save-mark"],
            names: "chain POSTROUTING", severity: "warning"),
        DoctorFault(
            id: "mark-forges-stamp", commands: [calls[0], "iptables-legacy -t mangle -A FORWARD -j MARK --or-mark 0x40000000"], names: "chain FORWARD"
        ),
        DoctorFault(id: "mark-overwritten", commands: [calls[2], "arptables-legacy -A FORWARD -j MARK --set-mark 1"], names: "arptables-legacy"),
        DoctorFault(
            id: "mark-overwritten", commands: ["ebtables-nft -A FORWARD -p IPv4 -j mark --mark-set 0x1 --mark-target CONTINUE"], names: "ebtables-nft"
        ),
        DoctorFault(
            id: "mark-overwritten",
            commands: [
                calls[0], "nft add table inet t", "nft add chain inet t pre '{ type filter hook prerouting priority 0; }'",
                "nft add rule inet t pre ip saddr 192.0.2.1 counter meta mark set 0x5",
            ], names: "nft, table inet t, chain pre"),
        DoctorFault(
            id: "mark-restored",
            commands: [
                calls[0], "nft add table ip t", "nft add chain ip t forwarding '{ type filter hook forward priority 0; }'",
                "nft add rule ip t forwarding meta mark set ct mark",
            ], names: "nft, table ip t, chain forwarding"),
        DoctorFault(
            id: "mark-forges-stamp",
            commands: [
                "nft add table bridge t", "nft add chain bridge t forwarding '{ type filter hook forward priority 0; }'",
                "nft add rule bridge t forwarding meta mark set meta mark or 0x40000000",
            ], names: "nft, table bridge t, chain forwarding"),
        DoctorFault(
            id: "mark-overwritten",
            commands: [
                "nft add table netdev t", "nft add chain netdev t in '{ type filter hook ingress device vif1.0 priority 0; }'",
                "nft add rule netdev t in meta mark set 7",
            ], names: "nft, table netdev t, chain in"),
    ]

    static let settings = [
        DoctorFault(id: "bridged-frames-filtered", commands: calls, names: "iptables, ip6tables, arptables", severity: "note"),
        DoctorFault(
            id: "bridged-frames-filtered", commands: ["ip link set br0 type bridge nf_call_iptables 1"], names: "bridge br0", severity: "note"),
        DoctorFault(
            id: "link-local-groups-forwarded", commands: ["ip link set br0 type bridge group_fwd_mask 0x4000"], names: "0x4000", severity: "warning"),
        DoctorFault(id: "spanning-tree-on", commands: ["ip link set br0 type bridge stp_state 1"], names: "bridge br0", severity: "warning"),
        DoctorFault(
            id: "new-port-reaches-host",
            commands: [
                "sysctl -qw net.ipv4.conf.all.drop_unicast_in_l2_multicast=0", "sysctl -qw net.ipv4.conf.all.arp_ignore=0",
                "sysctl -qw net.ipv4.conf.default.rp_filter=0", "sysctl -qw net.ipv6.conf.default.disable_ipv6=0",
            ], names: "net.ipv4.conf.all.drop_unicast_in_l2_multicast is 0", severity: "warning"),
        DoctorFault(
            id: "host-accepts-router-advertisements",
            commands: ["sysctl -qw net.ipv6.conf.br0.disable_ipv6=0", "sysctl -qw net.ipv6.conf.br0.accept_ra=1", "vifguard apply"],
            names: "accept_ra is 1",
            severity: "note"),
        DoctorFault(
            id: "host-accepts-redirects", commands: ["sysctl -qw net.ipv4.conf.br0.accept_redirects=1"], names: "bridge br0", severity: "note"),
        DoctorFault(
            id: "host-answers-for-others", commands: ["sysctl -qw net.ipv4.conf.all.proxy_arp=1"], names: "proxy_arp is on", severity: "warning"),
        DoctorFault(
            id: "drift-set-port", commands: ["bridge link set dev vif1.0 learning on", "bridge link set dev vif1.0 flood on"],
            names: "learning off, flood off", severity: "warning"),
        DoctorFault(
            id: "drift-add-forwarding", commands: ["bridge fdb del 02:00:00:00:00:01 dev vif1.0 master"], names: "forward 02:00:00:00:00:01 here",
            severity: "warning"),
        DoctorFault(
            id: "drift-set-link-local-learning", commands: ["ip link set br0 type bridge no_linklocal_learn 0"], names: "br0", severity: "warning"),
        DoctorFault(id: "drift-set-ipv6", commands: ["sysctl -qw net/ipv6/conf/vif1.0/disable_ipv6=0"], names: "vif1.0", severity: "warning"),
        DoctorFault(id: "port-hairpin", commands: ["bridge link set dev vif1.0 hairpin on"], names: "port vif1.0", severity: "warning"),
        DoctorFault(
            id: "port-unguarded", commands: ["ip link add vif3.0 type veth peer name p-vif3.0", "ip link set vif3.0 master br0 up"],
            names: "port vif3.0"),
        DoctorFault(id: "uplink-missing", commands: ["ip link set up0 nomaster"], names: "uplink up0"),
        DoctorFault(id: "ingress-qdisc", commands: ["tc qdisc add dev vif1.0 ingress"], names: "interface vif1.0", severity: "note", mends: false),
    ]
}
