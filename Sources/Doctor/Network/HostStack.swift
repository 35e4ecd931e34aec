import Netlink

/// What the host itself believes on a guarded bridge: its IP settings of the bridge's interface (ip-sysctl.rst).
struct HostStack: Sendable, Hashable {
    var bridge: String
    /// "ipv6.accept_ra" and the like, of the bridge's interface; nil where the kernel has no such setting.
    var own: [String: Int] = [:]
    /// The same for `all`.
    var all: [String: Int] = [:]
    /// Guests that may send router advertisements and redirects here: by their role, or because audit mode lets all pass.
    var routers: [String] = []

    private func own(_ key: String) -> Int { own[key] ?? 0 }
    private func isSet(_ key: String) -> Bool { own(key) != 0 || all[key] ?? 0 != 0 }

    var findings: [Finding] { [advertisements, redirects, proxies, discoveryProxy].compactMap(\.self) }

    /// "ipv6.accept_ra" of the bridge as sysctl(8) writes it; a name with dots needs slashes.
    private func assignment(_ key: String, _ value: Int, of interface: String? = nil) -> String {
        let parts = key.split(separator: ".", maxSplits: 1)
        let name = interface ?? bridge
        let separator = name.contains(".") ? "/" : "."
        return "sysctl -w " + (["net", String(parts[0]), "conf", name, String(parts[1])].joined(separator: separator) + "=\(value)").shellWord
    }

    private var whose: String {
        routers.isEmpty
            ? "from the uplink" : "from the uplink, and from \(routers.prefix(3).joined(separator: ", "))\(routers.count > 3 ? " and others" : "")"
    }

    private var advertisements: Finding? {
        guard own["ipv6.disable_ipv6"] == 0 else { return nil }
        let accept = own("ipv6.accept_ra")
        // 1: unless it forwards; 2: even so.
        guard accept == 2 || accept == 1 && own("ipv6.forwarding") == 0 else { return nil }
        let autoconf = own("ipv6.autoconf") != 0 ? ", addresses" : ""
        return Finding(
            "host-accepts-router-advertisements", routers.isEmpty ? .note : .warning, "bridge \(bridge)",
            found: "accept_ra is \(accept)",
            meaning: "The host takes routes\(autoconf) and more from router advertisements \(whose). Unless that is how it gets its IPv6:",
            mend: [assignment("ipv6.accept_ra", 0)])
    }

    /// IN_DEV_RX_REDIRECTS: with forwarding both must allow it, else one is enough.
    private var redirects: Finding? {
        let (mine, everybody) = (own("ipv4.accept_redirects") != 0, all["ipv4.accept_redirects"] ?? 0 != 0)
        let on4 = own("ipv4.forwarding") != 0 ? mine && everybody : mine || everybody
        let on6 = own["ipv6.disable_ipv6"] == 0 && own("ipv6.forwarding") == 0 && own("ipv6.accept_redirects") != 0
        guard on4 || on6 else { return nil }
        var mend: [String] = []
        if on4 {
            if everybody { mend.append(assignment("ipv4.accept_redirects", 0, of: "all")) }
            if mine { mend.append(assignment("ipv4.accept_redirects", 0)) }
        }
        if on6 { mend.append(assignment("ipv6.accept_redirects", 0)) }
        let families = [on4 ? "IPv4" : nil, on6 ? "IPv6" : nil].compactMap(\.self).joined(separator: " and ")
        return Finding(
            "host-accepts-redirects", routers.isEmpty ? .note : .warning, "bridge \(bridge)", found: "accept_redirects is on for \(families)",
            meaning: "The host changes its routes when told to by a redirect \(whose).", mend: mend)
    }

    private var proxies: Finding? {
        let keys = ["ipv4.proxy_arp", "ipv4.proxy_arp_pvlan"].filter(isSet)
        guard !keys.isEmpty else { return nil }
        return Finding(
            "host-answers-for-others", .warning, "bridge \(bridge)",
            found: keys.map { $0.dropFirst("ipv4.".count) + " is on" }.joined(separator: ", "),
            meaning:
                "The host answers ARP requests for addresses that it has a route to, as if they were its own: guests' traffic for them comes to it. Unless that is meant:",
            mend: keys.flatMap { key in
                (all[key] ?? 0 != 0 ? [assignment(key, 0, of: "all")] : []) + (own(key) != 0 ? [assignment(key, 0)] : [])
            })
    }

    private var discoveryProxy: Finding? {
        let key = "ipv6.proxy_ndp"
        guard isSet(key), own["ipv6.disable_ipv6"] == 0 else { return nil }
        return Finding(
            "host-proxies-neighbours", .note, "bridge \(bridge)", found: "proxy_ndp is on",
            meaning: "The host answers neighbour solicitations for the addresses that 'ip -6 neigh show proxy' lists.",
            mend: (all[key] ?? 0 != 0 ? [assignment(key, 0, of: "all")] : []) + (own(key) != 0 ? [assignment(key, 0)] : []))
    }
}

extension HostStack {
    private static let keys: [(InterfaceSetting.Family, [String])] = [
        (.ipv4, ["forwarding", "accept_redirects", "proxy_arp", "proxy_arp_pvlan"]),
        (.ipv6, ["disable_ipv6", "forwarding", "accept_ra", "autoconf", "accept_redirects", "proxy_ndp"]),
    ]

    static func observe(_ bridge: String, routers: [String]) throws(NetlinkError) -> HostStack {
        var facts = HostStack(bridge: bridge, routers: routers)
        for (family, names) in keys {
            for name in names {
                let setting = InterfaceSetting(family, name)
                facts.own["\(family.rawValue).\(name)"] = try setting.value(for: bridge)
                facts.all["\(family.rawValue).\(name)"] = try setting.value(for: "all")
            }
        }
        return facts
    }
}
