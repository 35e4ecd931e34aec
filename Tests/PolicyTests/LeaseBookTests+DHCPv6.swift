import Addresses
import Packets
import Policy
import Testing

/// DHCPv6 messages.
extension LeaseBookTests {
    static let address6 = IPv6Address("2001:db8::77")!
    static let serverLinkLocal = serverMAC.eui64LinkLocal

    static func fromGuest6(_ type: UInt8, _ options: [DHCPv6Message.Option] = []) throws -> LeaseMessage {
        let upper = UpperLayer.dhcpv6(type, transaction: 7, options: [.client([1])] + options)
        let packet = NetworkPacket.ipv6(from: mac.eui64LinkLocal, to: IPv6Address("ff02::1:2")!, upper)
        return try #require(LeaseMessage(.ethernet(from: mac, to: serverMAC, packet)))
    }

    static func reply(
        _ options: [DHCPv6Message.Option], _ number: UInt32 = 7, client: [UInt8] = [1], hasServer: Bool = true,
        at destination: IPv6Address = mac.eui64LinkLocal
    ) throws -> LeaseMessage {
        let named = [.client(client)] + (hasServer ? [.server([2])] : []) + options
        let upper = UpperLayer.dhcpv6(DHCPv6Message.reply, transaction: number, options: named, from: 547, to: 546)
        return try #require(LeaseMessage(.ethernet(from: serverMAC, to: mac, .ipv6(from: serverLinkLocal, to: destination, upper))))
    }

    static func lease6(_ prefix: IPv6Prefix = IPv6Prefix(address6), until expiry: UInt64 = start + 3600 * second) -> Lease {
        lease(.v6(prefix), until: expiry, server: .v6(serverLinkLocal))
    }

    private mutating func exchange6(_ answer: LeaseMessage, asking type: UInt8 = DHCPv6Message.request) throws -> [LeaseChange] {
        #expect(book.take(fromGuest: try Self.fromGuest6(type), on: site, at: Self.start).isEmpty)
        return book.take(toGuest: answer, on: site, at: Self.start)
    }

    @Test(arguments: [DHCPv6Message.request, DHCPv6Message.renew, DHCPv6Message.rebind])
    func `a reply binds addresses and delegated prefixes (RFC 8415 18_2_10)`(type: UInt8) throws {
        let delegated = IPv6Prefix("2001:db8:1::/56")!
        let temporary = IPv6Address("2001:db8::abcd")!
        var test = self
        let reply = try Self.reply([.addresses([Self.address6]), .addresses([temporary], isTemporary: true), .delegation([delegated])])
        #expect(
            try test.exchange6(reply, asking: type) == [
                .bind(Self.lease6()), .bind(Self.lease6(IPv6Prefix(temporary))), .bind(Self.lease6(delegated)),
            ])
        test.site.leases = [Self.lease6(until: Self.start + 1)]
        #expect(try test.exchange6(Self.reply([.addresses([Self.address6])]), asking: type) == [.renew(Self.lease6())])
    }

    @Test(arguments: [
        DHCPv6Message.solicit, DHCPv6Message.confirm, DHCPv6Message.informationRequest, DHCPv6Message.release, DHCPv6Message.decline,
        DHCPv6Message.relayForward, DHCPv6Message.relayReply,
    ])
    func `a reply to anything else binds nothing`(type: UInt8) throws {
        var test = self
        #expect(try test.exchange6(Self.reply([.addresses([Self.address6])]), asking: type) == [.refuse(Self.lease6().prefix, .unsolicited)])
    }

    @Test func `rapid commit of DHCPv6 binds where both say so (RFC 8415 18_2_1)`() throws {
        var test = self
        _ = test.book.take(fromGuest: try Self.fromGuest6(DHCPv6Message.solicit, [.rapid]), on: site, at: Self.start)
        let plain = try Self.reply([.addresses([Self.address6])])
        #expect(test.book.take(toGuest: plain, on: site, at: Self.start) == [.refuse(Self.lease6().prefix, .unsolicited)])
        let rapid = try Self.reply([.addresses([Self.address6]), .rapid])
        #expect(test.book.take(toGuest: rapid, on: site, at: Self.start) == [.bind(Self.lease6())])
    }

    @Test func `a reply is the client's own, and names its server (RFC 8415 16_10)`() throws {
        let addresses = [DHCPv6Message.Option.addresses([Self.address6])]
        let unsolicited = [LeaseChange.refuse(Self.lease6().prefix, .unsolicited)]
        var test = self
        #expect(try test.exchange6(Self.reply(addresses, client: [9])) == unsolicited)
        #expect(try test.exchange6(Self.reply(addresses, 8)) == unsolicited)
        #expect(try test.exchange6(Self.reply(addresses, hasServer: false)).isEmpty)
        test.site.isTrusted = false
        #expect(try test.exchange6(Self.reply(addresses)) == [.refuse(Self.lease6().prefix, .untrusted)])
    }

    @Test func `what came to nothing says so in its status (RFC 8415 21_13)`() throws {
        var test = self
        #expect(try test.exchange6(Self.reply([.addresses([Self.address6]), .status(5)])).isEmpty)
        let other = IPv6Address("2001:db8::78")!
        let half = try Self.reply([.addresses([Self.address6], status: 2), .addresses([other], association: 2)])
        #expect(try test.exchange6(half) == [.bind(Self.lease6(IPv6Prefix(other)))])
    }

    @Test func `a reply counts where it is sent to a link-local address`() throws {
        var test = self
        #expect(try !test.book.isExpected(Self.reply([]), at: 11, Self.start))
        #expect(test.book.take(fromGuest: try Self.fromGuest6(DHCPv6Message.request), on: site, at: Self.start).isEmpty)
        #expect(try test.book.isExpected(Self.reply([]), at: 11, Self.start) && !test.book.isExpected(Self.reply([], 8), at: 11, Self.start))
        #expect(try !test.book.isExpected(Self.reply([], client: [2]), at: 11, Self.start))
        for destination in ["2001:db8::77", "ff02::1", "fec0::1"] {
            #expect(try test.exchange6(Self.reply([.addresses([Self.address6])], at: IPv6Address(destination)!)).isEmpty, "\(destination)")
        }
        #expect(try test.exchange6(Self.reply([.addresses([Self.address6])], at: IPv6Address("fe80::1234")!)) == [.bind(Self.lease6())])
    }

    @Test func `a valid lifetime of 0 takes back what is held`() throws {
        var test = self
        let reply = try Self.reply([.addresses([Self.address6], lifetime: 0)])
        #expect(try test.exchange6(reply, asking: DHCPv6Message.renew).isEmpty)
        test.site.leases = [Self.lease6()]
        #expect(try test.exchange6(reply, asking: DHCPv6Message.renew) == [.unbind(Self.lease6(), .withdrawn)])
    }

    @Test func `release and decline of DHCPv6 end what they name`() throws {
        let delegated = Self.lease6(IPv6Prefix("2001:db8:1::/56")!)
        var test = self
        test.site.leases = [Self.lease6(), delegated]
        let release = try Self.fromGuest6(DHCPv6Message.release, [.delegation([IPv6Prefix("2001:db8:1::/56")!], lifetime: 0)])
        #expect(test.book.take(fromGuest: release, on: test.site, at: Self.start) == [.unbind(delegated, .released)])
        let decline = try Self.fromGuest6(DHCPv6Message.decline, [.addresses([Self.address6, IPv6Address("2001:db8::1")!], lifetime: 0)])
        #expect(test.book.take(fromGuest: decline, on: test.site, at: Self.start) == [.unbind(Self.lease6(), .declined)])
    }

    @Test(arguments: ["::", "::1", "::ffff:192.0.2.1", "fe80::1", "ff02::1"])
    func `no host's IPv6 address is bound to none`(text: String) throws {
        let address = IPv6Address(text)!
        var test = self
        #expect(try test.exchange6(Self.reply([.addresses([address])])) == [.refuse(.v6(IPv6Prefix(address)), .unusable)])
    }

    @Test func `half of the Internet isn't delegated to a guest`() throws {
        for text in ["2000::/3", "4000::/2", "8000::/1", "2001:db8::/32", "2001:d00::/39"] {
            let delegated = IPv6Prefix(text)!
            var test = self
            #expect(try test.exchange6(Self.reply([.delegation([delegated])])) == [.refuse(.v6(delegated), .unusable)])
        }
        let delegated = IPv6Prefix("2001:db8::/40")!
        var test = self
        #expect(try test.exchange6(Self.reply([.delegation([delegated])])) == [.bind(Self.lease6(delegated))])
    }

    @Test func `a delegated prefix around somebody's address isn't bound`() throws {
        let delegated = IPv6Prefix("2001:db8::/40")!
        var test = self
        test.site.owners = [(IPPrefix("2001:db8::1")!, Owner(.reserved))]
        #expect(try test.exchange6(Self.reply([.delegation([delegated])])) == [.refuse(.v6(delegated), .reserved)])
        test.site.owners = [(IPPrefix("2001:db8:5::/48")!, Owner(.guest(port: 12)))]
        #expect(try test.exchange6(Self.reply([.delegation([delegated])])) == [.refuse(.v6(delegated), .taken)])
    }

    @Test func `a ninth IPv6 lease takes the place of one that the reply doesn't name`() throws {
        var test = self
        test.site.leases = (1...8).map {
            Self.lease6(IPv6Prefix(IPv6Address(high: 0x2001_0db8 << 32, low: $0)), until: Self.start + $0 * Self.second)
        }
        // The first to end is renewed by the same reply.
        let reply = try Self.reply([.addresses([Self.address6, IPv6Address("2001:db8::1")!])])
        #expect(
            try test.exchange6(reply) == [
                .unbind(test.site.leases[1], .displaced), .bind(Self.lease6()), .renew(Self.lease6(IPv6Prefix("2001:db8::1")!)),
            ])
        // IPv4 leases take no room of theirs.
        test.site.leases[0] = Self.lease()
        #expect(try test.exchange6(Self.reply([.addresses([Self.address6])])) == [.bind(Self.lease6())])
    }

    @Test func `one reply gives no more than eight`() throws {
        let addresses = (1...9).map { IPv6Address(high: 0x2001_0db8 << 32, low: UInt64($0)) }
        var test = self
        let changes = try test.exchange6(Self.reply([.addresses(addresses)]))
        #expect(changes == addresses.prefix(8).map { .bind(Self.lease6(IPv6Prefix($0))) } + [.refuse(.v6(IPv6Prefix(addresses[8])), .excessive)])
    }
}
