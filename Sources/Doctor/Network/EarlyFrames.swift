import Netlink

/// What the host's stack makes of frames to 01:80:c2:00:00:02-0f on a port that has no program yet: they reach it on the
/// port itself, past the bridge (net/bridge/br_input.c). It is the time from joining the bridge until `apply`, `attach` or
/// the agent has been there.
struct EarlyFrames: Sendable, Hashable {
    /// By the names of ip-sysctl.rst below net/; nil where the kernel has no such setting.
    var settings: [String: Int] = [:]

    /// Each, and what it is to be. `all` counts for every interface, `default` for those to come.
    private struct Wish {
        var family: InterfaceSetting.Family
        var key: String
        var scope: String
        var value: Int
        var path: String { EarlyFrames.path(family, scope, key) }
    }

    fileprivate static func path(_ family: InterfaceSetting.Family, _ scope: String, _ key: String) -> String {
        "\(family.rawValue).conf.\(scope).\(key)"
    }

    private func value(_ family: InterfaceSetting.Family, _ scope: String, _ key: String) -> Int? { settings[Self.path(family, scope, key)] }

    /// The greater of `all` and `default`, as the kernel takes it (IN_DEV_MAXCONF; IN_DEV_ORCONF of switches).
    private func greater(_ key: String) -> Int? {
        [value(.ipv4, "all", key), value(.ipv4, "default", key)].compactMap(\.self).max()
    }

    private var wishes: [Wish] {
        var wishes: [Wish] = []
        if greater("drop_unicast_in_l2_multicast") == 0 {
            wishes.append(Wish(family: .ipv4, key: "drop_unicast_in_l2_multicast", scope: "all", value: 1))
        }
        if greater("arp_ignore") == 0 { wishes.append(Wish(family: .ipv4, key: "arp_ignore", scope: "all", value: 1)) }
        if greater("rp_filter") == 0 { wishes.append(Wish(family: .ipv4, key: "rp_filter", scope: "default", value: 1)) }
        if value(.ipv6, "default", "disable_ipv6") == 0 {
            for (key, value) in [("drop_unicast_in_l2_multicast", 1), ("accept_ra", 0)] {
                guard let present = self.value(.ipv6, "default", key), present == 0 && value == 1 || present != 0 && value == 0 else { continue }
                wishes.append(Wish(family: .ipv6, key: key, scope: "default", value: value))
            }
        }
        return wishes
    }

    var findings: [Finding] {
        let wishes = wishes
        guard !wishes.isEmpty else { return [] }
        return [
            Finding(
                "new-port-reaches-host", .warning, "the host's IP settings",
                found: wishes.map { "net.\($0.path) is \(settings[$0.path] ?? 0)" }.joined(separator: ", "),
                meaning:
                    "Until a port that joins a bridge has its programs, frames to 01:80:c2:00:00:02-0f get from it to the host's own stack, past the bridge. These settings shut that way, for interfaces to come; to keep them put them into a file of /etc/sysctl.d:",
                mend: wishes.map { "sysctl -w net.\($0.path)=\($0.value)" })
        ]
    }
}

extension EarlyFrames {
    static func observe() throws(NetlinkError) -> EarlyFrames {
        var facts = EarlyFrames()
        let keys: [(InterfaceSetting.Family, [String])] = [
            (.ipv4, ["drop_unicast_in_l2_multicast", "arp_ignore", "rp_filter"]),
            (.ipv6, ["disable_ipv6", "drop_unicast_in_l2_multicast", "accept_ra"]),
        ]
        for (family, names) in keys {
            for name in names {
                for scope in ["all", "default"] {
                    facts.settings[path(family, scope, name)] = try InterfaceSetting(family, name).value(for: scope)
                }
            }
        }
        return facts
    }
}
