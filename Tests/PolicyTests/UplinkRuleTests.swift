import Addresses
import Packets
import Policy
import Testing

/// Section 6 of policy.md.
@Suite struct UplinkRuleTests {
    var site = Site()
    let stranger = mac("02:00:00:00:00:77")

    func frame(_ packet: NetworkPacket, from source: MACAddress? = nil) -> Frame { .ethernet(from: source ?? stranger, to: Gateway.mac, packet) }

    @Test mutating func `all else passes, whatever it is`() {
        let frames = [
            frame(.ipv4(from: far4, to: Alice.ip4, syn)), frame(.ipv6(from: far6, to: Alice.ip6, syn)), frame(.raw(.lldp)),
            frame(.ipv4(from: Gateway.ip4, to: Alice.ip4, syn), from: Gateway.mac), frame(.raw(.ipv4)), frame(.raw(.ipv6)), frame(.raw(.arp)),
            frame(.ipv4(from: ip4("198.51.100.7"), to: Alice.ip4, syn)), frame(.raw(.vlan)), Frame(bytes: []), Frame(bytes: [1, 2, 3]),
        ]
        for frame in frames {
            let judgement = site.fromUplink(frame)
            #expect(judgement.reason == nil && !judgement.isDropped && judgement.lesson == nil)
        }
    }

    @Test mutating func `U1: a local guest's MAC, running or stopped, counts and passes`() {
        for source in [Alice.mac, Bob.mac, Carol.mac] {
            let judgement = site.fromUplink(frame(.ipv4(from: far4, to: far4, syn), from: source))
            #expect(judgement.reason == .uplinkGuestMAC && !judgement.isDropped)
            #expect(site.fromUplink(frame(.raw(.vlan, [0, 7, 8, 0]), from: source)).reason == .uplinkGuestMAC)
        }
        #expect(site.fromUplink(frame(.raw(.lldp), from: Host.mac)).reason == nil)
    }

    @Test func `U1 and U2 drop where the uplink enforces`() {
        var site = Site(bridge: { $0.uplinkMode = .enforce })
        #expect(site.fromUplink(frame(.raw(.lldp), from: Alice.mac)).isDropped)
        #expect(site.fromUplink(frame(.ipv4(from: Alice.ip4, to: far4, syn))).isDropped)
        #expect(!site.fromUplink(frame(.ipv4(from: far4, to: far4, syn))).isDropped)
    }

    @Test mutating func `U2: a local guest's single address, running or stopped`() {
        for (address4, address6) in [(Alice.ip4, Alice.ip6), (Bob.ip4, Bob.ip6), (Carol.ip4, Carol.ip6)] {
            let party = ARPPacket.Party(mac: stranger, ip: address4)
            #expect(site.fromUplink(frame(.arp(.request, sender: party, target: Gateway.party))).reason == .uplinkGuestAddress)
            #expect(site.fromUplink(frame(.arp(.reply, sender: party, target: Gateway.party))).reason == .uplinkGuestAddress)
            #expect(site.fromUplink(frame(.arp(.request, sender: Gateway.party, target: party))).reason == nil)
            #expect(site.fromUplink(frame(.ipv4(from: address4, to: far4, syn))).reason == .uplinkGuestAddress)
            #expect(site.fromUplink(frame(.ipv6(from: address6, to: far6, syn))).reason == .uplinkGuestAddress)
        }
    }

    @Test mutating func `U2: the target of an advertisement, not of a solicitation`() {
        func advertise(_ target: IPv6Address, headers: [ExtensionHeader] = []) -> Frame {
            frame(.ipv6(from: far6, to: .allNodes, extensionHeaders: headers, .neighbourAdvertisement(target: target)))
        }
        #expect(site.fromUplink(advertise(Alice.ip6)).reason == .uplinkGuestAddress)
        #expect(site.fromUplink(advertise(Alice.linkLocal)).reason == .uplinkGuestAddress)
        #expect(site.fromUplink(advertise(Gateway.ip6)).reason == nil)
        #expect(site.fromUplink(advertise(Alice.ip6, headers: [.destinationOptions()])).reason == nil)
        #expect(site.fromUplink(advertise(Alice.ip6).cut(to: 14 + 40 + 23)).reason == nil)
        #expect(site.fromUplink(frame(.ipv6(from: far6, to: .allNodes, .neighbourSolicitation(target: Alice.ip6)))).reason == nil)
    }

    @Test mutating func `U2: claimed link-local addresses too`() {
        let chosen = ip6("fe80::1234:5678:9abc:def0")
        let outside = frame(.ipv6(from: chosen, to: far6, syn))
        #expect(site.fromUplink(outside).reason == nil)
        #expect(site.fromAlice(.alice6(syn, from: chosen)) == nil)
        #expect(site.fromUplink(outside).reason == .uplinkGuestAddress)
    }

    @Test mutating func `U2: looks at untagged frames`() {
        let packet = NetworkPacket.ipv4(from: Alice.ip4, to: far4, syn)
        #expect(site.fromUplink(.ethernet(from: stranger, to: Gateway.mac, tags: [VLANTag(vid: 7)], packet)).reason == nil)
        #expect(site.fromUplink(frame(packet).offloading(VLANTag(vid: 7))).reason == nil)
    }

    @Test func `a migrating guest is left out, with its claims`() {
        var site = Site { $0.isMigrating = true }
        let chosen = ip6("fe80::1234:5678:9abc:def0")
        #expect(site.fromAlice(.alice6(syn, from: chosen)) == nil)
        #expect(site.fromUplink(frame(.raw(.lldp), from: Alice.mac)).reason == nil)
        #expect(site.fromUplink(frame(.ipv4(from: Alice.ip4, to: far4, syn))).reason == nil)
        #expect(site.fromUplink(frame(.ipv6(from: chosen, to: far6, syn))).reason == nil)
        #expect(site.fromUplink(frame(.raw(.lldp), from: Bob.mac)).reason == .uplinkGuestMAC)
    }

    @Test func `virtual routers' MACs and addresses are shared, so nobody's`() {
        let virtual = mac("00:00:5e:00:01:01")
        var site = Site { $0.virtualRouters = [VirtualRouter(mac: virtual, address: .v4(ip4("192.0.2.100")))] }
        #expect(site.fromUplink(frame(.ipv4(from: ip4("192.0.2.100"), to: far4, syn), from: virtual)).reason == nil)
    }

    let router = ip6("fe80::1:2:3:4")

    func advertise(from source: IPv6Address, hopLimit: UInt8 = 255, code: UInt8 = 0, headers: [ExtensionHeader] = []) -> Frame {
        frame(.ipv6(from: source, to: .allNodes, extensionHeaders: headers, .routerAdvertisement(code: code), hopLimit: hopLimit))
    }

    @Test mutating func `U3: an advertising router's address is reserved`() {
        #expect(site.fromUplink(advertise(from: router)).lesson == .router(router))
        #expect(site.model.bridges["br0"]?.owners6[router] == Owner(.router))
        #expect(site.fromAlice(.alice6(syn, from: router)) == .llClaimed)
        #expect(site.fromUplink(advertise(from: router)).lesson == nil)
        site.update()
        #expect(site.fromAlice(.alice6(syn, from: router)) == .llClaimed)
        // Once a policy gives the address to a guest, it is no router's any more.
        site.policy.interfaces[0].binding.linkLocals = [router]
        site.update()
        #expect(site.fromAlice(.alice6(syn, from: router)) == nil)
        #expect(site.model.bridges["br0"]?.routerCount == 0)
    }

    @Test mutating func `U3: only by a right advertisement right behind the fixed header`() {
        #expect(site.fromUplink(advertise(from: router, hopLimit: 254)).lesson == nil)
        #expect(site.fromUplink(advertise(from: router, code: 1)).lesson == nil)
        #expect(site.fromUplink(advertise(from: router, headers: [.hopByHop()])).lesson == nil)
        #expect(site.fromUplink(advertise(from: far6)).lesson == nil)
        #expect(site.fromUplink(advertise(from: router).offloading(VLANTag(vid: 7))).lesson == nil)
    }

    @Test mutating func `U3: at most 16 routers, never evicted`() {
        for number in 1...17 as ClosedRange<UInt64> {
            let address = IPv6Address(high: 0xfe80 << 48, low: number << 32)
            #expect(site.fromUplink(advertise(from: address)).lesson == (number <= 16 ? .router(address) : nil))
        }
        #expect(site.model.bridges["br0"]?.routerCount == 16)
        #expect(site.fromAlice(.alice6(syn, from: IPv6Address(high: 0xfe80 << 48, low: 1 << 32))) == .llClaimed)
    }

    @Test(arguments: [133, 135, 136, 137, 141, 142] as [UInt8])
    mutating func `U3: any other ND message shows a neighbour`(type: UInt8) {
        let message = UpperLayer.icmpv6(.init(rawValue: type), rest: [UInt8](repeating: 0, count: 20), hopLimit: 255)
        let judgement = site.fromUplink(frame(.ipv6(from: router, to: .allNodes, message)))
        #expect(judgement.lesson == .neighbour(router, stranger))
        #expect(site.fromUplink(frame(.ipv6(from: far6, to: .allNodes, message))).lesson == nil)
    }

    @Test mutating func `U3: no other message does`() {
        for type in [128, 129, 130, 143] as [UInt8] {
            #expect(site.fromUplink(frame(.ipv6(from: router, to: .allNodes, .icmpv6(.init(rawValue: type), hopLimit: 255)))).lesson == nil)
        }
        #expect(site.fromUplink(frame(.ipv6(from: router, to: far6, udp))).lesson == nil)
    }

    @Test mutating func `U3: the last 4096 neighbours are held`() {
        func neighbour(_ number: UInt64) -> Frame {
            frame(.ipv6(from: IPv6Address(high: 0xfe80 << 48, low: number << 32), to: .allRouters, .routerSolicitation()))
        }
        for number in 1...4096 as ClosedRange<UInt64> { _ = site.fromUplink(neighbour(number)) }
        _ = site.fromUplink(neighbour(1))
        _ = site.fromUplink(neighbour(4097))
        let held = site.model.bridges["br0"]!.uplinkNeighbours
        #expect(held.count == 4096)
        #expect(held[IPv6Address(high: 0xfe80 << 48, low: 1 << 32)] != nil)
        #expect(held[IPv6Address(high: 0xfe80 << 48, low: 2 << 32)] == nil)
    }

    @Test mutating func `a frame that U1 or U2 names teaches nothing`() {
        let byMAC = frame(.ipv6(from: router, to: .allNodes, .routerAdvertisement()), from: Alice.mac)
        #expect(site.fromUplink(byMAC).lesson == nil)
        let byTarget = frame(.ipv6(from: router, to: .allNodes, .neighbourAdvertisement(target: Alice.ip6)))
        #expect(site.fromUplink(byTarget).lesson == nil)
        #expect(site.fromAlice(.alice6(syn, from: router)) == nil)
    }
}
