import Addresses
import Packets
import Testing

@Suite struct IPv4Tests {
    private func header(_ packet: NetworkPacket, present: Int? = nil, isSegmentationOffload: Bool = false) throws -> IPv4Header {
        try #require(IPv4Header(Bytes(packet.bytes).prefix(present ?? packet.bytes.count), isSegmentationOffload: isSegmentationOffload))
    }
    private func packet(
        _ upper: UpperLayer = .udp(from: 1, to: 2), options: [UInt8] = [], version: UInt8 = 4, headerLength: Int? = nil, totalLength: UInt16? = nil
    ) -> NetworkPacket {
        .ipv4(
            from: Samples.guest4, to: Samples.router4, upper, options: options, version: version, headerLength: headerLength, totalLength: totalLength
        )
    }

    @Test func `reads every field of the header`() throws {
        let header = try header(
            .ipv4(
                from: Samples.guest4, to: Samples.router4, .raw(.gre, [1, 2]), fragmentOffset: 0x1abc, moreFragments: true, dontFragment: true,
                identification: 0x1234, timeToLive: 7, typeOfService: 0xb8, checksum: 0xbeef))
        #expect(header.version == 4 && header.headerLength == 20 && header.totalLength == 22 && header.typeOfService == 0xb8)
        #expect(header.identification == 0x1234 && header.dontFragment && header.moreFragments && header.fragmentOffset == 0x1abc)
        #expect(header.timeToLive == 7 && header.proto == .gre && header.checksum == 0xbeef)
        #expect(header.source == Samples.guest4 && header.destination == Samples.router4 && header.payload.array == [1, 2])
    }

    @Test func `is well-formed up to its limits and not beyond`() throws {
        #expect(try header(packet()).isWellFormed)
        #expect(try !header(packet(version: 5)).isWellFormed)
        #expect(try !header(packet(headerLength: 16)).isWellFormed)
        #expect(try header(packet(totalLength: 20)).isWellFormed)
        #expect(try !header(packet(totalLength: 19)).isWellFormed)
        #expect(try !header(packet(totalLength: 29)).isWellFormed)
        #expect(try !header(packet(), present: 27).isWellFormed)
        #expect(try !header(packet(headerLength: 32)).isWellFormed)
        #expect(IPv4Header(Bytes(packet().bytes).prefix(19)) == nil)
    }

    @Test func `reads nothing behind the total length`() throws {
        #expect(try header(packet(.raw(.udp, [1, 2, 3, 4]), totalLength: 22)).payload.array == [1, 2])
        #expect(try header(packet(.raw(.udp, [1, 2, 3, 4]), totalLength: 22)).payloadPresent.count == 4)
    }

    @Test func `a super-packet counts with all that is there`() throws {
        let large = packet(.raw(.tcp, [UInt8](repeating: 0, count: 65_516)))
        #expect(large.bytes.count == 65_536)
        #expect(try header(large, isSegmentationOffload: true).total == 65_536)
        #expect(try header(large, isSegmentationOffload: true).isWellFormed)
        #expect(try !header(large).isWellFormed)
        #expect(try !header(large, present: 65_535, isSegmentationOffload: true).isWellFormed)
    }

    @Test func `walks options to the end of the list`() throws {
        let options = try header(packet(options: [1, 1, 148, 4, 0, 0, 131, 3, 4, 0])).options
        #expect(options.isWhole && options.map(\.type) == [148, 131] && options.contains(where: \.isSourceRoute))
        // What is behind the end of the list isn't an option.
        #expect(try header(packet(options: [0, 131, 3, 4])).options.isEmpty)
        #expect(try header(packet()).options.isWhole)
    }

    @Test(
        arguments: [
            ([131, 0, 0, 0], 0), ([131, 1, 0, 0], 0), ([1, 131, 4, 0], 1), ([1, 1, 1, 131], 3), ([148, 4, 0, 0, 7, 255, 4, 0], 4),
        ] as [([UInt8], Int)])
    func `says where options break`(options: [UInt8], brokenAt: Int) throws {
        #expect(try header(packet(options: options)).options.brokenAt == brokenAt)
    }

    @Test func `fragments carry the whole payload in order`() throws {
        let payload = (0..<3000).map { UInt8(truncatingIfNeeded: $0) }
        let frame = Frame.ethernet(from: Samples.guest, to: Samples.router, tags: [VLANTag(vid: 7)], packet(.udp(from: 1, to: 2, payload: payload)))
        let fragments = try frame.fragments(mtu: 1500, identification: 9).map { try #require($0.ipv4) }
        // 3008 bytes: 1480, 1480, 48.
        #expect(fragments.map(\.totalLength) == [1500, 1500, 68] && fragments.map(\.fragmentOffset) == [0, 185, 370])
        #expect(fragments.map(\.moreFragments) == [true, true, false])
        #expect(fragments.allSatisfy { $0.isWellFormed && $0.hasValidChecksum && $0.isFragment && $0.identification == 9 })
        #expect(Array(fragments.flatMap(\.payload.array)) == frame.ipv4!.payload.array)
        #expect(frame.fragments(mtu: 4000) == [frame])
    }

    @Test func `knows ICMP and IGMP by their first bytes`() throws {
        #expect(ICMPMessage(Bytes([5]))?.type == ICMPMessage.redirect && ICMPMessage(Bytes([5]))?.code == nil && ICMPMessage(Bytes([])) == nil)
        let report = try #require(IGMPMessage(Samples.ipv4[3].ipv4!.payload))
        #expect(report.type == IGMPMessage.reportV3 && report.group == nil)
        #expect(report.recordGroups == [IPv4Address(239, 1, 2, 3), IPv4Address(239, 1, 2, 4)])
        #expect(try #require(IGMPMessage(Samples.ipv4[2].ipv4!.payload)).group == IPv4Address(239, 1, 2, 3))
    }
}
