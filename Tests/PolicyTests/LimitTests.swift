import Addresses
import Packets
import Policy
import Testing

/// Section 8 of policy.md.
@Suite struct LimitTests {
    let second: UInt64 = 1_000_000_000
    let toGroup = Frame.alice4(udp, to: .broadcast, mac: .broadcast)
    let toOne = Frame.alice4(udp)
    let ask = Frame.alice(.arp(.request, sender: Alice.party, target: Gateway.party), to: .broadcast)
    let answer = Frame.alice(.arp(.reply, sender: Alice.party, target: Gateway.party))

    func limited(broadcast: (UInt32, UInt32) = (0, 0), neighbor: (UInt32, UInt32) = (0, 0)) -> Site {
        Site {
            $0.limits = Limits(broadcastRate: broadcast.0, broadcastBurst: broadcast.1, neighborRate: neighbor.0, neighborBurst: neighbor.1)
        }
    }

    @Test func `a burst passes at once, and then one each interval`() {
        var site = limited(broadcast: (10, 3))
        let start = 5 * second
        for _ in 1...3 { #expect(site.fromAlice(toGroup, time: start) == nil) }
        #expect(site.fromAlice(toGroup, time: start) == .limitBroadcast)
        #expect(site.fromAlice(toGroup, time: start + second / 10 - 1) == .limitBroadcast)
        #expect(site.fromAlice(toGroup, time: start + second / 10) == nil)
        #expect(site.fromAlice(toGroup, time: start + second / 10) == .limitBroadcast)
        #expect(site.fromAlice(toGroup, time: start + 2 * second / 10) == nil)
    }

    @Test func `time makes the bucket full again, and no fuller`() {
        var site = limited(broadcast: (10, 3))
        for _ in 1...3 { #expect(site.fromAlice(toGroup, time: 0) == nil) }
        let later = 100 * second
        for _ in 1...3 { #expect(site.fromAlice(toGroup, time: later) == nil) }
        #expect(site.fromAlice(toGroup, time: later) == .limitBroadcast)
    }

    @Test func `the broadcast limit is for groups alone`() {
        var site = limited(broadcast: (10, 0))
        #expect(site.fromAlice(toOne) == nil)
        #expect(site.fromAlice(answer) == nil)
        #expect(site.fromAlice(toGroup) == .limitBroadcast)
        #expect(site.fromAlice(ask) == .limitBroadcast)
        #expect(site.fromAlice(.alice6(udp, to: ip6("ff02::fb"))) == .limitBroadcast)
    }

    @Test func `the neighbour limit is for ARP and ND alone`() {
        var site = limited(neighbor: (10, 0))
        #expect(site.fromAlice(toGroup) == nil)
        #expect(site.fromAlice(.alice6(.mldReport(group: .allNodes), from: Alice.linkLocal, to: .allNodes)) == nil)
        let me = ARPPacket.Party(mac: Alice.mac, ip: .any)
        #expect(site.fromAlice(.alice(.arp(.reverseRequest, sender: me, target: me, etherType: .rarp), to: .broadcast)) == nil)
        #expect(site.fromAlice(ask) == .limitNeighbor)
        #expect(site.fromAlice(answer) == .limitNeighbor)
        #expect(site.fromAlice(.alice6(.neighbourSolicitation(target: Gateway.ip6), to: Gateway.ip6)) == .limitNeighbor)
        #expect(site.fromAlice(.alice6(.neighbourAdvertisement(target: Alice.ip6), to: Gateway.ip6)) == .limitNeighbor)
        #expect(site.fromAlice(.alice6(.routerSolicitation(), to: .allRouters)) == .limitNeighbor)
    }

    @Test func `a listed EtherType is limited too`() {
        var site = Site {
            $0.etherTypes = [0x88b5]
            $0.limits = Limits(broadcastRate: 1, broadcastBurst: 0, neighborRate: 1, neighborBurst: 0)
        }
        #expect(site.fromAlice(.alice(.raw(EtherType(rawValue: 0x88b5)), to: .broadcast)) == .limitBroadcast)
        #expect(site.fromAlice(.alice(.raw(EtherType(rawValue: 0x88b5)))) == nil)
    }

    @Test func `a rate of 0 is no limit, and so is more than one a nanosecond`() {
        var none = limited()
        var fast = limited(broadcast: (1_000_000_001, 1), neighbor: (.max, 0))
        for _ in 1...100 {
            #expect(none.fromAlice(ask) == nil)
            #expect(fast.fromAlice(ask) == nil)
        }
    }

    @Test func `the largest rates, bursts and times don't overflow`() {
        var site = limited(broadcast: (1, .max), neighbor: (.max, .max))
        #expect(site.fromAlice(ask, time: .max) == nil)
        #expect(site.fromAlice(ask, time: .max) == nil)
    }

    @Test func `frames that break a rule take nothing`() {
        var site = limited(broadcast: (1, 1))
        for _ in 1...10 { #expect(site.fromAlice(.alice4(udp, from: Bob.ip4, mac: .broadcast)) == .ip4Source) }
        #expect(site.fromAlice(toGroup) == nil)
        #expect(site.fromAlice(toGroup) == .limitBroadcast)
    }

    @Test func `the broadcast bucket is asked first, and pays although the other one is empty`() {
        var site = limited(broadcast: (1, 2), neighbor: (1, 1))
        #expect(site.fromAlice(ask) == nil)
        #expect(site.fromAlice(ask) == .limitNeighbor)
        #expect(site.fromAlice(ask) == .limitBroadcast)
    }

    @Test func `audit counts limits and lets pass`() {
        var site = Site {
            $0.mode = .audit
            $0.limits = Limits(broadcastRate: 1, broadcastBurst: 0, neighborRate: 0, neighborBurst: 0)
        }
        let judgement = site.model.judge(toGroup, port: Site.alicePort, direction: .fromGuest, time: 0)
        #expect(judgement.reason == .limitBroadcast && !judgement.isDropped)
    }
}
