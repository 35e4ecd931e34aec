import Addresses
import Netlink
import Packets
import Policy

/// The network that `Proof` builds and throws away: a host with a bridge and a guest on each of its ports, a gateway and
/// another machine beyond the uplink, the Internet beyond the gateway, and a machine beyond the host.
///
///     internet -- gateway --+
///                           +-- (lan) -- (uplink) host's br0 (vif1.0) -- www
///                 outside --+             |           (vif2.0) -- mail …
///                            backend -----+
///
/// Used by one thread: the one that also sends, so that what is sent first arrives first. All of it goes with the last
/// reference.
final class ProofNetwork {
    let host: NetworkNamespace
    let bridgeIndex: InterfaceIndex
    let uplinkIndex: InterfaceIndex
    /// What the uplink's cable, the gateway and outside are plugged into.
    private let wire: NetworkNamespace
    private let wireBridge: InterfaceIndex
    private(set) var stations: [Site: Station] = [:]
    private let backend: NetworkNamespace
    private let internet: NetworkNamespace
    private var senders: [Site: FrameSender] = [:]
    private var sniffers: [Site: Sniffer] = [:]

    init() throws {
        let host = try NetworkNamespace("host")
        let wire = try NetworkNamespace("wire")
        (self.host, self.wire) = (host, wire)
        try host.run { try Kernel.silence() }
        bridgeIndex = try host.run { try Self.makeBridge() }
        wireBridge = try wire.run {
            try Kernel.silence()
            return try Self.makePlainBridge("lan")
        }
        let wireDescriptor = wire.descriptor
        uplinkIndex = try host.run {
            try Link.create(Stage.uplink, .veth(peer: "trunk", namespace: wireDescriptor), .up).index
        }
        internet = try NetworkNamespace("internet")
        backend = try NetworkNamespace("backend")
        try build()
    }

    // MARK: Building

    private static func makeBridge() throws -> InterfaceIndex {
        let link = try Link.create(Stage.bridge, .bridge, .macAddress(Stage.host.mac))
        var settings = Bridge.Settings()
        settings.forwardDelay = 0
        settings.multicastSnooping = true
        try Bridge.named(Stage.bridge).write(settings)
        // Snooping takes effect once this time has passed after the first query.
        try Kernel.set("/sys/class/net/br0/bridge/multicast_query_response_interval", 10)
        // One who has been taken for the querier is forgotten as soon.
        try Kernel.set("/sys/class/net/br0/bridge/multicast_querier_interval", 100)
        try link.change(.up)
        return link.index
    }

    private static func makePlainBridge(_ name: String) throws -> InterfaceIndex {
        let link = try Link.create(name, .bridge)
        var settings = Bridge.Settings()
        settings.forwardDelay = 0
        settings.multicastSnooping = false
        try Bridge.named(name).write(settings)
        try link.change(.up)
        return link.index
    }

    private func build() throws {
        let (bridgeIndex, wireBridge, uplinkIndex) = (bridgeIndex, wireBridge, uplinkIndex)
        try host.run { try Link.change(uplinkIndex, .master(bridgeIndex)) }
        for site in Site.guests {
            stations[site] = try Station(site.rawValue, macAddress: Stage.parties[site]!.mac, port: site.port, of: host)
        }
        for party in [Stage.gateway, Stage.outside] {
            let station = try Station(party.site.rawValue, macAddress: party.mac, port: "to-\(party.site.rawValue)", of: wire)
            try wire.run { try Link.change(station.portIndex, .master(wireBridge)) }
            stations[party.site] = station
        }
        try wire.run { try Link.named("trunk").change(.up, .master(wireBridge)) }
        for site in Site.guests where site != .stranger {
            let port = stations[site]!.portIndex
            try host.run { try Link.change(port, .master(bridgeIndex)) }
        }
        try awaitForwarding()
        try addressHost()
        try addressBeyond()
        for party in Stage.parties.values.sorted(by: { $0.ip4 < $1.ip4 }) where party.site != .host { try address(party) }
    }

    /// Makes a guest's port one of the bridge's.
    func join(_ site: Site) throws {
        let (port, bridge) = (stations[site]!.portIndex, bridgeIndex)
        try host.run { try Link.change(port, .master(bridge)) }
        try awaitForwarding()
    }

    /// A new cable takes the kernel a moment to notice.
    private func awaitForwarding() throws {
        for namespace in [host, wire] {
            let deadline = ContinuousClock.now + .seconds(60)
            while let port = try namespace.run({ try BridgePort.all().first { $0.settings.state != .forwarding } }) {
                guard ContinuousClock.now < deadline else {
                    throw LabError(action: "plug in \(port.name)", reason: "the port doesn't forward")
                }
                Pause.brief()
            }
        }
    }

    func leave(_ site: Site) throws {
        let port = stations[site]!.portIndex
        try host.run { try Link.change(port, .noMaster) }
    }

    /// Unplugs the cable of a guest and plugs another machine, with the same addresses, into a new port of the same name.
    func replug(_ site: Site) throws {
        let port = stations[site]!.portIndex
        try host.run { try Link.numbered(port).delete() }
        (senders[site], sniffers[site], stations[site]) = (nil, nil, nil)
        stations[site] = try Station(site.rawValue, macAddress: Stage.parties[site]!.mac, port: site.port, of: host)
        try join(site)
        try address(Stage.parties[site]!)
    }

    private func addressHost() throws {
        let bridgeIndex = bridgeIndex
        let backendDescriptor = backend.descriptor
        try backend.run { try Kernel.silence() }
        try host.run {
            try Kernel.speakIPv6(Stage.bridge)
            try Kernel.takeEveryAnswer(Stage.bridge)
            try InterfaceAddress.add(.v4(Stage.host.ip4), prefixLength: 24, to: bridgeIndex)
            try InterfaceAddress.add(.v6(Stage.host.ip6), prefixLength: 64, to: bridgeIndex)
            let far = try Link.create("back0", .veth(peer: "eth0", namespace: backendDescriptor), .up)
            try Kernel.speakIPv6("back0")
            try InterfaceAddress.add(.v4(Stage.hostFar4), prefixLength: 24, to: far.index)
            try InterfaceAddress.add(.v6(Stage.hostFar6), prefixLength: 64, to: far.index)
            try Kernel.forward()
        }
        try Self.plugIn(backend, .v4(Stage.backend4), .v6(Stage.backend6), via: .v4(Stage.hostFar4), .v6(Stage.hostFar6))
    }

    /// The Internet, behind a link that takes smaller packets than all others: at both its ends, or what is sent from there
    /// would be lost at the other without a word (net/core/dev.c, is_skb_forwardable).
    private func addressBeyond() throws {
        let gateway = stations[.gateway]!.namespace
        let descriptor = internet.descriptor
        try internet.run { try Kernel.silence() }
        try gateway.run {
            try Kernel.silence()
            let far = try Link.create("eth1", .veth(peer: "eth0", namespace: descriptor), .up, .mtu(Self.smallMTU))
            try Kernel.speakIPv6("eth1")
            try InterfaceAddress.add(.v4(Stage.gatewayFar4), prefixLength: 24, to: far.index)
            try InterfaceAddress.add(.v6(Stage.gatewayFar6), prefixLength: 64, to: far.index)
        }
        try internet.run { try Link.named("eth0").change(.mtu(Self.smallMTU)) }
        try Self.plugIn(internet, .v4(Stage.internet4), .v6(Stage.internet6), via: .v4(Stage.gatewayFar4), .v6(Stage.gatewayFar6))
    }

    private static let smallMTU: UInt32 = 1400

    private static func plugIn(_ namespace: NetworkNamespace, _ ip4: IPAddress, _ ip6: IPAddress, via four: IPAddress, _ six: IPAddress)
        throws
    {
        try namespace.run {
            let card = try Link.named("eth0")
            try card.change(.up)
            try Kernel.speakIPv6("eth0")
            try InterfaceAddress.add(ip4, prefixLength: 24, to: card.index)
            try InterfaceAddress.add(ip6, prefixLength: 64, to: card.index)
            try Route.add(via: four)
            try Route.add(via: six)
        }
    }

    /// Gives a machine on the subnet its addresses and routes.
    private func address(_ party: Party) throws {
        let station = stations[party.site]!
        let binding = Stage.binding(of: party.site)
        let has4 = binding.map { !$0.addresses4.isEmpty } ?? true
        let has6 = binding.map { !$0.addresses6.isEmpty } ?? true
        try station.namespace.run {
            let card = try Link.named("eth0").index
            if has4 && party.site != .dhcp {
                try InterfaceAddress.add(.v4(party.ip4), prefixLength: 24, to: card)
                try Kernel.takeEveryAnswer("eth0")
            }
            if has6 {
                try Kernel.speakIPv6("eth0")
                try InterfaceAddress.add(.v6(party.ip6), prefixLength: 64, to: card)
            }
            if party.site == .gateway {
                try Kernel.forward()
                try Route.add(to: .v6(Stage.routed6), via: .v6(Stage.www.ip6))
                return
            }
            if has4 && party.site != .dhcp {
                try Route.add(via: .v4(Stage.gateway.ip4))
                try Route.add(to: .v4(IPv4Prefix(masking: Stage.backend4, length: 24)!), via: .v4(Stage.host.ip4))
            }
            if has6 {
                try Route.add(via: .v6(Stage.gateway.ip6))
                try Route.add(to: .v6(IPv6Prefix(masking: Stage.backend6, length: 64)!), via: .v6(Stage.host.ip6))
            }
            if party.site == .www {
                for address in Stage.wwwMore4 { try InterfaceAddress.add(.v4(address), prefixLength: 24, to: card) }
                for address in Stage.wwwMore6 { try InterfaceAddress.add(.v6(address), prefixLength: 64, to: card) }
                try InterfaceSetting.disableIPv6.set(0, for: "lo")
                try InterfaceAddress.add(.v6(Stage.inRouted6), to: Link.named("lo").index)
            }
        }
    }

    // MARK: Using

    /// The namespace of a machine, wherever it is.
    func namespace(of site: Site) -> NetworkNamespace {
        switch site {
        case .host: host
        case .backend: backend
        case .internet: internet
        default: stations[site]!.namespace
        }
    }

    /// The name of a machine's card, as it knows it.
    func card(of site: Site) -> String { site == .host ? Stage.bridge : "eth0" }

    /// The number of the bridge's port that leads there.
    func port(of site: Site) -> InterfaceIndex {
        if site.isGuest { return stations[site]!.portIndex }
        return site.port == Stage.bridge ? bridgeIndex : uplinkIndex
    }

    func send(_ injection: Injection) throws {
        let sender: FrameSender
        if let known = senders[injection.site] {
            sender = known
        } else {
            sender = try FrameSender(on: card(of: injection.site), in: namespace(of: injection.site))
            senders[injection.site] = sender
        }
        try sender.send(injection.bytes)
    }

    /// Hears what arrives there, from the first time it is asked for.
    func sniffer(at site: Site) throws -> Sniffer {
        if let sniffer = sniffers[site] { return sniffer }
        let sniffer = try Sniffer(on: card(of: site), in: namespace(of: site))
        sniffers[site] = sniffer
        return sniffer
    }

    func neighbours(of site: Site) throws -> [Neighbour] {
        let card = card(of: site)
        return try namespace(of: site).run { try Neighbour.all(on: Link.named(card).index) }
    }

    func forgetNeighbours(of site: Site) throws {
        let card = card(of: site)
        try namespace(of: site).run { try Neighbour.forgetAll(on: Link.named(card).index) }
    }

    func forwardingEntries() throws -> [ForwardingDatabase.Entry] {
        let bridgeIndex = bridgeIndex
        return try host.run { try ForwardingDatabase.entries(of: bridgeIndex) }
    }

    /// Makes both bridges forget where the machines are.
    func forgetForwarding() throws {
        for (namespace, bridge) in [(host, bridgeIndex), (wire, wireBridge)] {
            try namespace.run {
                for entry in try ForwardingDatabase.entries(of: bridge) where entry.lifetime == .learned {
                    try ForwardingDatabase.remove(entry.macAddress, from: entry.port, vlan: entry.vlan)
                }
            }
        }
    }
}
