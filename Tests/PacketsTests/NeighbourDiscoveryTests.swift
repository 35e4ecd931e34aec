import Addresses
import Packets
import Testing

@Suite struct NeighbourDiscoveryTests {
    private func message(_ upper: UpperLayer) throws -> ICMPv6Message { try #require(ICMPv6Message(Bytes(upper.bytes))) }

    @Test func `a solicitation is laid out as RFC 4861 has it`() throws {
        let upper = UpperLayer.neighbourSolicitation(target: Samples.router6, options: [.sourceLinkLayer(Samples.guest)])
        #expect(upper.bytes == [135, 0, 0, 0, 0, 0, 0, 0] + Samples.router6.bytes + [1, 1, 0x00, 0x16, 0x3e, 0x38, 0xb4, 0xac])
        #expect(upper.hopLimit == 255)
        let message = try message(upper)
        #expect(message.isNeighbourDiscovery && message.target == Samples.router6 && message.fixedLength == 24)
        #expect(message.options?.map(\.linkLayerAddress) == [Samples.guest])
    }

    @Test func `an advertisement has its flags`() throws {
        let router = try message(.neighbourAdvertisement(target: Samples.guest6, router: true, solicited: false, override: false))
        #expect(router.isFromRouter && !router.isSolicited && !router.isOverride)
        let answer = try message(.neighbourAdvertisement(target: Samples.guest6, router: false, solicited: true, override: true))
        #expect(!answer.isFromRouter && answer.isSolicited && answer.isOverride)
        // Only an advertisement has them.
        #expect(try !message(.icmpv6(.echoRequest, rest: [0xff, 0xff, 0xff, 0xff])).isSolicited)
    }

    @Test func `a redirect has a target and a destination`() throws {
        let message = try message(.redirect(target: Samples.router6, destination: Samples.guest6))
        #expect(message.target == Samples.router6 && message.redirectDestination == Samples.guest6)
        #expect(message.options?.isWhole == true)
    }

    @Test(
        arguments: [
            (133, 8), (134, 16), (135, 24), (136, 24), (137, 40), (141, 8), (142, 8),
        ] as [(UInt8, Int)])
    func `options begin behind the fixed part`(type: UInt8, length: Int) throws {
        let kind = ICMPv6Message.Kind(rawValue: type)
        let whole = [UInt8](repeating: 0, count: length - 4)
        #expect(try message(.icmpv6(kind, rest: whole)).options?.isWhole == true)
        #expect(try message(.icmpv6(kind, rest: whole.dropLast())).options == nil)
        #expect(try message(.icmpv6(kind, rest: whole + [1, 1, 0, 0, 0, 0, 0, 0])).options?.count == 1)
    }

    @Test(arguments: [[1, 0, 0, 0, 0, 0, 0, 0], [1], [1, 2, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0]] as [[UInt8]])
    func `options of no length or beyond the end break the walk`(option: [UInt8]) throws {
        let options = try message(.routerSolicitation(options: [.sourceLinkLayer(Samples.guest), .raw(option)])).options
        #expect(options?.brokenAt == 16 && options?.count == 1)
    }

    @Test func `a link-layer option of another length holds no MAC`() throws {
        let long = NeighbourDiscoveryOption.option(.sourceLinkLayer, Samples.guest.bytes + [0])
        #expect(long.bytes.count == 16 && long.linkLayerAddress == nil)
        #expect(NeighbourDiscoveryOption.option(.nonce, Samples.guest.bytes).linkLayerAddress == nil)
    }

    @Test func `MLD messages name their groups`() throws {
        #expect(try MLDMessage(message(.mldReport(group: .allRouters)))?.group == .allRouters)
        #expect(try MLDMessage(message(.mldQuery()))?.group == .unspecified)
        #expect(try MLDMessage(message(.mldReportV2(groups: [.allRouters, .allNodes])))?.recordGroups == [.allRouters, .allNodes])
        #expect(try MLDMessage(message(.routerSolicitation())) == nil)
        // A count of records that aren't there.
        #expect(try MLDMessage(message(.icmpv6(.multicastReportV2, rest: [0, 0, 0xff, 0xff])))?.recordGroups == [])
    }
}
