import Addresses
import Packets
import Testing

@Suite struct IPv6Tests {
    private func packet(_ headers: [ExtensionHeader] = [], _ upper: UpperLayer = .udp(from: 1, to: 2), payloadLength: UInt16? = nil) -> NetworkPacket
    {
        .ipv6(from: Samples.guest6, to: Samples.router6, extensionHeaders: headers, upper, payloadLength: payloadLength)
    }
    private func header(_ packet: NetworkPacket, isSegmentationOffload: Bool = false) throws -> IPv6Header {
        try #require(IPv6Header(Bytes(packet.bytes), isSegmentationOffload: isSegmentationOffload))
    }
    private func chain(_ headers: [ExtensionHeader], _ upper: UpperLayer = .udp(from: 1, to: 2)) throws -> ExtensionHeaderChain {
        try header(packet(headers, upper)).chain
    }

    @Test func `reads every field of the header`() throws {
        let packet = NetworkPacket.ipv6(
            from: Samples.guest6, to: Samples.router6, .raw(.gre, [1, 2]), hopLimit: 9, trafficClass: 0xb8, flowLabel: 0xabcde)
        #expect(Array(packet.bytes.prefix(8)) == [0x6b, 0x8a, 0xbc, 0xde, 0, 2, 47, 9])
        let header = try header(packet)
        #expect(header.version == 6 && header.trafficClass == 0xb8 && header.flowLabel == 0xabcde && header.payloadLength == 2)
        #expect(header.nextHeader == .gre && header.hopLimit == 9 && header.source == Samples.guest6 && header.destination == Samples.router6)
        #expect(IPv6Header(Bytes(packet.bytes).prefix(39)) == nil)
    }

    @Test func `is well-formed up to the bytes present, and no jumbogram`() throws {
        #expect(try header(packet()).isWellFormed)
        #expect(try !header(packet(payloadLength: 9)).isWellFormed)
        #expect(try header(packet(payloadLength: 7)).payload.count == 7)
        #expect(try !header(packet([.hopByHop()], payloadLength: 0)).isWellFormed)
        #expect(try header(packet([], .raw(.noNextHeader))).isWellFormed)
    }

    @Test func `a super-packet ends with the frame`() throws {
        let large = packet([.hopByHop()], .raw(.tcp, [UInt8](repeating: 0, count: 65_528)))
        let header = try header(large, isSegmentationOffload: true)
        #expect(header.payloadLength == 0 && header.isSuperPacket && header.isWellFormed && header.payload.count == 65_536)
        #expect(try !self.header(large).isWellFormed)
    }

    @Test func `follows a chain of all kinds to the upper layer`() throws {
        let chain = try chain([.routerAlert, .destinationOptions(), .routing(type: 4, data: Samples.router6.bytes), .authentication(), .fragment()])
        #expect(chain.headers.map(\.kind) == [.hopByHop, .destinationOptions, .routing, .authentication, .fragment])
        // 8, 8, 8+16, 24, 8.
        #expect(chain.headers.map(\.offset) == [0, 8, 16, 40, 64])
        #expect(chain.upperLayer?.proto == .udp && chain.upperLayer?.offset == 72 && chain.breakage == nil)
        #expect(try #require(chain.fragment).isAtomic)
    }

    @Test func `stops behind the header of a later fragment`() throws {
        let chain = try chain([.fragment(offset: 2, moreFragments: true, identification: 77), .hopByHop()])
        let fragment = try #require(chain.fragment)
        #expect(fragment.nextHeader == .hopByHop && fragment.offset == 2 && fragment.moreFragments && fragment.identification == 77)
        #expect(chain.isLaterFragment && chain.upperLayer == nil && chain.breakage == nil && chain.headers.count == 1)
    }

    @Test func `says why a chain breaks`() throws {
        #expect(try chain([.destinationOptions(), .hopByHop()]).breakage == .hopByHopNotFirst)
        #expect(try chain([.fragment(), .fragment()]).breakage == .secondFragment)
        #expect(try chain([.routing(type: 0)]).breakage == .routingType0)
        #expect(try chain([.destinationOptions()], .raw(.destinationOptions, [17])).breakage == .cutShort)
        #expect(try chain([], .raw(.routing, [17, 1, 2, 0, 0, 0, 0, 0])).breakage == .cutShort)
        #expect(try chain([], .raw(.fragment, [17, 0, 0, 0, 0, 0, 0])).breakage == .cutShort)
    }

    @Test func `follows eight headers and 512 bytes and no more`() throws {
        let small = ExtensionHeader.destinationOptions()
        #expect(try chain([ExtensionHeader](repeating: small, count: 8)).upperLayer?.offset == 64)
        #expect(try chain([ExtensionHeader](repeating: small, count: 9)).breakage == .tooManyHeaders)
        let padding = [1, 255] + [UInt8](repeating: 0, count: 255)
        let large = ExtensionHeader.destinationOptions(options: padding + [1, 235] + [UInt8](repeating: 0, count: 235))
        #expect(try chain([large, small]).upperLayer?.offset == 504)
        #expect(try chain([large, small, small]).upperLayer?.offset == 512)
        #expect(try chain([large, small, small, small]).breakage == .tooLong)
    }

    /// Policy's order: kind, number, whole, routing type, bytes.
    @Test func `names the first limit that a header exceeds`() throws {
        let eight = [ExtensionHeader](repeating: .destinationOptions(), count: 8)
        #expect(try chain(eight + [.hopByHop()]).breakage == .hopByHopNotFirst)
        #expect(try chain(eight + [.routing(type: 0)]).breakage == .tooManyHeaders)
        #expect(try chain([], .raw(.routing, [17, 1, 0, 0, 0, 0, 0, 0])).breakage == .cutShort)
        #expect(try chain([.destinationOptions(options: [UInt8](repeating: 0, count: 510)), .routing(type: 0)]).breakage == .routingType0)
    }

    @Test func `fragments keep what belongs to all of them`() throws {
        let payload = (0..<3000).map { UInt8(truncatingIfNeeded: $0) }
        let frame = Frame.ethernet(
            from: Samples.guest, to: Samples.router, packet([.hopByHop(), .destinationOptions()], .udp(from: 1, to: 2, payload: payload)))
        let fragments = try frame.fragments(mtu: 1280, identification: 5).map { try #require($0.ipv6) }
        #expect(fragments.count == 3 && fragments.allSatisfy { $0.isWellFormed && $0.chain.headers.map(\.kind).prefix(2) == [.hopByHop, .fragment] })
        // 1280 - 40 - 8 - 8 = 1224 bytes of the fragmentable part, which begins with the destination options.
        #expect(fragments.map { $0.chain.fragment?.offset } == [0, 153, 306])
        #expect(fragments.map { $0.chain.fragment?.nextHeader } == [.destinationOptions, .destinationOptions, .destinationOptions])
        #expect(fragments.map { $0.chain.fragment?.moreFragments } == [true, true, false])
        #expect(Array(fragments.flatMap { $0.payload.array.dropFirst(16) }) == Array(frame.ipv6!.payload.array.dropFirst(8)))
    }
}
