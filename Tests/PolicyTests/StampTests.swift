import Addresses
import Packets
import Policy
import Testing

/// Section 1 of policy.md: the stamp, ports without a binding, and modes.
@Suite struct StampTests {
    var site = Site()

    let unicast = Frame.ethernet(from: Gateway.mac, to: Alice.mac, .ipv4(from: far4, to: Alice.ip4, syn))
    let group = Frame.ethernet(from: Gateway.mac, to: .broadcast, .ipv4(from: far4, to: Alice.ip4, syn))

    mutating func judge(_ frame: Frame, _ direction: Direction, _ stamp: Stamp) -> Judgement {
        let port =
            switch direction {
            case .fromGuest, .toGuest: Site.alicePort
            case .fromUplink, .toUplink: Site.uplink
            case .toHost, .fromHost: Site.bridge
            }
        return site.model.judge(frame, port: port, direction: direction, stamp: stamp, time: 0)
    }

    @Test(arguments: [Direction.toGuest, .toUplink])
    mutating func `out of a port passes what is stamped or made here`(direction: Direction) {
        for frame in [unicast, group] {
            for stamp in Stamp.allCases {
                let expected: Reason? = stamp == .stamped || stamp == .madeHere ? nil : .unjudged
                #expect(judge(frame, direction, stamp).reason == expected)
                #expect(judge(frame, direction, stamp).isDropped == (expected != nil))
            }
        }
    }

    @Test mutating func `into the host passes what is stamped, looped back, or a query of its own`() {
        for stamp in Stamp.allCases {
            #expect(judge(unicast, .toHost, stamp).reason == (stamp == .stamped || stamp == .loopback ? nil : .unjudged))
            #expect(judge(group, .toHost, stamp).reason == (stamp == .stamped || stamp == .loopback || stamp == .host ? nil : .unjudged))
        }
        #expect(judge(Frame(bytes: []), .toHost, .host).reason == .unjudged)
    }

    @Test mutating func `from the host everything passes`() {
        #expect(judge(unicast, .fromHost, .unstamped).reason == nil)
    }

    @Test mutating func `what is made here is judged on its way to a guest all the same`() {
        #expect(site.toAlice(.ethernet(from: Host.mac, to: Bob.mac, .ipv4(from: far4, to: Alice.ip4, syn)), stamp: .madeHere) == .notForGuestMAC)
        #expect(site.toAlice(.ethernet(from: Host.mac, to: Bob.mac, .ipv4(from: far4, to: Alice.ip4, syn)), stamp: .unstamped) == .unjudged)
    }

    @Test mutating func `without a binding nothing passes, stamped or not`() {
        for direction in [Direction.fromGuest, .toGuest] {
            for frame in [unicast, Frame(bytes: [])] {
                for stamp in Stamp.allCases {
                    let judgement = site.model.judge(frame, port: Site.unknownPort, direction: direction, stamp: stamp, time: 0)
                    #expect(judgement.reason == .noBinding && judgement.isDropped)
                }
            }
        }
        #expect(site.model.judge(unicast, port: 999, direction: .toUplink, time: 0).reason == .noBinding)
    }

    @Test mutating func `audit counts and lets pass, but for three reasons`() {
        site = Site { $0.mode = .audit }
        let stolen = judge(.alice4(syn, from: Bob.ip4), .fromGuest, .stamped)
        #expect(stolen.reason == .ip4Source && !stolen.isDropped)
        let foreign = judge(.ethernet(from: Gateway.mac, to: Alice.mac, .ipv4(from: far4, to: Bob.ip4, syn)), .toGuest, .stamped)
        #expect(foreign.reason == .notForGuestIP4 && !foreign.isDropped)
        let control = judge(.alice4(syn, mac: mac("01:80:c2:00:00:03")), .fromGuest, .stamped)
        #expect(control.reason == .l2Control && control.isDropped)
        let unjudged = judge(unicast, .toGuest, .unstamped)
        #expect(unjudged.reason == .unjudged && unjudged.isDropped)
    }

    @Test mutating func `enforce drops`() {
        let stolen = judge(.alice4(syn, from: Bob.ip4), .fromGuest, .stamped)
        #expect(stolen.reason == .ip4Source && stolen.isDropped)
    }
}
