import Addresses
import Packets

/// What the guests of Inputs/policy.yaml send.
enum Frames {
    static let www = MACAddress(0x00, 0x16, 0x3e, 0x38, 0xb4, 0xac)
    static let mail = MACAddress(0x00, 0x16, 0x3e, 0x38, 0xb4, 0xad)
    static let gateway = MACAddress(0x02, 0, 0, 0, 0, 0x01)
    static let www4 = IPv4Address(192, 0, 2, 43)
    static let mail4 = IPv4Address(192, 0, 2, 44)
    static let gateway4 = IPv4Address(192, 0, 2, 1)
    static let gateway6 = IPv6Address("2001:db8::1")!
    static let linkLocal = IPv6Address("fe80::5054:1234:5678:9abc")!

    static func arp(_ mac: MACAddress, _ sender: IPv4Address, target: IPv4Address = gateway4) -> Frame {
        .ethernet(from: mac, to: .broadcast, .arp(.request, sender: .init(mac: mac, ip: sender), target: .init(mac: .zero, ip: target)))
    }

    static func solicitation(from address: IPv6Address) -> Frame {
        let group = gateway6.solicitedNodeGroup
        return .ethernet(
            from: www, to: group.multicastMAC,
            .ipv6(from: address, to: group, .neighbourSolicitation(target: gateway6, options: [.sourceLinkLayer(www)])))
    }

    static let advertisement = Frame.ethernet(
        from: www, to: IPv6Address.allNodes.multicastMAC,
        .ipv6(from: www.eui64LinkLocal, to: .allNodes, .routerAdvertisement(options: [.sourceLinkLayer(www)])))

    /// One second apart, from 2026-03-01 12:00:00 UTC on.
    static func capture(_ frames: [Frame]) -> [UInt8] {
        let start: UInt64 = 1_772_366_400_000_000_000
        return CaptureFile(
            packets: frames.enumerated().map { .init(timestamp: start + UInt64($0) * 1_000_000_000, bytes: $1.bytes) }
        ).pcap()
    }

    /// A guest that asks, lies about its address, claims one, and plays the router.
    static let story = capture([
        arp(www, www4), arp(www, mail4), arp(mail, www4), solicitation(from: linkLocal), solicitation(from: linkLocal), advertisement,
        .ethernet(from: www, to: gateway, .ipv4(from: www4, to: gateway4, .udp(from: 40000, to: 53, payload: [1, 2, 3]))),
        .ethernet(from: www, to: gateway, .ipv4(from: mail4, to: gateway4, .udp(from: 40000, to: 53, payload: [1, 2, 3]))),
    ])
}
