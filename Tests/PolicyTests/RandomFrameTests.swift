import Addresses
import Packets
import Policy
import RepeatableChance
import Testing

/// Whatever arrives is judged, and nothing traps.
@Suite struct RandomFrameTests {
    static let seeds: [Frame] = [
        .alice4(syn), .alice4(.icmp(5), options: [131, 7, 4, 1, 2, 3, 4]), .alice4(udp, fragmentOffset: 1), .alice6(syn),
        .alice4(.dhcpv4(clientMAC: Alice.mac), from: .any, to: .broadcast, mac: .broadcast),
        .alice(.arp(.request, sender: Alice.party, target: Gateway.party), to: .broadcast),
        .alice6(
            .neighbourSolicitation(target: Alice.ip6, options: [.option(.nonce, [1, 2, 3, 4, 5, 6])]), from: .unspecified,
            to: Alice.ip6.solicitedNodeGroup),
        .alice6(.neighbourAdvertisement(target: Alice.ip6, options: [.targetLinkLayer(Alice.mac)]), to: Gateway.ip6),
        .alice6(.routerAdvertisement(), from: Alice.linkLocal, to: .allNodes),
        .alice6(.mldReportV2(groups: [.allNodes]), from: .unspecified, to: ip6("ff02::16"), headers: [.routerAlert]),
        .alice6(.udp(from: 547, to: 546), headers: [.hopByHop(), .routing(type: 0), .fragment(moreFragments: true), .authentication()]),
        .alice(.ipv4(from: Alice.ip4, to: far4, syn), tags: [VLANTag(vid: 7)]),
    ]

    /// A seed with some bytes changed, cut or lengthened, or noise.
    static func frame(_ random: inout Chance) -> Frame {
        var frame = seeds.randomElement(using: &random)!
        if Int.random(in: 0..<20, using: &random) == 0 {
            frame.bytes = (0..<Int.random(in: 0...100, using: &random)).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        }
        for _ in 0..<Int.random(in: 0...4, using: &random) where !frame.bytes.isEmpty {
            let offset = Int.random(in: 0..<frame.bytes.count, using: &random)
            frame.bytes[offset] = [0, 1, 6, 17, 43, 44, 51, 58, 60, 255, UInt8.random(in: .min ... .max, using: &random)].randomElement(
                using: &random)!
        }
        switch Int.random(in: 0..<12, using: &random) {
        case 0: frame.bytes.removeLast(Int.random(in: 0...frame.bytes.count, using: &random))
        case 1: frame = frame.padded(to: Int.random(in: 0...200, using: &random))
        case 2: frame.offloadedTag = VLANTag(tpid: [.vlan, .serviceVLAN].randomElement(using: &random)!, vid: 7)
        case 3: frame.isSegmentationOffload = true
        default: break
        }
        return frame
    }

    static let bindings: [@Sendable (inout Binding) -> Void] = [
        { _ in },
        {
            $0.mode = .audit; $0.roles = .transit; $0.vlans = [7]; $0.linkLocalMode = .eui64
        },
        {
            $0.addresses4 = []; $0.addresses6 = []; $0.usesDHCP = true; $0.quiet = false
        },
        {
            $0.roles = [.router, .dhcp4Server, .dhcp6Server, .multicastQuerier]
            $0.etherTypes = [0x88b5]
            $0.virtualRouters = [VirtualRouter(mac: mac("00:00:5e:00:01:01"), address: .v4(ip4("192.0.2.100")))]
        },
    ]

    @Test(arguments: 0..<4)
    func `200000 random frames in every direction, and nothing traps`(number: Int) {
        var random = Chance(seed: UInt64(number))
        var site = Site(alice: Self.bindings[number])
        var reasons: Set<Reason> = []
        var hasPassed = false
        for time in 0..<50_000 as Range<UInt64> {
            let frame = Self.frame(&random)
            let direction = time % 2 == 0 ? Direction.fromGuest : Direction.allCases.randomElement(using: &random)!
            let port = [Site.alicePort, Site.alicePort, Site.alicePort, Site.uplink, Site.bridge, Site.unknownPort].randomElement(using: &random)!
            let stamp = Int.random(in: 0..<4, using: &random) == 0 ? Stamp.allCases.randomElement(using: &random)! : .stamped
            let judgement = site.model.judge(frame, port: port, direction: direction, stamp: stamp, time: time &* 1_000_000)
            if let reason = judgement.reason {
                reasons.insert(reason)
                #expect(judgement.claims.isEmpty && judgement.lesson == nil)
            } else {
                hasPassed = true
                #expect(!judgement.isDropped)
            }
        }
        #expect(hasPassed)
        #expect(reasons.count > 20)
        #expect(site.model.ports[Site.alicePort]!.claims.count <= PortState.maximumClaims)
    }
}
