import Addresses
import Packets

/// What honest machines say: each kind as a function of who says it to whom, nil where one of the two can't.
enum HonestTraffic {
    typealias Kind = @Sendable (Speaker, Speaker) -> Frame?

    static let kinds: [(name: String, make: Kind)] = toOne + toGroups

    private static func ip4(_ upper: UpperLayer) -> Kind {
        { from, to in
            guard let source = from.ip4, let target = to.ip4 else { return nil }
            return .ethernet(from: from.mac, to: to.mac, .ipv4(from: source, to: target, upper))
        }
    }

    private static func ip6(_ upper: UpperLayer, _ headers: [ExtensionHeader] = []) -> Kind {
        { from, to in
            guard let source = from.ip6, let target = to.ip6 else { return nil }
            return .ethernet(from: from.mac, to: to.mac, .ipv6(from: source, to: target, extensionHeaders: headers, upper))
        }
    }

    private static func group(_ group: IPv6Address, _ upper: UpperLayer, _ headers: [ExtensionHeader] = []) -> Kind {
        { from, _ in
            guard from.ip6 != nil else { return nil }
            return .ethernet(
                from: from.mac, to: group.multicastMAC, .ipv6(from: from.linkLocal, to: group, extensionHeaders: headers, upper))
        }
    }

    private static func arp(_ operation: ARPPacket.Operation, _ from: Speaker, _ sender: IPv4Address, _ target: ARPPacket.Party, to mac: MACAddress)
        -> Frame
    {
        .ethernet(from: from.mac, to: mac, .arp(operation, sender: ARPPacket.Party(mac: from.mac, ip: sender), target: target))
    }

    private static let toOne: [(name: String, make: Kind)] = [
        ("udp over ipv4", ip4(.udp(from: 4000, to: 53, payload: [1, 2, 3]))),
        ("tcp over ipv4", ip4(.tcp(from: 4000, to: 443))),
        ("icmp echo", ip4(.icmp(8, rest: [0, 1, 0, 1]))),
        ("udp over ipv6", ip6(.udp(from: 4000, to: 53, payload: [1, 2, 3]))),
        ("tcp over ipv6", ip6(.tcp(from: 4000, to: 443))),
        ("icmpv6 echo", ip6(.icmpv6(.echoRequest, rest: [0, 1, 0, 1]))),
        ("ipv6 behind options", ip6(.udp(from: 4000, to: 9), [.destinationOptions()])),
        ("ipv6 in fragments", ip6(.udp(from: 4000, to: 9, payload: [0, 0, 0, 0, 0, 0, 0, 0]), [.fragment(moreFragments: true)])),
        (
            "ipv4 from a further address",
            { from, to in
                guard let source = from.more4.last, let target = to.more4.last ?? to.ip4 else { return nil }
                return .ethernet(from: from.mac, to: to.mac, .ipv4(from: source, to: target, .udp(from: 9, to: 9)))
            }
        ),
        (
            "ipv6 from a further address",
            { from, to in
                guard let source = from.more6.last, let target = to.more6.last ?? to.ip6 else { return nil }
                return .ethernet(from: from.mac, to: to.mac, .ipv6(from: source, to: target, .udp(from: 9, to: 9)))
            }
        ),
        (
            "arp reply",
            { from, to in
                guard let source = from.ip4, let target = to.ip4 else { return nil }
                return arp(.reply, from, source, ARPPacket.Party(mac: to.mac, ip: target), to: to.mac)
            }
        ),
        (
            "neighbour advertisement",
            { from, to in
                guard let source = from.ip6, let target = to.ip6 else { return nil }
                let message = UpperLayer.neighbourAdvertisement(target: source, options: [.targetLinkLayer(from.mac)])
                return .ethernet(from: from.mac, to: to.mac, .ipv6(from: source, to: target, message))
            }
        ),
    ]

    /// In a router alert, as reports of groups are (RFC 2711, RFC 2113).
    private static let alert6 = ExtensionHeader.hopByHop(options: [5, 2, 0, 0, 1, 0])
    private static let alert4: [UInt8] = [0x94, 4, 0, 0]
    private static let someGroup6 = IPv6Address(high: 0xff05 << 48, low: 0x7777)
    private static let dhcpServers = IPv6Address(high: 0xff02 << 48, low: 0x1_0002)

    private static let toGroups: [(name: String, make: Kind)] = [
        (
            "arp request",
            { from, to in
                guard let source = from.ip4, let target = to.ip4 else { return nil }
                return arp(.request, from, source, ARPPacket.Party(mac: .zero, ip: target), to: .broadcast)
            }
        ),
        (
            "arp announcement",
            { from, _ in
                guard let source = from.ip4 else { return nil }
                return arp(.request, from, source, ARPPacket.Party(mac: .zero, ip: source), to: .broadcast)
            }
        ),
        (
            "neighbour solicitation",
            { from, to in
                guard let source = from.ip6, let target = to.ip6 else { return nil }
                let message = UpperLayer.neighbourSolicitation(target: target, options: [.sourceLinkLayer(from.mac)])
                let group = target.solicitedNodeGroup
                return .ethernet(from: from.mac, to: group.multicastMAC, .ipv6(from: source, to: group, message))
            }
        ),
        (
            "duplicate address detection",
            { from, _ in
                guard from.port != SoakPolicy.gateway.port, let wanted = from.ip6 else { return nil }
                let group = wanted.solicitedNodeGroup
                return .ethernet(
                    from: from.mac, to: group.multicastMAC, .ipv6(from: .unspecified, to: group, .neighbourSolicitation(target: wanted)))
            }
        ),
        (
            "dhcp discover",
            { from, _ in
                guard from.port != SoakPolicy.gateway.port, from.ip4 != nil else { return nil }
                return .ethernet(from: from.mac, to: .broadcast, .ipv4(from: .any, to: .broadcast, .dhcpv4(clientMAC: from.mac)))
            }
        ),
        ("dhcpv6 solicit", group(dhcpServers, .dhcpv6(1))),
        ("router solicitation", group(.allRouters, .routerSolicitation())),
        ("group report, ipv6", group(someGroup6, .mldReport(group: someGroup6), [alert6])),
        ("group of ipv6", group(someGroup6, .udp(from: 9, to: 5353))),
        (
            "group report, ipv4",
            { from, _ in
                guard let source = from.ip4 else { return nil }
                let group = IPv4Address(239, 7, 7, 7)
                return .ethernet(
                    from: from.mac, to: group.multicastMAC, .ipv4(from: source, to: group, .igmp(0x16, group: group), options: alert4))
            }
        ),
        (
            "broadcast of ipv4",
            { from, _ in
                guard let source = from.ip4 else { return nil }
                return .ethernet(from: from.mac, to: .broadcast, .ipv4(from: source, to: .broadcast, .udp(from: 9, to: 9)))
            }
        ),
        (
            "router advertisement of the gateway",
            { from, _ in
                guard from.port == SoakPolicy.gateway.port else { return nil }
                let message = UpperLayer.routerAdvertisement(options: [.sourceLinkLayer(from.mac)])
                return .ethernet(from: from.mac, to: IPv6Address.allNodes.multicastMAC, .ipv6(from: from.linkLocal, to: .allNodes, message))
            }
        ),
    ]
}
