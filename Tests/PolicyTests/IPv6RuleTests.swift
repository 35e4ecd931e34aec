import Addresses
import Packets
import Policy
import Testing

/// Section 5 of policy.md, neighbour discovery apart.
@Suite struct IPv6RuleTests {
    var site = Site()

    @Test mutating func `S1: version and payload length are right`() {
        let present = UInt16(udp.bytes.count)
        #expect(site.fromAlice(Frame.alice6(udp).padded(to: 100)) == nil)
        #expect(site.fromAlice(.alice(.ipv6(from: Alice.ip6, to: far6, udp, version: 4))) == .ip6Malformed)
        #expect(site.fromAlice(.alice(.ipv6(from: Alice.ip6, to: far6, udp, payloadLength: present))) == nil)
        #expect(site.fromAlice(.alice(.ipv6(from: Alice.ip6, to: far6, udp, payloadLength: present + 1))) == .ip6Malformed)
        #expect(site.fromAlice(.alice(.ipv6(from: Alice.ip6, to: far6, udp, payloadLength: 0))) == nil)
    }

    @Test mutating func `S1: a jumbogram is none, but a super-packet is one`() {
        func frame(_ payload: Int, offload: Bool) -> Frame {
            let jumbo = ExtensionHeader.hopByHop(options: [0xc2, 4, 0, 1, 0, 0])
            let upper = UpperLayer.tcp(from: 1, to: 2, payload: [UInt8](repeating: 0, count: payload - 28))
            var frame = Frame.alice6(upper, headers: [jumbo]).replacing(at: 18, with: [0, 0])
            frame.isSegmentationOffload = offload
            return frame
        }
        #expect(site.fromAlice(frame(65_536, offload: true)) == nil)
        #expect(site.fromAlice(frame(65_535, offload: true)) == .ip6Malformed)
        #expect(site.fromAlice(frame(65_536, offload: false)) == .ip6Malformed)
    }

    @Test mutating func `S1: nothing is read beyond the payload length`() {
        var packet = NetworkPacket.ipv6(from: Alice.ip6, to: far6, .udp(from: 547, to: 546), payloadLength: 7)
        #expect(site.fromAlice(.alice(packet)) == nil)
        packet = .ipv6(from: Alice.ip6, to: far6, .udp(from: 547, to: 546), payloadLength: 8)
        #expect(site.fromAlice(.alice(packet)) == .dhcp6Server)
        packet = .ipv6(from: Alice.ip6, to: .allNodes, .routerAdvertisement(), payloadLength: 0)
        #expect(site.fromAlice(.alice(packet)) == nil)
        packet = .ipv6(from: Alice.ip6, to: .allNodes, .routerAdvertisement(), payloadLength: 1)
        #expect(site.fromAlice(.alice(packet)) == .ndMalformed)
    }

    @Test mutating func `S2: only her own addresses`() {
        #expect(site.fromAlice(.alice6(syn, from: Alice.linkLocal)) == nil)
        let others = [Bob.ip6, Gateway.ip6, far6, .unspecified, .loopback, .allNodes, ip6("fe80:0:0:1::1"), ip6("2001:db8::1:10"), ip6("fec0::10")]
        for source in others { #expect(site.fromAlice(.alice6(syn, from: source)) == .ip6Source, "\(source)") }
    }

    @Test mutating func `S2: hosts without an address solicit and report`() {
        let solicitation = UpperLayer.neighbourSolicitation(target: Alice.ip6)
        #expect(site.fromAlice(.alice6(solicitation, from: .unspecified, to: Alice.ip6.solicitedNodeGroup)) == nil)
        #expect(site.fromAlice(.alice6(.routerSolicitation(), from: .unspecified, to: .allRouters)) == nil)
        let told = UpperLayer.routerSolicitation(options: [.sourceLinkLayer(Alice.mac)])
        #expect(site.fromAlice(.alice6(told, from: .unspecified, to: .allRouters)) == .ip6Source)
        let group = ip6("ff02::1:ff00:10")
        let reports: [UpperLayer] = [.mldReport(group: group), .mldDone(group: group), .mldReportV2(groups: [group])]
        for report in reports {
            #expect(site.fromAlice(.alice6(report, from: .unspecified, to: ip6("ff02::16"), headers: [.routerAlert])) == nil)
            #expect(site.fromAlice(.alice6(report, from: .unspecified, to: ip6("ff05::16"), headers: [.routerAlert])) == .ip6Source)
            #expect(site.fromAlice(.alice6(report, from: .unspecified, to: far6, headers: [.routerAlert])) == .ip6Source)
        }
        #expect(site.fromAlice(.alice6(.mldQuery(), from: .unspecified, to: .allNodes)) == .ip6Source)
        #expect(site.fromAlice(.alice6(.neighbourAdvertisement(target: Alice.ip6), from: .unspecified, to: .allNodes)) == .ip6Source)
        #expect(site.fromAlice(.alice6(.routerAdvertisement(), from: .unspecified, to: .allNodes)) == .ip6Source)
    }

    @Test mutating func `S2: what comes from nowhere must be seen to be so`() {
        let report = UpperLayer.mldReportV2(groups: [])
        let broken = ExtensionHeader(.destinationOptions, bytes: [0, 31, 0, 0, 0, 0, 0, 0])
        #expect(site.fromAlice(.alice6(report, from: .unspecified, to: ip6("ff02::16"), headers: [broken])) == .ip6Source)
        #expect(site.fromAlice(.alice6(report, from: .unspecified, to: ip6("ff02::16"), headers: [.fragment(offset: 3)])) == .ip6Source)
        #expect(site.fromAlice(.alice6(report, from: .unspecified, to: ip6("ff02::16"), headers: [.fragment(moreFragments: true)])) == nil)
        let tiny = UpperLayer.raw(.icmpv6, [143, 0, 0, 0])
        #expect(site.fromAlice(.alice6(tiny, from: .unspecified, to: ip6("ff02::16"), headers: [.fragment()])) == .ip6Source)
        #expect(site.fromAlice(.alice6(tiny, from: .unspecified, to: ip6("ff02::16"))) == nil)
        // An option that isn't whole tells no address.
        let hollow = UpperLayer.routerSolicitation(options: [.raw([1, 0] + Alice.mac.bytes)])
        #expect(site.fromAlice(.alice6(hollow, from: .unspecified, to: .allRouters)) == .ndMalformed)
        let solicitation = UpperLayer.neighbourSolicitation(target: Alice.ip6)
        #expect(
            site.fromAlice(.alice6(solicitation, from: .unspecified, to: Alice.ip6.solicitedNodeGroup, headers: [.destinationOptions()]))
                == .ndMalformed)
    }

    @Test func `S2: transit passes others' packets, but nobody's from here and no ND`() {
        var site = Site {
            $0.roles = .transit; $0.addresses6.append(IPv6Prefix("2001:db8:a::/48")!)
        }
        for source in [far6, ip6("2001:db8::99"), ip6("2001:db8:a::7"), ip6("::2"), ip6("fec0::1")] {
            #expect(site.fromAlice(.alice6(syn, from: source)) == nil, "\(source)")
        }
        let never = [
            Bob.ip6, ip6("2001:db8:b:1::7"), Carol.ip6, Gateway.ip6, .unspecified, .loopback, ip6("fe80:0:0:1::1"), ip6("febf::1"), .allNodes,
            ip6("ff0e::1"),
        ]
        for source in never { #expect(site.fromAlice(.alice6(syn, from: source)) == .ip6Source, "\(source)") }
        #expect(site.fromAlice(.alice6(.routerSolicitation(), from: far6, to: .allRouters)) == .ip6Source)
        #expect(site.fromAlice(.alice6(.neighbourSolicitation(target: Gateway.ip6), from: far6, to: Gateway.ip6)) == .ip6Source)
        #expect(site.fromAlice(.alice6(.icmpv6(.init(rawValue: 128)), from: far6)) == nil)
        #expect(site.fromAlice(.alice6(.raw(.icmpv6, [135, 0, 0, 0]), from: far6, headers: [.fragment()])) == .ip6Fragment)
    }

    @Test mutating func `S3: sound chains pass`() {
        let chains: [[ExtensionHeader]] = [
            [.hopByHop()], [.hopByHop(), .destinationOptions(), .routing(type: 4), .destinationOptions()], [.authentication()],
            [.authentication(check: [1, 2, 3, 4])], [.destinationOptions(), .fragment(moreFragments: true)],
            Array(repeating: .destinationOptions(), count: 8),
        ]
        for headers in chains { #expect(site.fromAlice(.alice6(udp, headers: headers)) == nil) }
    }

    @Test mutating func `S3: hop-by-hop only first`() {
        #expect(site.fromAlice(.alice6(udp, headers: [.destinationOptions(), .hopByHop()])) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(udp, headers: [.hopByHop(), .hopByHop()])) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(udp, headers: [.fragment(moreFragments: true), .hopByHop()])) == .ip6HeaderChain)
    }

    @Test mutating func `S3: no routing header of type 0`() {
        #expect(site.fromAlice(.alice6(udp, headers: [.routing(type: 0)])) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(udp, headers: [.fragment(moreFragments: true), .routing(type: 0)])) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(udp, headers: [.routing(type: 2)])) == nil)
    }

    @Test mutating func `S3: at most one fragment header`() {
        #expect(site.fromAlice(.alice6(udp, headers: [.fragment(), .fragment(moreFragments: true)])) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(udp, headers: [.fragment(), .destinationOptions(), .fragment()])) == .ip6HeaderChain)
    }

    @Test mutating func `S3: at most eight headers`() {
        #expect(site.fromAlice(.alice6(udp, headers: Array(repeating: .destinationOptions(), count: 9))) == .ip6HeaderChain)
        let behindFragment = [ExtensionHeader.fragment()] + Array(repeating: .destinationOptions(), count: 8)
        #expect(site.fromAlice(.alice6(udp, headers: behindFragment)) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(udp, headers: behindFragment.dropLast())) == nil)
    }

    @Test mutating func `S3: at most 512 bytes`() {
        let half = ExtensionHeader(.destinationOptions, bytes: [0, 31] + [UInt8](repeating: 0, count: 254))
        #expect(site.fromAlice(.alice6(udp, headers: [half, half])) == nil)
        #expect(site.fromAlice(.alice6(udp, headers: [half, half, .destinationOptions()])) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(udp, headers: [.fragment(), half, half])) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(udp, headers: [half, .authentication(check: [UInt8](repeating: 0, count: 244))])) == nil)
        #expect(site.fromAlice(.alice6(udp, headers: [half, .authentication(check: [UInt8](repeating: 0, count: 248))])) == .ip6HeaderChain)
    }

    @Test mutating func `S3: each header whole before the payload's end`() {
        let long = ExtensionHeader(.destinationOptions, bytes: [0, 2, 0, 0, 0, 0, 0, 0])
        #expect(site.fromAlice(.alice6(.raw(.udp, [UInt8](repeating: 0, count: 15)), headers: [long])) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(.raw(.udp, [UInt8](repeating: 0, count: 16)), headers: [long])) == nil)
        for length in 0..<8 {
            let packet = NetworkPacket.ipv6(
                from: Alice.ip6, to: far6, .raw(.destinationOptions, [17] + [UInt8](repeating: 0, count: 7)), payloadLength: UInt16(length))
            #expect(site.fromAlice(.alice(packet)) == .ip6HeaderChain)
            let authenticated = NetworkPacket.ipv6(
                from: Alice.ip6, to: far6, .raw(.authentication, [17] + [UInt8](repeating: 0, count: 7)), payloadLength: UInt16(length))
            #expect(site.fromAlice(.alice(authenticated)) == .ip6HeaderChain)
            let fragment = NetworkPacket.ipv6(from: Alice.ip6, to: far6, .raw(.fragment, [17, 0, 0, 8, 0, 0, 0, 1]), payloadLength: UInt16(length))
            #expect(site.fromAlice(.alice(fragment)) == .ip6HeaderChain)
        }
        #expect(site.fromAlice(.alice6(.raw(.fragment, [17, 0, 0, 8, 0, 0, 0, 1]))) == nil)
        #expect(site.fromAlice(.alice6(.raw(.authentication, [17] + [UInt8](repeating: 0, count: 7)))) == nil)
    }

    @Test mutating func `S4: a first fragment holds all headers and 8 bytes behind them`() {
        let seven = UpperLayer.raw(.tcp, [UInt8](repeating: 0, count: 7))
        let eight = UpperLayer.raw(.tcp, [UInt8](repeating: 0, count: 8))
        for isAtomic in [true, false] {
            let fragment = ExtensionHeader.fragment(moreFragments: !isAtomic)
            #expect(site.fromAlice(.alice6(seven, headers: [fragment])) == .ip6Fragment)
            #expect(site.fromAlice(.alice6(eight, headers: [fragment])) == nil)
            #expect(site.fromAlice(.alice6(seven, headers: [fragment, .destinationOptions()])) == .ip6Fragment)
            #expect(site.fromAlice(.alice6(eight, headers: [fragment, .destinationOptions()])) == nil)
            let long = ExtensionHeader(.destinationOptions, bytes: [0, 9, 0, 0, 0, 0, 0, 0])
            #expect(site.fromAlice(.alice6(eight, headers: [fragment, long])) == .ip6Fragment)
        }
        #expect(site.fromAlice(.alice6(seven, headers: [.destinationOptions()])) == nil)
    }

    @Test mutating func `S4: a later fragment's next header is not an extension header`() {
        for next in [0, 43, 44, 51, 60] as [UInt8] {
            let header = ExtensionHeader(.fragment, bytes: [0, 0, 0, 8, 0, 0, 0, 1], nextHeader: .init(rawValue: next))
            #expect(site.fromAlice(.alice6(udp, headers: [header])) == .ip6Fragment)
        }
        #expect(site.fromAlice(.alice6(.raw(.tcp, [1]), headers: [.fragment(offset: 1)])) == nil)
        // What it carries isn't what its first bytes look like.
        #expect(site.fromAlice(.alice6(.udp(from: 547, to: 546), headers: [.fragment(offset: 1)])) == nil)
        #expect(site.fromAlice(.alice6(.routerAdvertisement(), headers: [.fragment(offset: 1)])) == nil)
    }

    @Test(arguments: [138, 144, 145, 146, 147, 148, 149, 151, 152, 153] as [UInt8])
    mutating func `S10: no router's management`(type: UInt8) {
        #expect(site.fromAlice(.alice6(.icmpv6(.init(rawValue: type)))) == .icmp6Control)
        #expect(site.fromAlice(.alice6(.icmpv6(.init(rawValue: type)), headers: [.destinationOptions()])) == .icmp6Control)
        #expect(site.fromAlice(.alice6(.raw(.icmpv6, [type]))) == .icmp6Control)
        var router = Site { $0.roles = [.router, .multicastQuerier, .transit] }
        #expect(router.fromAlice(.alice6(.icmpv6(.init(rawValue: type)))) == .icmp6Control)
    }

    @Test(arguments: [141, 142] as [UInt8])
    mutating func `S10: no inverse neighbour discovery`(type: UInt8) {
        #expect(site.fromAlice(.alice6(.icmpv6(.init(rawValue: type), hopLimit: 255))) == .icmp6Control)
        #expect(site.fromAlice(.alice6(.icmpv6(.init(rawValue: type), hopLimit: 64))) == .ndMalformed)
    }

    @Test mutating func `S10: all other ICMPv6 passes`() {
        let ruled: [UInt8] = [130, 133, 134, 135, 136, 137, 138, 141, 142, 144, 145, 146, 147, 148, 149, 151, 152, 153]
        for type in UInt8.min...UInt8.max where !ruled.contains(type) {
            #expect(site.fromAlice(.alice6(.icmpv6(.init(rawValue: type)))) == nil, "\(type)")
        }
        #expect(site.fromAlice(.alice6(.raw(.icmpv6))) == nil)
    }

    @Test mutating func `S11: no multicast querier without the role`() {
        let query = Frame.alice6(.mldQuery(), from: Alice.linkLocal, to: .allNodes, headers: [.routerAlert])
        #expect(site.fromAlice(query) == .multicastQuery)
        #expect(site.fromAlice(.alice6(.mldReport(group: .allNodes), from: Alice.linkLocal, to: .allNodes, headers: [.routerAlert])) == nil)
        var querier = Site { $0.roles = .multicastQuerier }
        #expect(querier.fromAlice(query) == nil)
    }

    @Test mutating func `S12: no DHCPv6 server or relay, by either port`() {
        let first = ExtensionHeader.fragment(moreFragments: true)
        #expect(site.fromAlice(.alice6(.udp(from: 547, to: 50_000))) == .dhcp6Server)
        #expect(site.fromAlice(.alice6(.udp(from: 50_000, to: 546))) == .dhcp6Server)
        #expect(site.fromAlice(.alice6(.udp(from: 547, to: 546), headers: [.destinationOptions(), first])) == .dhcp6Server)
        #expect(site.fromAlice(.alice6(.dhcpv6(1), to: ip6("ff02::1:2"))) == nil)
        #expect(site.fromAlice(.alice6(.tcp(from: 547, to: 546))) == nil)
        var server = Site { $0.roles = .dhcp6Server }
        #expect(server.fromAlice(.alice6(.udp(from: 547, to: 546))) == nil)
    }

    @Test mutating func `S12: no relay's message from any port, and none without its type`() {
        let first = ExtensionHeader.fragment(moreFragments: true)
        for type: UInt8 in [12, 13] {
            #expect(site.fromAlice(.alice6(.dhcpv6(type))) == .dhcp6Server)
            #expect(site.fromAlice(.alice6(.dhcpv6(type, from: 50_000), headers: [first])) == .dhcp6Server)
        }
        #expect(site.fromAlice(.alice6(.udp(from: 546, to: 547), headers: [first])) == .dhcp6Server)
        // The type stands behind the payload's end.
        let cut = NetworkPacket.ipv6(from: Alice.ip6, to: far6, .dhcpv6(1), payloadLength: 8)
        #expect(site.fromAlice(.alice(cut)) == .dhcp6Server)
        // A client may send from any port (RFC 8415 7.2).
        for type: UInt8 in [1, 3, 5, 6, 11, 14] { #expect(site.fromAlice(.alice6(.dhcpv6(type, from: 50_000))) == nil) }
        #expect(site.fromAlice(.alice6(.dhcpv6(1), headers: [first])) == nil)
        #expect(site.fromAlice(.alice6(.udp(from: 9, to: 9, payload: [12]))) == nil)
        var server = Site { $0.roles = .dhcp6Server }
        #expect(server.fromAlice(.alice6(.dhcpv6(12))) == nil)
    }

    @Test mutating func `the first rule that fails is the reason`() {
        // Each breaks the rule that is expected and the one after it too.
        #expect(site.fromAlice(.alice(.ipv6(from: Bob.ip6, to: far6, udp, version: 5))) == .ip6Malformed)
        #expect(site.fromAlice(.alice6(udp, from: Bob.ip6, headers: [.routing(type: 0)])) == .ip6Source)
        #expect(site.fromAlice(.alice6(.routerAdvertisement(), headers: [.routing(type: 0)])) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(.routerAdvertisement(), headers: [.fragment(moreFragments: true)])) == .ndMalformed)
        #expect(site.fromAlice(.alice6(.raw(.icmpv6, [134, 0, 0, 0]), headers: [.fragment()])) == .ip6Fragment)
        // A header that breaks several limits: kind, then number, then wholeness, then routing type, then bytes.
        let eight = Array(repeating: ExtensionHeader.destinationOptions(), count: 7) + [.fragment()]
        #expect(site.fromAlice(.alice6(.raw(.destinationOptions, []), headers: eight)) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(.raw(.destinationOptions, []), headers: Array(eight.dropFirst()))) == .ip6Fragment)
        #expect(site.fromAlice(.alice6(.raw(.routing, [17, 9, 0]), headers: [.fragment()])) == .ip6Fragment)
        #expect(site.fromAlice(.alice6(.raw(.hopByHop, []), headers: [.fragment()])) == .ip6HeaderChain)
        #expect(site.fromAlice(.alice6(.raw(.fragment, []), headers: [.fragment()])) == .ip6HeaderChain)
    }
}
