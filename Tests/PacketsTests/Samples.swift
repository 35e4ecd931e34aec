import Addresses
import Packets

/// One frame of every kind that can be composed, with addresses for documentation.
enum Samples {
    static let guest = MACAddress(0x00, 0x16, 0x3e, 0x38, 0xb4, 0xac)
    static let router = MACAddress(0x02, 0, 0, 0, 0, 0x01)
    static let guest4 = IPv4Address(192, 0, 2, 43)
    static let router4 = IPv4Address(192, 0, 2, 1)
    static let guest6 = IPv6Address("2001:db8::60")!
    static let router6 = IPv6Address("2001:db8::1")!
    static let linkLocal = guest.eui64LinkLocal

    static let frames: [Frame] = link + arp + ipv4 + ipv6 + neighbourDiscovery + dhcp

    static let link: [Frame] = [
        .ethernet(from: guest, to: router, .raw(.lldp, [0, 0])),
        .ethernet(from: guest, to: router, tags: [VLANTag(vid: 7)], echo),
        .ethernet(from: guest, to: router, tags: [VLANTag(tpid: .serviceVLAN, vid: 9), VLANTag(vid: 7, pcp: 5, dei: true)], echo),
        .ethernet(from: guest, to: router, tags: [VLANTag(tpid: .oldServiceVLAN, vid: 9)], offloadedTag: VLANTag(vid: 1), echo),
        .llc(from: guest, to: MACAddress(rawValue: 0x0180_c200_0000), destinationSAP: 0x42, sourceSAP: 0x42, payload: [0, 0, 0, 0]),
        .snap(from: guest, to: router, echo),
    ]
    static let echo = NetworkPacket.ipv4(from: guest4, to: router4, .icmp(ICMPMessage.echoRequest, rest: [0, 1, 0, 1, 0x61]))

    static let arp: [Frame] = [
        .ethernet(
            from: guest, to: .broadcast, minimumLength: 60,
            .arp(.request, sender: .init(mac: guest, ip: guest4), target: .init(mac: .zero, ip: router4))),
        .ethernet(from: guest, to: router, .arp(.reply, sender: .init(mac: guest, ip: guest4), target: .init(mac: router, ip: router4))),
        .ethernet(
            from: guest, to: .broadcast,
            .arp(.reverseRequest, sender: .init(mac: guest, ip: .any), target: .init(mac: guest, ip: .any), etherType: .rarp)),
    ]

    static let ipv4: [Frame] = [
        UpperLayer.udp(from: 1000, to: 53, payload: [1, 2, 3]), .tcp(from: 1000, to: 443),
        .igmp(IGMPMessage.reportV2, group: IPv4Address(239, 1, 2, 3)),
        .igmpReportV3(groups: [IPv4Address(239, 1, 2, 3), IPv4Address(239, 1, 2, 4)]), .icmp(ICMPMessage.redirect), .raw(.gre, [1, 2, 3, 4]),
    ].map { .ethernet(from: guest, to: router, .ipv4(from: guest4, to: router4, $0, options: [1, 131, 7, 4, 192, 0, 2, 9])) }

    static let ipv6: [Frame] = [
        [], [.hopByHop()], [.routerAlert, .destinationOptions(options: [1, 0])], [.routing(type: 2, segmentsLeft: 1, data: router6.bytes)],
        [.authentication()], [.fragment(offset: 0, moreFragments: true)], [.fragment(offset: 185)], [.hopByHop(), .fragment(), .routing(type: 0)],
    ].flatMap { (headers: [ExtensionHeader]) in
        [
            UpperLayer.udp(from: 1000, to: 53, payload: [1, 2, 3, 4]), .tcp(from: 1000, to: 443), .mldReportV2(groups: [.allRouters]),
            .raw(.noNextHeader),
        ].map {
            .ethernet(from: guest, to: router, .ipv6(from: guest6, to: router6, extensionHeaders: headers, $0))
        }
    }

    static let neighbourDiscovery: [Frame] = [
        UpperLayer.neighbourSolicitation(target: router6, options: [.sourceLinkLayer(guest)]),
        .neighbourAdvertisement(target: guest6, options: [.targetLinkLayer(guest), .option(.nonce, [1, 2, 3, 4, 5, 6])]),
        .routerSolicitation(options: [.sourceLinkLayer(guest)]),
        .routerAdvertisement(options: [.sourceLinkLayer(guest), .prefixInformation(IPv6Prefix("2001:db8::/64")!)]),
        .redirect(target: router6, destination: IPv6Address("2001:db8:1::1")!, options: [.targetLinkLayer(router)]),
        .mldQuery(), .mldQuery(version: 2), .mldReport(group: .allRouters), .mldDone(group: .allRouters),
    ].map { .ethernet(from: guest, to: IPv6Address.allNodes.multicastMAC, .ipv6(from: linkLocal, to: .allNodes, $0)) }

    static let dhcp: [Frame] = [
        .ethernet(
            from: guest, to: .broadcast,
            .ipv4(from: .any, to: .broadcast, .dhcpv4(clientMAC: guest, options: [.init(code: 50, data: Bytes(guest4.bytes))]))),
        .ethernet(
            from: router, to: guest, .ipv4(from: router4, to: guest4, .dhcpv4(2, clientMAC: guest, messageType: 5, yourAddress: guest4))),
        .ethernet(
            from: guest, to: router,
            .ipv6(from: linkLocal, to: IPv6Address("ff02::1:2")!, .dhcpv6(DHCPv6Message.solicit, options: [.init(code: 8, data: Bytes([0, 0]))]))),
        .ethernet(
            from: router, to: guest,
            .ipv4(
                from: router4, to: guest4,
                .dhcpv4(2, clientMAC: guest, messageType: nil, yourAddress: guest4, options: [.init(code: 52, data: Bytes([3]))]))),
        .ethernet(
            from: router, to: guest,
            .ipv6(
                from: router.eui64LinkLocal, to: linkLocal,
                .dhcpv6(
                    DHCPv6Message.reply,
                    options: [
                        .client([0, 3, 0, 1]), .server([0, 3, 0, 2]), .addresses([guest6], status: 0), .addresses([guest6], isTemporary: true),
                        .delegation([IPv6Prefix("2001:db8:1::/56")!]), .rapid,
                    ], from: 547, to: 546))),
    ]
}
