import Addresses
import Glibc
import Netlink

// What attacks change, read and put back.
extension ProofNetwork {
    // MARK: Routes

    /// The routers by which a machine's default routes lead.
    func advertisedRouters(of site: Site) throws -> [IPAddress] {
        try namespace(of: site).run { try Route.all().filter { $0.isIPv6 && $0.destination == nil }.compactMap(\.gateway) }
    }

    /// Removes what router advertisements have brought.
    func forgetAdvertisedRoutes(of site: Site) throws {
        _ = try namespace(of: site).execute(["ip", "-6", "route", "flush", "proto", "ra"])
    }

    /// The router by which the machine would send to a destination; nil if it is on the link.
    func nextHop(of site: Site, to destination: IPAddress) throws -> IPAddress? {
        let words = try namespace(of: site).output(of: ["ip", "route", "get", destination.description]).split(separator: " ")
        guard let via = words.firstIndex(of: "via"), via + 1 < words.count else { return nil }
        return IPAddress(String(words[via + 1]))
    }

    func forgetRedirects(of site: Site) throws {
        for family in ["-4", "-6"] { _ = try namespace(of: site).execute(["ip", family, "route", "flush", "cache"]) }
    }

    // MARK: Duplicate address detection

    /// Takes an address from a machine and gives it back, to be used once nobody objects.
    func startDetection(of address: IPv6Address, at site: Site) throws {
        try namespace(of: site).run {
            let card = try Link.named("eth0").index
            try InterfaceSetting.acceptDuplicateAddressDetection.set(1, for: "eth0")
            try InterfaceAddress.remove(.v6(address), prefixLength: 64, from: card)
            try InterfaceAddress.add(.v6(address), prefixLength: 64, to: card, detectDuplicates: true)
        }
    }

    /// Waits until the machine either uses the address or has given it up.
    ///
    /// - Returns: whether it has given it up.
    func losesAddress(_ address: IPv6Address, at site: Site, within limit: Duration) throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            let found = try namespace(of: site).run {
                try InterfaceAddress.all(on: Link.named("eth0").index).first { $0.address == .v6(address) }
            }
            guard let found, !found.isDuplicate else { return true }
            if !found.isTentative { return false }
            Pause.brief()
        }
        throw LabError(action: "see whether \(site.rawValue) keeps \(address)", reason: "it was undecided for \(limit)")
    }

    /// Gives a machine its address back without asking anybody.
    func restore(_ address: IPv6Address, of site: Site) throws {
        try namespace(of: site).run {
            let card = try Link.named("eth0").index
            try InterfaceSetting.acceptDuplicateAddressDetection.set(0, for: "eth0")
            try? InterfaceAddress.remove(.v6(address), prefixLength: 64, from: card)
            try InterfaceAddress.add(.v6(address), prefixLength: 64, to: card)
            // The route by this address' subnet went with it, and with that the default route.
            try Route.add(via: .v6(Stage.gateway.ip6))
            try Route.add(to: .v6(IPv6Prefix(masking: Stage.backend6, length: 64)!), via: .v6(Stage.host.ip6))
        }
    }

    // MARK: The bridge

    func addForwardingEntry(_ mac: MACAddress, to site: Site) throws {
        let port = port(of: site)
        try host.run { try ForwardingDatabase.replaceSticky([mac], on: port) }
    }

    func removeForwardingEntry(_ mac: MACAddress, of site: Site) throws {
        let port = port(of: site)
        try host.run { try ForwardingDatabase.remove(mac, from: port) }
    }

    /// Makes the bridge ask for groups' members, and from then on keep groups to those who have joined.
    func startQuerier() throws {
        try host.run {
            var settings = Bridge.Settings()
            settings.multicastQuerier = true
            try Bridge.named(Stage.bridge).write(settings)
        }
    }

    func stopQuerier() throws {
        try host.run {
            var settings = Bridge.Settings()
            settings.multicastQuerier = false
            try Bridge.named(Stage.bridge).write(settings)
        }
    }

    /// Makes the bridge forget behind which guests it has seen multicast routers.
    func forgetMulticastRouters() throws {
        let ports = Site.guests.map { port(of: $0) }
        try host.run {
            for port in try BridgePort.all() where ports.contains(port.index) && port.settings.multicastRouter != .never {
                for value in [BridgePort.MulticastRouter.never, .whereQueried] {
                    var settings = BridgePort.Settings()
                    settings.multicastRouter = value
                    try BridgePort.numbered(port.index).write(settings)
                }
            }
        }
    }
}

/// Time for the kernel to get on with something that nobody can wait for otherwise.
enum Pause {
    static func brief() { usleep(5000) }
}

extension ProofNetwork {
    /// Gives a machine the address that it was leased.
    func takeLease(_ party: Party) throws {
        try namespace(of: party.site).run { try InterfaceAddress.add(.v4(party.ip4), prefixLength: 24, to: Link.named("eth0").index) }
    }

    /// Makes the host's bridge take part in the spanning tree.
    func startSpanningTree() throws {
        try host.run {
            var settings = Bridge.Settings()
            settings.spanningTree = true
            try Bridge.named(Stage.bridge).write(settings)
        }
    }
}
