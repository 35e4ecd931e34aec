import Addresses
import Packets
import Policy
import Testing

/// Rules S5 to S9 of policy.md.
@Suite struct NeighbourDiscoveryTests {
    var site = Site()

    let solicitation = UpperLayer.neighbourSolicitation(target: Gateway.ip6, options: [.sourceLinkLayer(Alice.mac)])
    let advertisement = UpperLayer.neighbourAdvertisement(target: Alice.ip6, options: [.targetLinkLayer(Alice.mac)])

    func solicit(_ message: UpperLayer, headers: [ExtensionHeader] = [], hopLimit: UInt8? = nil) -> Frame {
        .alice6(message, to: Gateway.ip6.solicitedNodeGroup, headers: headers, hopLimit: hopLimit)
    }

    @Test mutating func `honest solicitations and advertisements pass`() {
        #expect(site.fromAlice(solicit(solicitation)) == nil)
        #expect(site.fromAlice(solicit(.neighbourSolicitation(target: Gateway.ip6))) == nil)
        #expect(site.fromAlice(.alice6(advertisement, to: Gateway.ip6)) == nil)
        #expect(site.fromAlice(.alice6(.routerSolicitation(options: [.sourceLinkLayer(Alice.mac)]), to: .allRouters)) == nil)
    }

    @Test mutating func `S5: no extension header at all, not even a fragment header`() {
        let headers: [ExtensionHeader] = [
            .hopByHop(), .destinationOptions(), .routing(type: 4), .fragment(), .fragment(moreFragments: true), .authentication(),
        ]
        for header in headers {
            #expect(site.fromAlice(solicit(solicitation, headers: [header])) == .ndMalformed)
            #expect(site.fromAlice(.alice6(.routerAdvertisement(), to: .allNodes, headers: [header])) == .ndMalformed)
        }
    }

    @Test mutating func `S5: hop limit 255 and code 0`() {
        #expect(site.fromAlice(solicit(solicitation, hopLimit: 254)) == .ndMalformed)
        #expect(site.fromAlice(solicit(.neighbourSolicitation(target: Gateway.ip6, code: 1))) == .ndMalformed)
        #expect(site.fromAlice(.alice6(.routerSolicitation(code: 1), to: .allRouters)) == .ndMalformed)
    }

    @Test(arguments: [(133, 8), (134, 16), (135, 24), (136, 24), (137, 40), (141, 8), (142, 8)] as [(UInt8, Int)])
    func `S5: the fixed part is there`(type: UInt8, length: Int) {
        var site = Site { $0.roles = .router }
        func frame(_ length: Int) -> Frame {
            var bytes = [UInt8](repeating: 0, count: length)
            bytes[0] = type
            bytes.replaceSubrange(8..<max(8, min(length, 24)), with: Alice.ip6.bytes.prefix(max(0, min(length, 24) - 8)))
            return .alice6(.raw(.icmpv6, bytes), hopLimit: 255)
        }
        let whole: Reason? = type > 140 ? .icmp6Control : nil
        #expect(site.fromAlice(frame(length)) == whole)
        for short in 8..<max(9, length) where short < length { #expect(site.fromAlice(frame(short)) == .ndMalformed) }
        for short in 1..<8 {
            #expect(site.fromAlice(.alice6(.raw(.icmpv6, [type] + [UInt8](repeating: 0, count: short - 1)), hopLimit: 255)) == .ndMalformed)
        }
    }

    @Test mutating func `S5: options walk exactly to the end`() {
        func frame(_ options: [UInt8]) -> Frame {
            var message = UpperLayer.neighbourSolicitation(target: Gateway.ip6)
            message.bytes += options
            return solicit(message)
        }
        let nonce: [UInt8] = [14, 1, 1, 2, 3, 4, 5, 6]
        #expect(site.fromAlice(frame(nonce)) == nil)
        #expect(site.fromAlice(frame(nonce.dropLast())) == .ndMalformed)
        #expect(site.fromAlice(frame(nonce + [14])) == .ndMalformed)
        #expect(site.fromAlice(frame([14, 0] + nonce.dropFirst(2))) == .ndMalformed)
        #expect(site.fromAlice(frame([14, 2] + nonce.dropFirst(2))) == .ndMalformed)
        #expect(site.fromAlice(frame([14, 2] + [UInt8](repeating: 0, count: 14))) == nil)
        #expect(site.fromAlice(frame([[UInt8]](repeating: nonce, count: 32).flatMap { $0 })) == nil)
        #expect(site.fromAlice(frame([[UInt8]](repeating: nonce, count: 33).flatMap { $0 })) == .ndMalformed)
    }

    @Test mutating func `S6: no router advertisement or redirect without the role`() {
        let advertisement = Frame.alice6(.routerAdvertisement(), from: Alice.linkLocal, to: .allNodes)
        let redirect = Frame.alice6(.redirect(target: Alice.linkLocal, destination: far6), from: Alice.linkLocal, to: Gateway.ip6)
        #expect(site.fromAlice(advertisement) == .raGuard)
        #expect(site.fromAlice(redirect) == .ndRedirect)
        var router = Site { $0.roles = .router }
        #expect(router.fromAlice(advertisement) == nil)
        #expect(router.fromAlice(redirect) == nil)
    }

    @Test mutating func `S7: the target is not multicast`() {
        #expect(site.fromAlice(.alice6(.neighbourSolicitation(target: .allNodes), to: .allNodes)) == .ndSolicitation)
        #expect(site.fromAlice(.alice6(.neighbourSolicitation(target: .allNodes), from: .unspecified, to: .allNodes)) == .ndSolicitation)
    }

    @Test mutating func `S7: one source link-layer option, of 8 bytes, with the frame's source`() {
        func frame(_ options: [NeighbourDiscoveryOption]) -> Frame { solicit(.neighbourSolicitation(target: Gateway.ip6, options: options)) }
        #expect(site.fromAlice(frame([.sourceLinkLayer(Bob.mac)])) == .ndSolicitation)
        #expect(site.fromAlice(frame([.sourceLinkLayer(Alice.mac), .sourceLinkLayer(Alice.mac)])) == .ndSolicitation)
        #expect(site.fromAlice(frame([.sourceLinkLayer(Alice.mac), .sourceLinkLayer(Bob.mac)])) == .ndSolicitation)
        let long = NeighbourDiscoveryOption.raw([1, 2] + Alice.mac.bytes + [UInt8](repeating: 0, count: 8))
        #expect(site.fromAlice(frame([long])) == .ndSolicitation)
        #expect(site.fromAlice(frame([.targetLinkLayer(Bob.mac), .sourceLinkLayer(Alice.mac)])) == nil)
    }

    @Test mutating func `S7: duplicate address detection is for her own addresses`() {
        func probe(_ target: IPv6Address, to group: IPv6Address? = nil, options: [NeighbourDiscoveryOption] = []) -> Frame {
            .alice6(.neighbourSolicitation(target: target, options: options), from: .unspecified, to: group ?? target.solicitedNodeGroup)
        }
        #expect(site.fromAlice(probe(Alice.ip6)) == nil)
        #expect(site.fromAlice(probe(Alice.linkLocal)) == nil)
        #expect(site.fromAlice(probe(Alice.ip6, options: [.option(.nonce, [1, 2, 3, 4, 5, 6])])) == nil)
        #expect(site.fromAlice(probe(Bob.ip6)) == .ndSolicitation)
        #expect(site.fromAlice(probe(far6)) == .ndSolicitation)
        #expect(site.fromAlice(probe(Alice.ip6, to: .allNodes)) == .ndSolicitation)
        #expect(site.fromAlice(probe(Alice.ip6, to: Alice.ip6)) == .ndSolicitation)
        #expect(site.fromAlice(probe(Alice.ip6, options: [.sourceLinkLayer(Alice.mac)])) == .ndSolicitation)
    }

    @Test mutating func `S8: only her own addresses are advertised, from whatever source`() {
        func advertise(_ target: IPv6Address, from source: IPv6Address = Alice.linkLocal, to destination: IPv6Address = Gateway.ip6) -> Frame {
            .alice6(.neighbourAdvertisement(target: target, options: [.targetLinkLayer(Alice.mac)]), from: source, to: destination)
        }
        #expect(site.fromAlice(advertise(Alice.ip6)) == nil)
        #expect(site.fromAlice(advertise(Alice.linkLocal, from: Alice.ip6)) == nil)
        #expect(site.fromAlice(advertise(Gateway.ip6)) == .ndAdvertisement)
        #expect(site.fromAlice(advertise(Bob.ip6)) == .ndAdvertisement)
        #expect(site.fromAlice(advertise(far6)) == .ndAdvertisement)
        #expect(site.fromAlice(advertise(Gateway.ip6, from: Bob.ip6)) == .ip6Source)
        var transit = Site { $0.roles = .transit }
        #expect(transit.fromAlice(advertise(far6)) == .ndAdvertisement)
    }

    @Test mutating func `S8: one target link-layer option, of 8 bytes, with the frame's source`() {
        func frame(_ options: [NeighbourDiscoveryOption]) -> Frame {
            .alice6(.neighbourAdvertisement(target: Alice.ip6, options: options), to: Gateway.ip6)
        }
        #expect(site.fromAlice(frame([])) == nil)
        #expect(site.fromAlice(frame([.targetLinkLayer(Bob.mac)])) == .ndAdvertisement)
        #expect(site.fromAlice(frame([.targetLinkLayer(Alice.mac), .targetLinkLayer(Alice.mac)])) == .ndAdvertisement)
        let long = NeighbourDiscoveryOption.raw([2, 2] + Alice.mac.bytes + [UInt8](repeating: 0, count: 8))
        #expect(site.fromAlice(frame([long])) == .ndAdvertisement)
        #expect(site.fromAlice(frame([.sourceLinkLayer(Bob.mac), .targetLinkLayer(Alice.mac)])) == nil)
    }

    @Test mutating func `S8: to a group it isn't solicited, and the router flag is free`() {
        #expect(site.fromAlice(.alice6(.neighbourAdvertisement(target: Alice.ip6, solicited: true), to: .allNodes)) == .ndAdvertisement)
        #expect(site.fromAlice(.alice6(.neighbourAdvertisement(target: Alice.ip6, solicited: false), to: .allNodes)) == nil)
        #expect(site.fromAlice(.alice6(.neighbourAdvertisement(target: Alice.ip6, router: true, solicited: false), to: .allNodes)) == nil)
    }

    @Test mutating func `S9: a router solicitation tells the frame's source or none`() {
        func frame(_ options: [NeighbourDiscoveryOption]) -> Frame { .alice6(.routerSolicitation(options: options), to: .allRouters) }
        #expect(site.fromAlice(frame([.sourceLinkLayer(Bob.mac)])) == .ndRouterSolicitation)
        #expect(site.fromAlice(frame([.sourceLinkLayer(Alice.mac), .sourceLinkLayer(Alice.mac)])) == .ndRouterSolicitation)
        #expect(site.fromAlice(frame([.raw([1, 2] + Alice.mac.bytes + [UInt8](repeating: 0, count: 8))])) == .ndRouterSolicitation)
        #expect(site.fromAlice(frame([])) == nil)
    }
}
