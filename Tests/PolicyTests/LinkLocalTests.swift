import Addresses
import Packets
import Policy
import Testing

/// "Link-local addresses" in section 5 of policy.md: whose they are from the start, and who gets the rest.
@Suite struct LinkLocalTests {
    var site = Site()
    let chosen = ip6("fe80::1234:5678:9abc:def0")

    func probe(_ target: IPv6Address) -> Frame {
        .alice6(.neighbourSolicitation(target: target), from: .unspecified, to: target.solicitedNodeGroup)
    }

    func fromBob(_ source: IPv6Address) -> Frame { .ethernet(from: Bob.mac, to: Gateway.mac, .ipv6(from: source, to: far6, syn)) }

    @Test mutating func `a claim by use as a source is kept, and nobody else gets the address`() {
        #expect(site.fromAlice(.alice6(syn, from: chosen)) == nil)
        #expect(site.model.ports[Site.alicePort]?.claims == [chosen])
        #expect(site.model.bridges["br0"]?.owners6[chosen] == Owner(.claim(port: Site.alicePort)))
        #expect(site.fromBob(fromBob(chosen)) == .llClaimed)
        #expect(site.fromAlice(.alice6(syn, from: chosen)) == nil)
        #expect(site.model.ports[Site.alicePort]?.claims == [chosen])
    }

    @Test mutating func `a claim by duplicate address detection or advertisement`() {
        #expect(site.fromAlice(probe(chosen)) == nil)
        #expect(site.model.ports[Site.alicePort]?.claims == [chosen])
        let second = ip6("fe80::2:2:2:2")
        #expect(site.fromAlice(.alice6(.neighbourAdvertisement(target: second), to: Gateway.ip6)) == nil)
        #expect(site.model.ports[Site.alicePort]?.claims == [chosen, second])
    }

    @Test mutating func `an advertisement may claim its source and its target`() {
        let target = ip6("fe80::2:2:2:2")
        #expect(site.fromAlice(.alice6(.neighbourAdvertisement(target: target), from: chosen, to: Gateway.ip6)) == nil)
        #expect(site.model.ports[Site.alicePort]?.claims == [chosen, target])
        var other = Site()
        #expect(other.fromAlice(.alice6(.neighbourAdvertisement(target: chosen), from: chosen, to: Gateway.ip6)) == nil)
        #expect(other.model.ports[Site.alicePort]?.claims == [chosen])
    }

    @Test func `case 1: with claiming off it fails the rule that asked`() {
        var site = Site { $0.linkLocalMode = .eui64 }
        #expect(site.fromAlice(.alice6(syn, from: chosen)) == .ip6Source)
        #expect(site.fromAlice(probe(chosen)) == .ndSolicitation)
        #expect(site.fromAlice(.alice6(.neighbourAdvertisement(target: chosen), to: Gateway.ip6)) == .ndAdvertisement)
        #expect(site.fromAlice(.alice6(syn, from: Bob.linkLocal)) == .ip6Source)
        #expect(site.fromAlice(.alice6(syn, from: Alice.linkLocal)) == nil)
    }

    @Test mutating func `case 2: what has an owner can't be claimed`() {
        for taken in [Bob.linkLocal, Carol.linkLocal, Host.linkLocal, ip6("fe80::a:7")] {
            #expect(site.fromAlice(.alice6(syn, from: taken)) == .llClaimed, "\(taken)")
            #expect(site.fromAlice(probe(taken)) == .llClaimed)
            #expect(site.fromAlice(.alice6(.neighbourAdvertisement(target: taken), to: Gateway.ip6)) == .llClaimed)
        }
        #expect(site.fromAlice(.alice6(syn, from: ip6("fe80::b:7"))) == nil)
    }

    @Test mutating func `case 2: routers' hand-given addresses are reserved unless listed`() {
        #expect(site.fromAlice(.alice6(syn, from: ip6("fe80::1"))) == .llClaimed)
        #expect(site.fromAlice(.alice6(syn, from: ip6("fe80::ff"))) == .llClaimed)
        #expect(site.fromAlice(.alice6(syn, from: ip6("fe80::100"))) == nil)
        var listed = Site { $0.linkLocals = [ip6("fe80::1")] }
        #expect(listed.fromAlice(.alice6(syn, from: ip6("fe80::1"))) == nil)
        #expect(listed.fromBob(fromBob(ip6("fe80::1"))) == .llClaimed)
    }

    @Test mutating func `case 2: what the uplink holds can't be claimed but by the MAC it was seen with`() {
        func neighbour(_ source: IPv6Address, _ mac: MACAddress) -> Frame {
            .ethernet(from: mac, to: Gateway.mac, .ipv6(from: source, to: Gateway.ip6, .neighbourSolicitation(target: Gateway.ip6)))
        }
        let moved = ip6("fe80::2:2:2:2")
        #expect(site.fromUplink(neighbour(chosen, mac("02:00:00:00:00:77"))).lesson == .neighbour(chosen, mac("02:00:00:00:00:77")))
        #expect(site.fromAlice(.alice6(syn, from: chosen)) == .llClaimed)
        // Alice's MAC is hers here, so U1 names a frame with it from outside: she was seen there before she came.
        var before = Site { $0.macs = [mac("02:00:00:00:00:ff")] }
        _ = before.fromUplink(neighbour(moved, Alice.mac))
        before.policy.interfaces[0].binding.macs = [Alice.mac]
        before.update()
        #expect(before.fromBob(fromBob(moved)) == .llClaimed)
        #expect(before.fromAlice(.alice6(syn, from: moved)) == nil)
    }

    @Test mutating func `case 3: four claims and no more, but others' addresses still are others'`() {
        for last in 1...4 as ClosedRange<UInt64> {
            #expect(site.fromAlice(.alice6(syn, from: IPv6Address(high: chosen.high, low: last << 32))) == nil)
        }
        #expect(site.fromAlice(.alice6(syn, from: chosen)) == .ip6Source)
        #expect(site.fromAlice(probe(chosen)) == .ndSolicitation)
        #expect(site.fromAlice(.alice6(.neighbourAdvertisement(target: chosen), to: Gateway.ip6)) == .ndAdvertisement)
        #expect(site.fromAlice(.alice6(syn, from: Bob.linkLocal)) == .llClaimed)
        #expect(site.fromAlice(.alice6(syn, from: Alice.linkLocal)) == nil)
    }

    @Test mutating func `case 3: a frame's own claims count`() {
        for last in 1...3 as ClosedRange<UInt64> {
            #expect(site.fromAlice(.alice6(syn, from: IPv6Address(high: chosen.high, low: last << 32))) == nil)
        }
        let both = Frame.alice6(.neighbourAdvertisement(target: ip6("fe80::2:2:2:2")), from: chosen, to: Gateway.ip6)
        #expect(site.fromAlice(both) == .ndAdvertisement)
        #expect(site.model.ports[Site.alicePort]?.claims.count == 3)
        #expect(site.fromAlice(.alice6(syn, from: chosen)) == nil)
    }

    @Test mutating func `case 4: nothing is claimed by a frame that doesn't pass`() {
        #expect(site.fromAlice(.alice6(.udp(from: 547, to: 546), from: chosen)) == .dhcp6Server)
        #expect(site.fromAlice(.alice6(.neighbourSolicitation(target: chosen), from: .unspecified, to: .allNodes)) == .ndSolicitation)
        #expect(site.model.ports[Site.alicePort]?.claims == [])
        var limited = Site { $0.limits = Limits(broadcastRate: 1, broadcastBurst: 0, neighborRate: 0, neighborBurst: 0) }
        #expect(limited.fromAlice(probe(chosen)) == .limitBroadcast)
        #expect(limited.model.ports[Site.alicePort]?.claims == [])
    }

    @Test func `nor by one that audit mode lets pass in spite of a rule`() {
        var site = Site { $0.mode = .audit }
        #expect(site.fromAlice(.alice6(.udp(from: 547, to: 546), from: chosen)) == .dhcp6Server)
        #expect(site.model.ports[Site.alicePort]?.claims == [])
        #expect(site.fromAlice(.alice6(syn, from: chosen)) == nil)
        #expect(site.model.ports[Site.alicePort]?.claims == [chosen])
    }

    @Test mutating func `only fe80::/64 can be claimed`() {
        #expect(site.fromAlice(.alice6(syn, from: ip6("fe80:0:0:1::1234"))) == .ip6Source)
        #expect(site.fromAlice(probe(ip6("fe80:0:0:1::1234"))) == .ndSolicitation)
    }

    @Test mutating func `the order within a probe: whose the target is comes first`() {
        #expect(site.fromAlice(.alice6(.neighbourSolicitation(target: Bob.linkLocal), from: .unspecified, to: .allNodes)) == .llClaimed)
    }

    @Test func `a virtual router's link-local address counts as listed`() {
        var site = Site { $0.virtualRouters = [VirtualRouter(mac: mac("00:00:5e:00:02:01"), address: .v6(ip6("fe80::5")))] }
        #expect(site.fromAlice(.alice6(syn, from: ip6("fe80::5"))) == nil)
        // Its MAC's EUI-64 address is nobody's from the start.
        #expect(site.fromAlice(.alice6(syn, from: mac("00:00:5e:00:02:01").eui64LinkLocal)) == nil)
        #expect(site.model.ports[Site.alicePort]?.claims == [mac("00:00:5e:00:02:01").eui64LinkLocal])
    }

    @Test mutating func `a claim ends with its port`() {
        #expect(site.fromAlice(.alice6(syn, from: chosen)) == nil)
        site.places.removeAll { $0.index == Site.alicePort }
        site.update()
        #expect(site.fromBob(fromBob(chosen)) == nil)
    }

    @Test mutating func `a claim ends when the port is bound to another guest, and outlives a change of binding`() {
        #expect(site.fromAlice(.alice6(syn, from: chosen)) == nil)
        site.policy.interfaces[0].binding.addresses4.append(IPv4Prefix(ip4("192.0.2.20")))
        site.update()
        #expect(site.fromBob(fromBob(chosen)) == .llClaimed)
        site.policy.interfaces[0].binding.guest = "dave"
        site.update()
        #expect(site.fromBob(fromBob(chosen)) == nil)
    }
}
