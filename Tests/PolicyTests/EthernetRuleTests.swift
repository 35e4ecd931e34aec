import Addresses
import Packets
import Policy
import Testing

/// Section 2 of policy.md.
@Suite struct EthernetRuleTests {
    var site = Site()

    @Test mutating func `an honest frame passes`() {
        #expect(site.fromAlice(.alice4(syn)) == nil)
        #expect(site.fromAlice(.alice6(syn)) == nil)
    }

    @Test mutating func `E0: less than an Ethernet header is truncated`() {
        for length in 0..<14 { #expect(site.fromAlice(Frame.alice4(syn).cut(to: length)) == .truncated) }
    }

    @Test mutating func `E1: only her own MACs, whatever the frame carries`() {
        for source in [Bob.mac, Gateway.mac, .zero, .broadcast, mac("03:00:00:00:00:0a")] {
            #expect(site.fromAlice(.alice(.ipv4(from: Alice.ip4, to: far4, syn), from: source)) == .macSource)
            #expect(site.fromAlice(.llc(from: source, to: mac("01:80:c2:00:00:00"), destinationSAP: 0x42, sourceSAP: 0x42)) == .macSource)
        }
        #expect(site.fromAlice(Frame.alice(.raw(.lldp), from: Bob.mac).cut(to: 14)) == .macSource)
    }

    @Test(arguments: [0, 1, 2, 3, 0xe, 0xf] as [UInt8])
    mutating func `E2: nothing for switches, whatever it carries`(last: UInt8) {
        #expect(site.fromAlice(.alice4(syn, mac: MACAddress(1, 0x80, 0xc2, 0, 0, last))) == .l2Control)
    }

    @Test mutating func `E2: neither CDP nor PVST, but their neighbours pass`() {
        #expect(site.fromAlice(.alice4(syn, mac: mac("01:00:0c:cc:cc:cc"))) == .l2Control)
        #expect(site.fromAlice(.alice4(syn, mac: mac("01:00:0c:cc:cc:cd"))) == .l2Control)
        #expect(site.fromAlice(.alice4(syn, mac: mac("01:00:0c:cc:cc:ce"))) == nil)
        #expect(site.fromAlice(.alice4(syn, mac: mac("01:00:0c:cc:cc:cb"))) == nil)
        #expect(site.fromAlice(.alice4(syn, mac: mac("01:80:c2:00:00:10"))) == nil)
    }

    @Test(arguments: [EtherType.vlan, .serviceVLAN, .oldServiceVLAN])
    mutating func `E3: no tag without the role, priority tags included`(type: EtherType) {
        let packet = NetworkPacket.ipv4(from: Alice.ip4, to: far4, syn)
        for vid in [0, 7] as [UInt16] {
            #expect(site.fromAlice(.alice(packet, tags: [VLANTag(tpid: type, vid: vid)])) == .vlanTag)
            #expect(site.fromAlice(Frame.alice(packet).offloading(VLANTag(tpid: type, vid: vid))) == .vlanTag)
        }
        #expect(site.fromAlice(Frame.alice(.raw(type)).cut(to: 14)) == .vlanTag)
    }

    @Test func `E3: with the role, one customer tag with a listed id`() {
        var site = Site { $0.vlans = [7] }
        let packet = NetworkPacket.ipv4(from: Alice.ip4, to: far4, syn)
        #expect(site.fromAlice(.alice(packet)) == nil)
        #expect(site.fromAlice(.alice(packet, tags: [VLANTag(vid: 7, pcp: 5, dei: true)])) == nil)
        #expect(site.fromAlice(Frame.alice(packet).offloading(VLANTag(vid: 7))) == nil)
        for tag in [VLANTag(vid: 8), VLANTag(vid: 0), VLANTag(tpid: .serviceVLAN, vid: 7), VLANTag(tpid: .oldServiceVLAN, vid: 7)] {
            #expect(site.fromAlice(.alice(packet, tags: [tag])) == .vlanTag)
            #expect(site.fromAlice(Frame.alice(packet).offloading(tag)) == .vlanTag)
        }
        let seven = VLANTag(vid: 7)
        #expect(site.fromAlice(.alice(packet, tags: [seven, seven])) == .vlanTag)
        #expect(site.fromAlice(Frame.alice(packet, tags: [seven]).offloading(seven)) == .vlanTag)
        for length in 14..<18 { #expect(site.fromAlice(Frame.alice(packet, tags: [seven]).cut(to: length)) == .vlanTag) }
    }

    @Test func `E3: the frame within a tag is judged by all rules`() {
        var site = Site { $0.vlans = [7] }
        let seven = VLANTag(vid: 7)
        let stolen = NetworkPacket.ipv4(from: Bob.ip4, to: far4, syn)
        #expect(site.fromAlice(.alice(stolen, tags: [seven])) == .ip4Source)
        #expect(site.fromAlice(Frame.alice(stolen).offloading(seven)) == .ip4Source)
        #expect(site.fromAlice(.alice(.raw(.lldp, [1, 2, 3]), tags: [seven])) == .etherType)
        #expect(site.fromAlice(.alice(.ipv6(from: Bob.ip6, to: far6, syn), tags: [seven])) == .ip6Source)
        #expect(site.fromAlice(.alice(.arp(.reply, sender: Bob.party, target: Gateway.party), tags: [seven])) == .arpSenderMAC)
    }

    @Test func `E4: other EtherTypes only where listed`() {
        var plain = Site()
        var listed = Site { $0.etherTypes = [0x88b5] }
        #expect(plain.fromAlice(.alice(.raw(EtherType(rawValue: 0x88b5)))) == .etherType)
        #expect(listed.fromAlice(.alice(.raw(EtherType(rawValue: 0x88b5)))) == nil)
        #expect(listed.fromAlice(.alice(.raw(EtherType(rawValue: 0x88b6)))) == .etherType)
        #expect(plain.fromAlice(.llc(from: Alice.mac, to: Gateway.mac, destinationSAP: 0x42, sourceSAP: 0x42)) == .etherType)
        #expect(plain.fromAlice(.snap(from: Alice.mac, to: Gateway.mac, .ipv4(from: Alice.ip4, to: far4, syn))) == .etherType)
        #expect(plain.fromAlice(.alice(.raw(.pppoeSession))) == .etherType)
    }

    @Test func `E4: a listed type that is also IP is judged as IP`() {
        var site = Site { $0.etherTypes = [EtherType.ipv4.rawValue] }
        #expect(site.fromAlice(.alice4(syn, from: Bob.ip4)) == .ip4Source)
    }

    @Test mutating func `E4: QEMU's self-announcement passes, and no other RARP`() {
        let me = ARPPacket.Party(mac: Alice.mac, ip: .any)
        let announcement = Frame.alice(.arp(.reverseRequest, sender: me, target: me, etherType: .rarp), to: .broadcast)
        #expect(site.fromAlice(announcement) == nil)
        #expect(site.fromAlice(announcement.padded(to: 60)) == nil)
        #expect(site.fromAlice(announcement.cut(to: 14 + 27)) == .etherType)
        let bob = ARPPacket.Party(mac: Bob.mac, ip: .any)
        #expect(site.fromAlice(.alice(.arp(.reverseRequest, sender: bob, target: me, etherType: .rarp))) == .etherType)
        #expect(site.fromAlice(.alice(.arp(.reverseRequest, sender: me, target: bob, etherType: .rarp))) == .etherType)
        #expect(site.fromAlice(.alice(.arp(.reverseReply, sender: me, target: me, etherType: .rarp))) == .etherType)
        #expect(site.fromAlice(.alice(.arp(.reverseRequest, sender: Alice.party, target: me, etherType: .rarp))) == .etherType)
        #expect(site.fromAlice(.alice(.arp(.reverseRequest, sender: me, target: Alice.party, etherType: .rarp))) == .etherType)
        #expect(site.fromAlice(.alice(.arp(.reverseRequest, sender: me, target: me, etherType: .rarp, hardwareType: 6))) == .etherType)
        #expect(site.fromAlice(.alice(.arp(.reverseRequest, sender: me, target: me, etherType: .rarp, protocolType: .ipv6))) == .etherType)
    }

    @Test mutating func `E5: the fixed header must be there`() {
        #expect(site.fromAlice(Frame.alice4(syn).cut(to: 14 + 19)) == .truncated)
        #expect(site.fromAlice(Frame.alice4(syn).cut(to: 14 + 20)) == .ip4Malformed)
        #expect(site.fromAlice(Frame.alice6(syn).cut(to: 14 + 39)) == .truncated)
        #expect(site.fromAlice(Frame.alice6(syn).cut(to: 14 + 40)) == .ip6Malformed)
        let arp = Frame.alice(.arp(.request, sender: Alice.party, target: Gateway.party))
        #expect(site.fromAlice(arp.cut(to: 14 + 7)) == .truncated)
        #expect(site.fromAlice(arp.cut(to: 14 + 8)) == .arpMalformed)
    }

    @Test func `E5: what is cut short is truncated before its family is asked for`() {
        var site = Site {
            $0.addresses4 = []
            $0.addresses6 = []
        }
        #expect(site.fromAlice(Frame.alice4(syn).cut(to: 14 + 19)) == .truncated)
        #expect(site.fromAlice(Frame.alice6(syn).cut(to: 14 + 39)) == .truncated)
        #expect(site.fromAlice(Frame.alice(.raw(.arp)).cut(to: 14 + 7)) == .truncated)
    }

    @Test func `E6: without an IPv4 address neither IPv4 nor ARP`() {
        var site = Site { $0.addresses4 = [] }
        #expect(site.fromAlice(.alice4(syn)) == .noIPv4)
        #expect(site.fromAlice(.alice(.arp(.request, sender: Alice.party, target: Gateway.party))) == .noIPv4)
        #expect(site.fromAlice(.alice6(syn)) == nil)
    }

    @Test func `E6: a virtual router's address is an address`() {
        var site = Site {
            $0.addresses4 = []
            $0.addresses6 = []
            $0.virtualRouters = [
                VirtualRouter(mac: mac("00:00:5e:00:01:01"), address: .v4(ip4("192.0.2.100"))),
                VirtualRouter(mac: mac("00:00:5e:00:02:01"), address: .v6(ip6("fe80::5"))),
            ]
        }
        #expect(site.fromAlice(.alice4(syn, from: ip4("192.0.2.100"))) == nil)
        #expect(site.fromAlice(.alice6(syn, from: ip6("fe80::5"))) == nil)
        #expect(site.fromAlice(.alice(.ipv4(from: ip4("192.0.2.100"), to: far4, syn), from: mac("00:00:5e:00:01:01"))) == nil)
        #expect(site.fromAlice(.alice(.ipv4(from: ip4("192.0.2.100"), to: far4, syn), from: mac("00:00:5e:00:01:02"))) == .macSource)
    }

    @Test func `E6: without an IPv6 address no IPv6, link-local included`() {
        var site = Site { $0.addresses6 = [] }
        #expect(site.fromAlice(.alice6(syn)) == .noIPv6)
        #expect(site.fromAlice(.alice6(.routerSolicitation(), from: Alice.linkLocal, to: .allRouters)) == .noIPv6)
        var listed = Site {
            $0.addresses6 = []
            $0.linkLocals = [ip6("fe80::5")]
        }
        #expect(listed.fromAlice(.alice6(syn, from: ip6("fe80::5"))) == nil)
        var dhcp = Site {
            $0.addresses6 = []
            $0.usesDHCP = true
        }
        #expect(dhcp.fromAlice(.alice6(.routerSolicitation(), from: Alice.linkLocal, to: .allRouters)) == nil)
        #expect(dhcp.fromAlice(.alice6(syn)) == .ip6Source)
    }
}
