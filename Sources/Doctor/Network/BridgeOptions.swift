import Netlink

/// How a guarded bridge itself is set.
struct BridgeOptions: Sendable, Hashable {
    var name: String
    var settings: Bridge.Settings

    var findings: [Finding] { [groups, spanningTree].compactMap(\.self) }

    private var groups: Finding? {
        guard let mask = settings.groupForwardMask, mask != 0 else { return nil }
        return Finding(
            "link-local-groups-forwarded", .warning, "bridge \(name)", found: "group_fwd_mask is 0x\(String(mask, radix: 16))",
            meaning:
                "It forwards frames to switches' own addresses (01:80:c2:00:00:0X: LACP, 802.1X, LLDP). No guest gets or sends any, but the uplinks and the host trade them.",
            mend: ["ip link set \(name.shellWord) type bridge group_fwd_mask 0"])
    }

    private var spanningTree: Finding? {
        guard settings.spanningTree == true else { return nil }
        return Finding(
            "spanning-tree-on", .warning, "bridge \(name)", found: "the spanning tree protocol is on",
            meaning:
                "A guest's port forwards nothing in its first seconds (forward_delay twice), and changes outside of the host shake the bridge's tables. Guests' own messages are dropped. Unless several uplinks make a loop that it has to break:",
            mend: ["ip link set \(name.shellWord) type bridge stp_state 0"])
    }
}

/// What a guest's port has on that nothing here asks for.
struct PortOptions: Sendable, Hashable {
    var name: String
    var settings: BridgePort.Settings

    var findings: [Finding] {
        let all: [(Bool?, String, String, String)] = [
            (settings.hairpin, "port-hairpin", "hairpin", "The guest gets its own broadcasts back."),
            (settings.proxyARP, "port-proxy-arp", "proxy_arp", "The bridge answers ARP for others towards this port, in place of them."),
            (
                settings.multicastToUnicast, "port-multicast-to-unicast", "mcast_to_unicast",
                "Multicast reaches the guest with its own MAC as the destination."
            ),
        ]
        return all.compactMap { isOn, id, option, meaning in
            guard isOn == true else { return nil }
            return Finding(
                id, .warning, "port \(name)", found: "\(option) is on", meaning: meaning,
                mend: ["bridge link set dev \(name.shellWord) \(option) off"])
        }
    }
}
