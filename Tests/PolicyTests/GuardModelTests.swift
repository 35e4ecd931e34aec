import Addresses
import Packets
import Policy
import Testing

@Suite struct GuardModelTests {
    @Test func `what is whose follows from the policy`() {
        let bridge = Site().model.bridges["br0"]!
        #expect(bridge.ownerMACs[Alice.mac] == Owner(.guest(port: Site.alicePort)))
        #expect(bridge.owners4[Bob.ip4] == Owner(.guest(port: Site.bobPort)))
        #expect(bridge.ownerPrefixes4[IPv4Prefix("198.51.100.0/24")!] == Owner(.guest(port: Site.bobPort)))
        #expect(bridge.ownerPrefixes6[IPv6Prefix("2001:db8:b::/48")!] == Owner(.guest(port: Site.bobPort)))
        #expect(bridge.owners6[Bob.linkLocal] == Owner(.guest(port: Site.bobPort)))
        #expect(bridge.owners6[Carol.linkLocal] == Owner(.guest(port: nil)))
        #expect(bridge.ownerMACs[Carol.mac] == Owner(.guest(port: nil)))
        #expect(bridge.owners4[Gateway.ip4] == Owner(.reserved))
        #expect(bridge.ownerMACs[Gateway.mac] == Owner(.reserved))
        #expect(bridge.ownerMACs[Host.mac] == Owner(.reserved))
        #expect(bridge.ownerPrefixes4[IPv4Prefix("203.0.113.0/24")!] == Owner(.reserved))
    }

    @Test func `a binding that names no port goes where the hypervisor reports its MAC`() {
        var site = Site()
        let frame = Frame.ethernet(from: Carol.mac, to: Gateway.mac, .ipv4(from: Carol.ip4, to: far4, syn))
        #expect(site.model.judge(frame, port: Site.unknownPort, direction: .fromGuest, time: 0).reason == .noBinding)
        site.places[4].mac = Carol.mac
        site.update()
        #expect(site.model.judge(frame, port: Site.unknownPort, direction: .fromGuest, time: 0).reason == nil)
        #expect(site.model.bridges["br0"]?.owners4[Carol.ip4] == Owner(.guest(port: Site.unknownPort)))
    }

    @Test func `two bridges are two networks`() {
        var site = Site { $0.roles = .transit }
        site.policy.bridges.append(BridgePolicy(name: "br1"))
        site.policy.interfaces[1].bridge = "br1"
        site.places[3].bridge = "br1"
        site.update()
        #expect(site.fromAlice(.alice4(syn, from: Bob.ip4)) == nil)
        #expect(site.fromAlice(.alice6(syn, from: Bob.linkLocal)) == nil)
        #expect(site.fromUplink(.ethernet(from: Bob.mac, to: Gateway.mac, .raw(.lldp))).reason == nil)
        #expect(site.fromBob(.ethernet(from: Bob.mac, to: Gateway.mac, .ipv4(from: Bob.ip4, to: far4, syn))) == nil)
    }

    @Test func `a port on a bridge that isn't guarded has no binding`() {
        var site = Site()
        site.places[2].bridge = "br7"
        site.update()
        #expect(site.fromAlice(.alice4(syn)) == .noBinding)
        #expect(site.model.bridges["br0"]?.owners4[Alice.ip4] == Owner(.guest(port: nil)))
    }

    @Test func `buckets outlive a change of binding`() {
        var site = Site { $0.limits = Limits(broadcastRate: 1, broadcastBurst: 1, neighborRate: 0, neighborBurst: 0) }
        let frame = Frame.alice4(udp, mac: .broadcast)
        #expect(site.fromAlice(frame) == nil)
        site.update()
        #expect(site.fromAlice(frame) == .limitBroadcast)
    }

    @Test func `a binding without port or bridge harms nobody`() {
        var site = Site()
        site.policy.interfaces.append(GuestInterface(port: nil, bridge: "nowhere", binding: Binding(guest: "dave", macs: [])))
        site.update()
        #expect(site.fromAlice(.alice4(syn)) == nil)
    }
}
