import Addresses
import Packets
import Policy
import Testing

/// Section 4 of policy.md, DHCP apart.
@Suite struct IPv4RuleTests {
    var site = Site()

    @Test mutating func `F1: version and lengths are right`() {
        #expect(site.fromAlice(Frame.alice4(syn).padded(to: 60)) == nil)
        let packet = NetworkPacket.ipv4(from: Alice.ip4, to: far4, udp, version: 6)
        #expect(site.fromAlice(.alice(packet)) == .ip4Malformed)
        #expect(site.fromAlice(.alice(.ipv4(from: Alice.ip4, to: far4, udp, headerLength: 16))) == .ip4Malformed)
        #expect(site.fromAlice(.alice(.ipv4(from: Alice.ip4, to: far4, udp, headerLength: 60))) == .ip4Malformed)
        let present = UInt16(20 + udp.bytes.count)
        #expect(site.fromAlice(.alice(.ipv4(from: Alice.ip4, to: far4, udp, totalLength: present))) == nil)
        #expect(site.fromAlice(.alice(.ipv4(from: Alice.ip4, to: far4, udp, totalLength: present + 1))) == .ip4Malformed)
        #expect(site.fromAlice(.alice(.ipv4(from: Alice.ip4, to: far4, udp, totalLength: 20))) == nil)
        #expect(site.fromAlice(.alice(.ipv4(from: Alice.ip4, to: far4, udp, totalLength: 19))) == .ip4Malformed)
        #expect(site.fromAlice(.alice(.ipv4(from: Alice.ip4, to: far4, udp, totalLength: 0))) == .ip4Malformed)
    }

    @Test mutating func `F1: a total length of 0 is a super-packet's of more than 65535 bytes`() {
        func frame(_ bytes: Int, offload: Bool) -> Frame {
            var frame = Frame.alice4(.tcp(from: 1, to: 2, payload: [UInt8](repeating: 0, count: bytes - 40))).replacing(at: 16, with: [0, 0])
            frame.isSegmentationOffload = offload
            return frame
        }
        #expect(site.fromAlice(frame(65_536, offload: true)) == nil)
        #expect(site.fromAlice(frame(65_535, offload: true)) == .ip4Malformed)
        #expect(site.fromAlice(frame(65_536, offload: false)) == .ip4Malformed)
    }

    @Test mutating func `F2: only her own addresses`() {
        for source in [Bob.ip4, Gateway.ip4, Host.ip4, far4, .any, .broadcast, ip4("127.0.0.1"), ip4("192.0.2.8")] {
            #expect(site.fromAlice(.alice4(syn, from: source)) == .ip4Source)
            #expect(site.fromAlice(.alice4(syn, from: source, fragmentOffset: 100)) == .ip4Source)
        }
    }

    @Test mutating func `F2: IGMP to a group may come from nowhere`() {
        let report = UpperLayer.igmpReportV3(groups: [ip4("239.1.2.3")])
        let group = ip4("224.0.0.22")
        #expect(site.fromAlice(.alice4(report, from: .any, to: group, mac: group.multicastMAC)) == nil)
        #expect(site.fromAlice(.alice4(report, from: .any, to: far4)) == .ip4Source)
        #expect(site.fromAlice(.alice4(report, from: .any, to: ip4("240.0.0.1"))) == .ip4Source)
        #expect(site.fromAlice(.alice4(udp, from: .any, to: group)) == .ip4Source)
    }

    @Test func `F2: transit passes others' packets, but nobody's from here`() {
        var site = Site { $0.roles = .transit }
        for source in [far4, ip4("1.0.0.0"), ip4("126.255.255.255"), ip4("128.0.0.0"), ip4("223.255.255.255"), ip4("192.0.2.99"), Alice.ip4] {
            #expect(site.fromAlice(.alice4(syn, from: source)) == nil, "\(source)")
        }
        let never = [
            Bob.ip4, ip4("198.51.100.7"), Carol.ip4, Gateway.ip4, Host.ip4, ip4("203.0.113.5"), .any, ip4("0.1.2.3"), ip4("127.0.0.1"),
            ip4("224.0.0.1"), ip4("240.0.0.1"), .broadcast,
        ]
        for source in never { #expect(site.fromAlice(.alice4(syn, from: source)) == .ip4Source, "\(source)") }
    }

    @Test mutating func `F3: no source route, strict or loose`() {
        #expect(site.fromAlice(.alice4(udp, options: [148, 4, 0, 0])) == nil)
        #expect(site.fromAlice(.alice4(udp, options: [1, 1, 7, 7, 4, 0, 0, 0, 0])) == nil)
        #expect(site.fromAlice(.alice4(udp, options: [131, 7, 4, 1, 2, 3, 4])) == .ip4SourceRoute)
        #expect(site.fromAlice(.alice4(udp, options: [137, 3, 4])) == .ip4SourceRoute)
        #expect(site.fromAlice(.alice4(udp, options: [148, 4, 0, 0, 1, 1, 1, 131])) == .ip4SourceRoute)
    }

    @Test mutating func `F3: options that can't be walked`() {
        #expect(site.fromAlice(.alice4(udp, options: [7, 0, 0, 0])) == .ip4SourceRoute)
        #expect(site.fromAlice(.alice4(udp, options: [7, 1, 0, 0])) == .ip4SourceRoute)
        #expect(site.fromAlice(.alice4(udp, options: [7, 5, 0, 0])) == .ip4SourceRoute)
        #expect(site.fromAlice(.alice4(udp, options: [1, 1, 1, 7])) == .ip4SourceRoute)
        #expect(site.fromAlice(.alice4(udp, options: [7, 4, 0, 0])) == nil)
    }

    @Test mutating func `F3: what follows the end of the options is nothing`() {
        #expect(site.fromAlice(.alice4(udp, options: [0, 131, 3, 4])) == nil)
        #expect(site.fromAlice(.alice4(udp, options: [1, 0, 7, 0])) == nil)
    }

    @Test mutating func `F5: no DHCP server, by either port`() {
        #expect(site.fromAlice(.alice4(.udp(from: 67, to: 50_000))) == .dhcp4Server)
        #expect(site.fromAlice(.alice4(.udp(from: 50_000, to: 68))) == .dhcp4Server)
        #expect(site.fromAlice(.alice4(.udp(from: 67, to: 68), moreFragments: true)) == .dhcp4Server)
        #expect(site.fromAlice(.alice4(.tcp(from: 67, to: 68))) == nil)
        for offset in [2, 100, 0x1000, 0x1fff] as [UInt16] {
            #expect(site.fromAlice(.alice4(.udp(from: 67, to: 68), fragmentOffset: offset)) == nil)
        }
        var server = Site { $0.roles = .dhcp4Server }
        #expect(server.fromAlice(.alice4(.udp(from: 67, to: 68))) == nil)
    }

    @Test mutating func `F5: no relay either: to a server's port from a client's alone`() {
        let relayed = UpperLayer.dhcpv4(clientMAC: Bob.mac, relayAddress: Alice.ip4, from: 50_000, to: 67)
        #expect(site.fromAlice(.alice4(relayed)) == .dhcp4Server)
        #expect(site.fromAlice(.alice4(.udp(from: 69, to: 67), moreFragments: true)) == .dhcp4Server)
        #expect(site.fromAlice(.alice4(.dhcpv4(clientMAC: Alice.mac, messageType: 3, clientAddress: Alice.ip4))) == nil)
        #expect(site.fromAlice(.alice4(.udp(from: 68, to: 9))) == nil)
        #expect(site.fromAlice(.alice4(.tcp(from: 50_000, to: 67))) == nil)
        var server = Site { $0.roles = .dhcp4Server }
        #expect(server.fromAlice(.alice4(relayed)) == nil)
    }

    @Test mutating func `F5: ports are read within the total length alone`() {
        let packet = NetworkPacket.ipv4(from: Alice.ip4, to: far4, .udp(from: 67, to: 68), totalLength: 27)
        #expect(site.fromAlice(.alice(packet)) == nil)
        #expect(site.fromAlice(.alice(.ipv4(from: Alice.ip4, to: far4, .udp(from: 67, to: 68), totalLength: 28))) == .dhcp4Server)
    }

    @Test mutating func `F6: no fragments that hide ports or flags`() {
        #expect(site.fromAlice(.alice4(.raw(.tcp, [1, 2, 3, 4, 5, 6, 7]), moreFragments: true)) == .ip4TinyFragment)
        #expect(site.fromAlice(.alice4(.raw(.tcp, [1, 2, 3, 4, 5, 6, 7, 8]), moreFragments: true)) == nil)
        #expect(site.fromAlice(.alice4(.raw(.tcp, [1, 2, 3, 4, 5, 6, 7]))) == nil)
        #expect(site.fromAlice(.alice4(syn, fragmentOffset: 1)) == .ip4TinyFragment)
        #expect(site.fromAlice(.alice4(.udp(from: 67, to: 68), fragmentOffset: 1)) == .ip4TinyFragment)
        #expect(site.fromAlice(.alice4(udp, fragmentOffset: 1, moreFragments: true)) == .ip4TinyFragment)
        #expect(site.fromAlice(.alice4(.raw(.tcp, [1]), fragmentOffset: 2, moreFragments: true)) == nil)
    }

    @Test(arguments: [5, 9, 18] as [UInt8])
    mutating func `F7: no router's ICMP without the role`(type: UInt8) {
        #expect(site.fromAlice(.alice4(.icmp(type))) == .icmp4Router)
        #expect(site.fromAlice(.alice4(.raw(.icmp, [type]))) == .icmp4Router)
        #expect(site.fromAlice(.alice4(.icmp(type), fragmentOffset: 2)) == nil)
        #expect(site.fromAlice(.alice4(.raw(.udp, [type]))) == nil)
        var router = Site { $0.roles = .router }
        #expect(router.fromAlice(.alice4(.icmp(type))) == nil)
    }

    @Test mutating func `F7: all other ICMP passes`() {
        for type in UInt8.min...UInt8.max where ![5, 9, 18].contains(type) {
            #expect(site.fromAlice(.alice4(.icmp(type))) == nil)
        }
        #expect(site.fromAlice(.alice4(.raw(.icmp))) == nil)
    }

    @Test(arguments: [0x11, 0x30, 0x32] as [UInt8])
    mutating func `F8: no multicast querier or router without the role`(type: UInt8) {
        let group = ip4("224.0.0.1")
        #expect(site.fromAlice(.alice4(.igmp(type, group: .any), to: group)) == .multicastQuery)
        #expect(site.fromAlice(.alice4(.igmp(type, group: .any), from: .any, to: group)) == .multicastQuery)
        #expect(site.fromAlice(.alice4(.igmp(0x16, group: group), to: group)) == nil)
        #expect(site.fromAlice(.alice4(.igmp(0x31, group: group), to: group)) == nil)
        var querier = Site { $0.roles = .multicastQuerier }
        #expect(querier.fromAlice(.alice4(.igmp(type, group: .any), to: group)) == nil)
    }

    @Test mutating func `the first rule that fails is the reason`() {
        // Each breaks the rule that is expected and the one after it too.
        let route: [UInt8] = [131, 7, 4, 1, 2, 3, 4]
        #expect(site.fromAlice(.alice(.ipv4(from: Bob.ip4, to: far4, syn, version: 5))) == .ip4Malformed)
        #expect(site.fromAlice(.alice4(.icmp(5), from: Bob.ip4, options: route)) == .ip4Source)
        #expect(site.fromAlice(.alice4(.udp(from: 68, to: 67), options: route)) == .ip4SourceRoute)
        #expect(site.fromAlice(.alice4(.icmp(5), fragmentOffset: 1)) == .ip4TinyFragment)
        #expect(site.fromAlice(.alice4(.raw(.icmp, [5]), moreFragments: true)) == .ip4TinyFragment)
    }
}
