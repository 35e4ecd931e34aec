import Addresses
import Packets
import Policy
import Testing

/// Section 7 of policy.md.
@Suite struct DeliveryRuleTests {
    var site = Site()

    func frame(_ packet: NetworkPacket, to destination: MACAddress = Alice.mac, tags: [VLANTag] = []) -> Frame {
        .ethernet(from: Gateway.mac, to: destination, tags: tags, packet)
    }

    func ipv4(_ destination: IPv4Address, _ upper: UpperLayer = syn) -> Frame { frame(.ipv4(from: far4, to: destination, upper)) }
    func ipv6(_ destination: IPv6Address, _ upper: UpperLayer = syn) -> Frame { frame(.ipv6(from: far6, to: destination, upper)) }

    @Test mutating func `what is for her is delivered`() {
        #expect(site.toAlice(ipv4(Alice.ip4)) == nil)
        #expect(site.toAlice(ipv6(Alice.ip6)) == nil)
        #expect(site.toAlice(frame(.arp(.request, sender: Gateway.party, target: nobody(Alice.ip4)), to: .broadcast)) == nil)
    }

    @Test mutating func `G2: her MAC, broadcast or multicast`() {
        #expect(site.toAlice(frame(.ipv4(from: far4, to: Alice.ip4, syn), to: Bob.mac)) == .notForGuestMAC)
        #expect(site.toAlice(frame(.ipv4(from: far4, to: Alice.ip4, syn), to: .broadcast)) == nil)
        #expect(site.toAlice(frame(.ipv4(from: far4, to: ip4("239.1.2.3"), syn), to: mac("01:00:5e:01:02:03"))) == nil)
        let virtual = mac("00:00:5e:00:01:01")
        var master = Site { $0.virtualRouters = [VirtualRouter(mac: virtual, address: .v4(ip4("192.0.2.100")))] }
        #expect(master.toAlice(frame(.ipv4(from: far4, to: ip4("192.0.2.100"), syn), to: virtual)) == nil)
        #expect(site.toAlice(frame(.ipv4(from: far4, to: Alice.ip4, syn), to: virtual)) == .notForGuestMAC)
    }

    @Test mutating func `G3: nothing of switches, no tags, no strange types, nothing cut short`() {
        #expect(site.toAlice(frame(.raw(.lldp), to: mac("01:80:c2:00:00:0e"))) == .l2Control)
        #expect(site.toAlice(frame(.raw(.lldp), to: mac("01:00:0c:cc:cc:cc"))) == .l2Control)
        #expect(site.toAlice(frame(.ipv4(from: far4, to: Alice.ip4, syn), tags: [VLANTag(vid: 7)])) == .vlanTag)
        #expect(site.toAlice(ipv4(Alice.ip4).offloading(VLANTag(vid: 0))) == .vlanTag)
        #expect(site.toAlice(frame(.raw(.mpls))) == .etherType)
        #expect(site.toAlice(ipv4(Alice.ip4).cut(to: 14 + 19)) == .truncated)
        #expect(site.toAlice(ipv6(Alice.ip6).cut(to: 14 + 39)) == .truncated)
        #expect(site.toAlice(frame(.raw(.arp, [0, 1, 8, 0, 6, 4, 0]))) == .truncated)
        #expect(site.toAlice(Frame(bytes: Alice.mac.bytes)) == .truncated)
        #expect(site.toAlice(ipv4(Alice.ip4).cut(to: 13)) == .truncated)
        let me = ARPPacket.Party(mac: Bob.mac, ip: .any)
        #expect(site.toAlice(.ethernet(from: Bob.mac, to: .broadcast, .arp(.reverseRequest, sender: me, target: me, etherType: .rarp))) == .etherType)
        var roles = Site {
            $0.vlans = [7]
            $0.etherTypes = [EtherType.mpls.rawValue]
        }
        #expect(roles.toAlice(frame(.ipv4(from: far4, to: Alice.ip4, syn), tags: [VLANTag(vid: 7)])) == nil)
        #expect(roles.toAlice(frame(.ipv4(from: far4, to: Bob.ip4, syn), tags: [VLANTag(vid: 7)])) == .notForGuestIP4)
        #expect(roles.toAlice(frame(.ipv4(from: far4, to: Alice.ip4, syn), tags: [VLANTag(vid: 8)])) == .vlanTag)
        #expect(roles.toAlice(frame(.raw(.mpls))) == nil)
    }

    @Test mutating func `G4: her addresses, groups and broadcasts of her subnets`() {
        for destination in [Alice.ip4, ip4("224.0.0.1"), ip4("239.255.255.255"), .broadcast, ip4("192.0.2.255")] {
            #expect(site.toAlice(ipv4(destination)) == nil, "\(destination)")
        }
        for destination in [Bob.ip4, far4, .any, ip4("192.0.2.0"), ip4("198.51.100.255"), ip4("240.0.0.1")] {
            #expect(site.toAlice(ipv4(destination)) == .notForGuestIP4, "\(destination)")
        }
        var transit = Site { $0.roles = .transit }
        #expect(transit.toAlice(ipv4(far4)) == nil)
    }

    @Test func `G4: only broadcasts of subnets that she has an address in`() {
        let subnets = ["192.0.2.0/24", "10.0.0.0/8", "172.16.0.0/30", "192.168.0.0/31"].map { IPv4Prefix($0)! }
        var site = Site(
            alice: { $0.addresses4 = [IPv4Prefix("10.7.0.0/16")!, IPv4Prefix(ip4("192.168.0.0"))] }, bridge: { $0.subnets = subnets })
        #expect(site.toAlice(ipv4(ip4("10.255.255.255"))) == nil)
        #expect(site.toAlice(ipv4(ip4("192.0.2.255"))) == .notForGuestIP4)
        #expect(site.toAlice(ipv4(ip4("172.16.0.3"))) == .notForGuestIP4)
        #expect(site.toAlice(ipv4(ip4("192.168.0.1"))) == .notForGuestIP4)
    }

    @Test mutating func `G4: a DHCP server's answer to her, at whatever address`() {
        func answer(
            _ message: UpperLayer = .dhcpv4(2, clientMAC: Alice.mac, yourAddress: ip4("192.0.2.50")), fragment: Bool = false, length: UInt16? = nil
        ) -> Frame {
            frame(.ipv4(from: Gateway.ip4, to: ip4("192.0.2.50"), message, moreFragments: fragment, totalLength: length))
        }
        #expect(site.toAlice(answer()) == nil)
        #expect(site.toAlice(answer(.dhcpv4(2, clientMAC: Bob.mac))) == .notForGuestIP4)
        #expect(site.toAlice(answer(.dhcpv4(1, clientMAC: Alice.mac, from: 67, to: 68))) == .notForGuestIP4)
        #expect(site.toAlice(answer(.dhcpv4(2, clientMAC: Alice.mac, hardwareType: 6))) == .notForGuestIP4)
        #expect(site.toAlice(answer(.dhcpv4(2, clientMAC: Alice.mac, hardwareLength: 7))) == .notForGuestIP4)
        #expect(site.toAlice(answer(.dhcpv4(2, clientMAC: Alice.mac, from: 67, to: 67))) == .notForGuestIP4)
        #expect(site.toAlice(answer(.dhcpv4(2, clientMAC: Alice.mac, from: 68, to: 68))) == .notForGuestIP4)
        #expect(site.toAlice(answer(fragment: true)) == .notForGuestIP4)
        #expect(site.toAlice(answer().cut(to: 14 + 20 + 8 + 236)) == nil)
        #expect(site.toAlice(answer().cut(to: 14 + 20 + 8 + 235)) == .notForGuestIP4)
        #expect(
            site.toAlice(frame(.ipv4(from: Gateway.ip4, to: Bob.ip4, .raw(.tcp, UpperLayer.dhcpv4(2, clientMAC: Alice.mac).bytes))))
                == .notForGuestIP4)
    }

    @Test mutating func `G5: her addresses, what she could claim, and groups`() {
        for destination in [Alice.ip6, Alice.linkLocal, ip6("fe80::1234:5678:9abc:def0"), .allNodes, ip6("ff05::2")] {
            #expect(site.toAlice(ipv6(destination)) == nil, "\(destination)")
        }
        for destination in [Bob.ip6, far6, Bob.linkLocal, ip6("fe80::1"), ip6("fe80:0:0:1::5"), .unspecified] {
            #expect(site.toAlice(ipv6(destination)) == .notForGuestIP6, "\(destination)")
        }
        var transit = Site { $0.roles = .transit }
        #expect(transit.toAlice(ipv6(far6)) == nil)
        var eui64 = Site { $0.linkLocalMode = .eui64 }
        #expect(eui64.toAlice(ipv6(ip6("fe80::1234:5678:9abc:def0"))) == .notForGuestIP6)
    }

    @Test mutating func `G5: what another guest has claimed is for that guest`() {
        let chosen = ip6("fe80::1234:5678:9abc:def0")
        #expect(site.fromBob(.ethernet(from: Bob.mac, to: Gateway.mac, .ipv6(from: chosen, to: far6, syn))) == nil)
        #expect(site.toAlice(ipv6(chosen)) == .notForGuestIP6)
        #expect(
            site.model.judge(
                .ethernet(from: Gateway.mac, to: Bob.mac, .ipv6(from: far6, to: chosen, syn)), port: Site.bobPort, direction: .toGuest, time: 0
            ).reason == nil)
        #expect(site.model.ports[Site.alicePort]?.claims == [])
    }

    @Test mutating func `G6: ARP is IPv4 over Ethernet`() {
        let honest = frame(.arp(.reply, sender: Gateway.party, target: Alice.party))
        #expect(site.toAlice(honest) == nil)
        for length in 8..<28 { #expect(site.toAlice(honest.cut(to: 14 + length)) == .arpMalformed) }
        #expect(site.toAlice(honest.replacing(at: 19, with: [16])) == .arpMalformed)
        var loud = Site { $0.quiet = false }
        #expect(loud.toAlice(honest.cut(to: 14 + 27)) == .arpMalformed)
    }

    @Test mutating func `G6: quiet keeps requests for others away, but no announcement`() {
        let request = frame(.arp(.request, sender: Gateway.party, target: nobody(Bob.ip4)), to: .broadcast)
        #expect(site.toAlice(request) == .quiet)
        #expect(site.toAlice(frame(.arp(.request, sender: Gateway.party, target: nobody(Gateway.ip4)), to: .broadcast)) == nil)
        #expect(site.toAlice(frame(.arp(.reply, sender: Gateway.party, target: Bob.party), to: .broadcast)) == nil)
        var loud = Site { $0.quiet = false }
        #expect(loud.toAlice(request) == nil)
        var transit = Site { $0.roles = .transit }
        #expect(transit.toAlice(request) == .quiet)
    }

    @Test mutating func `G6: quiet keeps solicitations for others away`() {
        func solicit(_ target: IPv6Address, headers: [ExtensionHeader] = []) -> Frame {
            .ethernet(
                from: Gateway.mac, to: target.solicitedNodeGroup.multicastMAC,
                .ipv6(from: Gateway.ip6, to: target.solicitedNodeGroup, extensionHeaders: headers, .neighbourSolicitation(target: target)))
        }
        for target in [Alice.ip6, Alice.linkLocal, ip6("fe80::1234:5678:9abc:def0")] { #expect(site.toAlice(solicit(target)) == nil) }
        for target in [Bob.ip6, Bob.linkLocal, ip6("fe80::1"), far6] { #expect(site.toAlice(solicit(target)) == .quiet) }
        #expect(site.toAlice(solicit(Bob.ip6).cut(to: 14 + 40 + 24)) == .quiet)
        #expect(site.toAlice(solicit(Bob.ip6).cut(to: 14 + 40 + 23)) == nil)
        #expect(site.toAlice(solicit(Bob.ip6, headers: [.destinationOptions()])) == nil)
        #expect(site.toAlice(frame(.ipv6(from: Gateway.ip6, to: .allNodes, .neighbourAdvertisement(target: Bob.ip6, solicited: false)))) == nil)
        var loud = Site { $0.quiet = false }
        #expect(loud.toAlice(solicit(Bob.ip6)) == nil)
    }
}
