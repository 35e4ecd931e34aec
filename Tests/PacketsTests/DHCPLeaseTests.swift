import Addresses
import Packets
import Testing

/// What DHCP messages say of leases.
@Suite struct DHCPLeaseTests {
    private static func message4(_ upper: UpperLayer) throws -> DHCPv4Message {
        try #require(UDPHeader(Bytes(upper.bytes)).flatMap { DHCPv4Message($0.payload) })
    }

    private static func message6(_ options: [DHCPv6Message.Option]) throws -> DHCPv6Message {
        let upper = UpperLayer.dhcpv6(DHCPv6Message.reply, options: options, from: 547, to: 546)
        return try #require(UDPHeader(Bytes(upper.bytes)).flatMap { DHCPv6Message($0.payload) })
    }

    @Test func `lease time, server and requested address are options 51, 54 and 50 (RFC 2132 9)`() throws {
        let message = try Self.message4(
            .dhcpv4(
                2, clientMAC: Samples.guest, messageType: 5, yourAddress: Samples.guest4,
                options: [
                    .init(code: 54, data: Bytes(Samples.router4.bytes)), .init(code: 51, data: Bytes([0, 0, 0x0e, 0x10])),
                    .init(code: 50, data: Bytes(Samples.guest4.bytes)),
                ]))
        #expect(message.leaseTime == 3600 && message.serverIdentifier == Samples.router4 && message.requestedAddress == Samples.guest4)
        #expect(!message.hasRapidCommit)
    }

    /// RFC 2131 4.1: the options field, then the boot file's if bit 1 is set, then the server name's with bit 2.
    @Test(arguments: [(0, nil, nil), (1, 5, nil), (2, 6, 7), (3, 5, 7)] as [(UInt8, UInt8?, UInt32?)])
    func `options may go on in the fields for file and server name`(overload: UInt8, type: UInt8?, leaseTime: UInt32?) throws {
        var bytes = try #require(
            UDPHeader(
                Bytes(UpperLayer.dhcpv4(2, clientMAC: Samples.guest, messageType: nil, options: [.init(code: 52, data: Bytes([overload]))]).bytes))
        ).payload.array
        bytes.replaceSubrange(108..<112, with: [53, 1, 5, 255])
        bytes.replaceSubrange(44..<54, with: [53, 1, 6, 51, 4, 0, 0, 0, 7, 255])
        let message = try #require(DHCPv4Message(Bytes(bytes)))
        #expect(message.messageType == type && message.leaseTime == leaseTime)
        #expect(message.options?.count == 1)
    }

    @Test func `an overload within an overloaded field means nothing`() throws {
        var bytes = try #require(
            UDPHeader(Bytes(UpperLayer.dhcpv4(2, clientMAC: Samples.guest, messageType: nil, options: [.init(code: 52, data: Bytes([1]))]).bytes))
        ).payload.array
        bytes.replaceSubrange(108..<112, with: [52, 1, 2, 255])
        bytes.replaceSubrange(44..<48, with: [53, 1, 6, 255])
        #expect(try #require(DHCPv4Message(Bytes(bytes))).messageType == nil)
    }

    @Test func `all three kinds of associations are read (RFC 8415 21)`() throws {
        let delegated = IPv6Prefix("2001:db8:1::/56")!
        let message = try Self.message6([
            .client([1, 2]), .server([3]), .addresses([Samples.guest6], association: 7, lifetime: 60),
            .addresses([Samples.router6], isTemporary: true, lifetime: .max), .delegation([delegated], lifetime: 0),
        ])
        #expect(message.clientIdentifier == Bytes([1, 2]) && message.serverIdentifier == Bytes([3]) && message.status == 0)
        #expect(message.associations.map(\.kind) == [.nonTemporary, .temporary, .delegation])
        #expect(message.associations.map(\.identifier) == [7, 1, 1])
        #expect(message.associations.flatMap(\.grants).map(\.prefix) == [IPv6Prefix(Samples.guest6), IPv6Prefix(Samples.router6), delegated])
        #expect(message.associations.flatMap(\.grants).map(\.validLifetime) == [60, .max, 0])
    }

    @Test func `status codes are those of their own level`() throws {
        let message = try Self.message6([.addresses([Samples.guest6], status: 2), .addresses([Samples.router6]), .rapid])
        #expect(message.status == 0 && message.associations.map(\.status) == [2, 0] && message.hasRapidCommit)
        #expect(try Self.message6([.status(5)]).status == 5)
        // NoBinding within the address itself.
        let inner = Samples.guest6.bytes + [0, 0, 0, 1, 0, 0, 0, 1, 0, 13, 0, 2, 0, 3]
        let option = DHCPv6Message.Option(code: 3, data: Bytes([UInt8](repeating: 0, count: 12) + [0, 5, 0, 30] + inner))
        #expect(try Self.message6([option]).associations.first?.grants.first?.status == 3)
    }

    @Test func `what makes no sense is left out`() throws {
        // Preferred for longer than valid (RFC 8415 21.6), an address in an IA_PD, a prefix of 129 bits, one cut short.
        let longer = [0, 5, 0, 24] + Samples.guest6.bytes + [0, 0, 0, 2, 0, 0, 0, 1]
        let wide: [UInt8] = [0, 26, 0, 25] + [0, 0, 0, 1, 0, 0, 0, 1, 129] + Samples.guest6.bytes
        let short: [UInt8] = [0, 26, 0, 24] + [0, 0, 0, 1, 0, 0, 0, 1, 64] + Samples.guest6.bytes.prefix(15)
        let head = [UInt8](repeating: 0, count: 12)
        for (code, inner) in [(3, longer), (25, longer), (25, wide), (25, short), (3, wide)] as [(UInt16, [UInt8])] {
            let association = try #require(try Self.message6([.init(code: code, data: Bytes(head + inner))]).associations.first)
            #expect(association.grants.isEmpty)
        }
        #expect(try Self.message6([.init(code: 3, data: Bytes(Array(head.dropLast())))]).associations.isEmpty)
    }

    @Test func `bits behind a prefix's length are ignored (RFC 8415 21.22)`() throws {
        let inner: [UInt8] = [0, 26, 0, 25] + [0, 0, 0, 1, 0, 0, 0, 1, 56] + IPv6Address("2001:db8:1:ff::1")!.bytes
        let message = try Self.message6([.init(code: 25, data: Bytes([UInt8](repeating: 0, count: 12) + inner))])
        #expect(message.associations.first?.grants.map(\.prefix) == [IPv6Prefix("2001:db8:1::/56")!])
        #expect(message.associations.first?.grants.first?.prefix.address == IPv6Address("2001:db8:1::")!)
    }
}
