import Addresses
import Packets
import Policy

// Section 4: from a guest, DHCPv4 (rules F4 and F5).
extension Catalogue {
    static let dhcpv4: [Attack] = clients + servers

    private static let a = Stage.www, victim = Stage.mail, outside = Stage.outside

    private static func client(
        _ name: String, _ message: UpperLayer, from source: IPv4Address = .any, to destination: IPv4Address = .broadcast,
        mac: MACAddress = .broadcast
    ) -> Attack {
        Attack(
            name, "F4", .dhcp4Client, from: .www, [.ethernet(from: a.mac, to: mac, .ipv4(from: source, to: destination, message))],
            .arrives(at: .outside))
    }

    private static let clients: [Attack] = [
        Attack(
            "dhcp-starvation", "F4", .dhcp4Client, from: .www,
            (0..<32).map {
                .ethernet(
                    from: a.mac, to: .broadcast,
                    .ipv4(from: .any, to: .broadcast, .dhcpv4(clientMAC: MACAddress(0x06, 0, 0, 0, 1, $0), transaction: UInt32($0))))
            }, .arrives(at: .outside)),
        client("dhcp-discover-for-another", .dhcpv4(clientMAC: victim.mac)),
        client(
            "dhcp-release-of-anothers-lease", .dhcpv4(clientMAC: victim.mac, messageType: 7, clientAddress: victim.ip4), from: a.ip4,
            to: outside.ip4, mac: outside.mac),
        client("dhcp-with-anothers-address", .dhcpv4(clientMAC: a.mac, messageType: 3, clientAddress: victim.ip4)),
        client("dhcp-as-a-relay", .dhcpv4(clientMAC: a.mac, relayAddress: a.ip4)),
        client("dhcp-answer-from-the-clients-port", .dhcpv4(2, clientMAC: a.mac, from: 68, to: 67)),
        client("dhcp-of-another-hardware", .dhcpv4(clientMAC: a.mac, hardwareType: 6)),
        client("dhcp-with-a-longer-address", .dhcpv4(clientMAC: a.mac, hardwareLength: 16)),
        client("dhcp-from-nowhere-to-one", .dhcpv4(clientMAC: a.mac), to: outside.ip4, mac: outside.mac),
        client("dhcp-without-bootp", .udp(from: 68, to: 67, payload: [1, 1, 6, 0])),
        Attack(
            "dhcp-in-fragments", "F4", .dhcp4Client, from: .www,
            [
                .ethernet(
                    from: a.mac, to: .broadcast, .ipv4(from: .any, to: .broadcast, .dhcpv4(clientMAC: a.mac), moreFragments: true))
            ], .arrives(at: .outside)),
    ]

    private static let offer = UpperLayer.dhcpv4(2, clientMAC: victim.mac, messageType: 2, yourAddress: Stage.nobody4, serverAddress: a.ip4)

    private static let servers: [Attack] = [
        Attack(
            "dhcp-offer", "F5", .dhcp4Server, from: .www,
            [.ethernet(from: a.mac, to: .broadcast, .ipv4(from: a.ip4, to: .broadcast, offer))], .arrives(at: .mail)),
        Attack(
            "dhcp-refusal", "F5", .dhcp4Server, from: .www,
            [a.ip4(to: victim, .dhcpv4(2, clientMAC: victim.mac, messageType: 6))], .arrives(at: .mail)),
        Attack(
            "dhcp-offer-from-another-port", "F5", .dhcp4Server, from: .www,
            [a.ip4(to: victim, .dhcpv4(2, clientMAC: victim.mac, messageType: 2, from: 6767))], .arrives(at: .mail)),
        Attack(
            "udp-from-the-servers-port", "F5", .dhcp4Server, from: .www, [a.ip4(to: victim, .udp(from: 67, to: 9))], .arrives(at: .mail)),
        Attack(
            "dhcp-as-a-relay-from-another-port", "F5", .dhcp4Server, from: .www,
            [a.ip4(to: outside, .dhcpv4(clientMAC: victim.mac, relayAddress: a.ip4, from: 6767))], .arrives(at: .outside)),
    ]
}
