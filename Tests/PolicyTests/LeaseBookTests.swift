import Addresses
import Packets
import Policy
import Testing

/// What DHCP messages do to leases (policy.md, section 11).
struct LeaseBookTests {
    private static let mac = MACAddress(0x00, 0x16, 0x3e, 0, 0, 1)
    private static let serverMAC = MACAddress(2, 0, 0, 0, 0, 0xfe)
    private static let server = IPv4Address(192, 0, 2, 254)
    private static let address = IPv4Address(192, 0, 2, 77)
    private static let second: UInt64 = 1_000_000_000
    private static let start: UInt64 = 5000 * second

    /// A guest that gets all it has by DHCP, on port 11 of bridge 2.
    private var site = LeaseSite(
        port: 11, bridge: 2, binding: Binding(guest: "www", macs: [mac], usesDHCP: true), subnets: [IPv4Prefix("192.0.2.0/24")!])
    private var book = LeaseBook()

    // MARK: DHCPv4

    private static func fromGuest(
        _ type: UInt8, _ number: UInt32 = 7, client: IPv4Address = .any, asks: IPv4Address? = nil, isRapid: Bool = false
    ) throws -> LeaseMessage {
        var options: [DHCPv4Message.Option] = asks.map { [.init(code: 50, data: Bytes($0.bytes))] } ?? []
        if isRapid { options.append(.init(code: 80, data: Bytes([]))) }
        let upper = UpperLayer.dhcpv4(clientMAC: mac, messageType: type, transaction: number, clientAddress: client, options: options)
        return try #require(LeaseMessage(.ethernet(from: mac, to: .broadcast, .ipv4(from: client, to: .broadcast, upper))))
    }

    private static func toGuest(
        _ type: UInt8, _ number: UInt32 = 7, _ address: IPv4Address = address, seconds: UInt32? = 3600, isRapid: Bool = false,
        to mac: MACAddress = mac, at destination: IPv4Address? = nil
    ) throws -> LeaseMessage {
        var options: [DHCPv4Message.Option] = [.init(code: 54, data: Bytes(server.bytes))]
        if let seconds { options.append(.init(code: 51, data: Bytes((0..<4).map { UInt8(truncatingIfNeeded: seconds >> (24 - 8 * UInt32($0))) }))) }
        if isRapid { options.append(.init(code: 80, data: Bytes([]))) }
        let upper = UpperLayer.dhcpv4(2, clientMAC: mac, messageType: type, transaction: number, yourAddress: address, options: options)
        // A refusal gives no address, and goes to everybody.
        let destination = destination ?? (address.isAny ? .broadcast : address)
        return try #require(LeaseMessage(.ethernet(from: serverMAC, to: mac, .ipv4(from: server, to: destination, upper))))
    }

    private static func lease(_ prefix: IPPrefix, until expiry: UInt64, server: IPAddress = .v4(server)) -> Lease {
        Lease(bridge: 2, port: 11, mac: mac, prefix: prefix, expiry: expiry, server: server)
    }

    private static func lease(_ address: IPv4Address = address, until expiry: UInt64 = start + 3600 * second) -> Lease {
        lease(.v4(IPv4Prefix(address)), until: expiry)
    }

    /// Asks, and is given what it asks for.
    private mutating func exchange(_ answer: LeaseMessage, at time: UInt64 = start) throws -> [LeaseChange] {
        #expect(book.take(fromGuest: try Self.fromGuest(3), on: site, at: time).isEmpty)
        return book.take(toGuest: answer, on: site, at: time)
    }

    @Test func `an acknowledgement of a request binds for as long as it says (RFC 2131 3.1)`() throws {
        var test = self
        #expect(try test.exchange(Self.toGuest(5)) == [.bind(Self.lease())])
        #expect(try test.exchange(Self.toGuest(5, seconds: .max)) == [.bind(Self.lease(until: .max))])
    }

    @Test func `an offer binds nothing, nor does a discover alone`() throws {
        var test = self
        #expect(test.book.take(fromGuest: try Self.fromGuest(1), on: site, at: Self.start).isEmpty)
        #expect(test.book.take(toGuest: try Self.toGuest(2), on: site, at: Self.start).isEmpty)
        #expect(test.book.take(toGuest: try Self.toGuest(5), on: site, at: Self.start) == [.refuse(Self.lease().prefix, .unsolicited)])
    }

    @Test func `rapid commit binds at once where both say so (RFC 4039)`() throws {
        var test = self
        #expect(test.book.take(fromGuest: try Self.fromGuest(1, isRapid: true), on: site, at: Self.start).isEmpty)
        #expect(test.book.take(toGuest: try Self.toGuest(5), on: site, at: Self.start) == [.refuse(Self.lease().prefix, .unsolicited)])
        #expect(test.book.take(toGuest: try Self.toGuest(5, isRapid: true), on: site, at: Self.start) == [.bind(Self.lease())])
    }

    @Test func `what nobody has asked for isn't bound`() throws {
        let refused = [LeaseChange.refuse(Self.lease().prefix, .unsolicited)]
        var test = self
        #expect(test.book.take(toGuest: try Self.toGuest(5), on: site, at: Self.start) == refused)
        // Another number, another client, another port.
        #expect(try test.exchange(Self.toGuest(5, 8)) == refused)
        #expect(try test.exchange(Self.toGuest(5, to: Self.serverMAC)) == refused)
        var other = site
        other.port = 12
        #expect(test.book.take(toGuest: try Self.toGuest(5), on: other, at: Self.start) == refused)
    }

    @Test func `a request is good for a minute`() throws {
        var test = self
        #expect(try !test.book.isExpected(Self.toGuest(5), at: 11, Self.start))
        #expect(test.book.take(fromGuest: try Self.fromGuest(3), on: site, at: Self.start).isEmpty)
        let last = Self.start + 60 * Self.second
        #expect(try test.book.isExpected(Self.toGuest(5), at: 11, last) && !test.book.isExpected(Self.toGuest(5), at: 11, last + 1))
        #expect(try !test.book.isExpected(Self.toGuest(5), at: 12, last) && !test.book.isExpected(Self.toGuest(5, 8), at: 11, last))
        #expect(try !test.book.isExpected(Self.toGuest(5, at: IPv4Address(192, 0, 2, 78)), at: 11, last))
        #expect(test.book.take(toGuest: try Self.toGuest(5), on: site, at: last) == [.bind(Self.lease(until: last + 3600 * Self.second))])
        #expect(test.book.take(toGuest: try Self.toGuest(5), on: site, at: last + 1) == [.refuse(Self.lease().prefix, .unsolicited)])
    }

    @Test func `a port's requests are few, and the oldest goes`() throws {
        var test = self
        for number in 0..<20 { _ = test.book.take(fromGuest: try Self.fromGuest(3, UInt32(number)), on: site, at: Self.start) }
        #expect(test.book.take(toGuest: try Self.toGuest(5, 3), on: site, at: Self.start) == [.refuse(Self.lease().prefix, .unsolicited)])
        #expect(test.book.take(toGuest: try Self.toGuest(5, 4), on: site, at: Self.start) == [.bind(Self.lease())])
        // Asking again under the same number doesn't push others out.
        for _ in 0..<20 { _ = test.book.take(fromGuest: try Self.fromGuest(3, 19), on: site, at: Self.start) }
        #expect(test.book.take(toGuest: try Self.toGuest(5, 4), on: site, at: Self.start) == [.bind(Self.lease())])
    }

    @Test func `a renewal is the same address for another time`() throws {
        var test = self
        test.site.leases = [Self.lease()]
        let later = Self.start + 1800 * Self.second
        #expect(test.book.take(fromGuest: try Self.fromGuest(3, client: Self.address), on: test.site, at: later).isEmpty)
        let renewed = Self.lease(until: later + 3600 * Self.second)
        #expect(test.book.take(toGuest: try Self.toGuest(5), on: test.site, at: later) == [.renew(renewed)])
        test.site.leases.apply(.renew(renewed))
        #expect(test.site.leases == [renewed])
    }

    @Test func `an answer counts where it is sent to everybody, or to what it gives`() throws {
        var test = self
        #expect(try test.exchange(Self.toGuest(5, at: .broadcast)) == [.bind(Self.lease())])
        // By a router, to what is the guest's: it could be anybody's.
        for destination in ["192.0.2.78", "192.0.2.255", "224.0.0.1", "0.0.0.0"] {
            #expect(try test.exchange(Self.toGuest(5, at: IPv4Address(destination)!)).isEmpty, "\(destination)")
        }
        test.site.leases = [Self.lease()]
        let later = Self.start + 1800 * Self.second
        let ask = try Self.fromGuest(3, client: Self.address)
        #expect(test.book.take(fromGuest: ask, on: test.site, at: later).isEmpty)
        #expect(test.book.take(toGuest: try Self.toGuest(6, 7, .any, at: Self.address), on: test.site, at: later).isEmpty)
        #expect(test.book.take(toGuest: try Self.toGuest(6, 7, .any, at: .any), on: test.site, at: later).isEmpty)
        #expect(test.book.take(toGuest: try Self.toGuest(6, 7, .any), on: test.site, at: later) == [.unbind(Self.lease(), .withdrawn)])
    }

    @Test func `an INFORM's answer gives no address (RFC 2131 4_3_5)`() throws {
        var test = self
        #expect(test.book.take(fromGuest: try Self.fromGuest(8, client: Self.address), on: site, at: Self.start).isEmpty)
        #expect(test.book.take(toGuest: try Self.toGuest(5, seconds: nil), on: site, at: Self.start).isEmpty)
        #expect(test.book.take(toGuest: try Self.toGuest(5), on: site, at: Self.start).isEmpty)
    }

    @Test func `for no time is not at all`() throws {
        var test = self
        #expect(try test.exchange(Self.toGuest(5, seconds: 0)) == [.refuse(Self.lease().prefix, .timeless)])
        #expect(try test.exchange(Self.toGuest(5, seconds: nil)) == [.refuse(Self.lease().prefix, .timeless)])
    }

    @Test func `another guest is no server`() throws {
        var test = self
        test.site.isTrusted = false
        #expect(try test.exchange(Self.toGuest(5)) == [.refuse(Self.lease().prefix, .untrusted)])
        test.site.leases = [Self.lease()]
        _ = test.book.take(fromGuest: try Self.fromGuest(3, client: Self.address), on: test.site, at: Self.start)
        #expect(test.book.take(toGuest: try Self.toGuest(6, 7, .any), on: test.site, at: Self.start).isEmpty)
    }

    @Test(arguments: ["0.0.0.1", "127.0.0.1", "169.254.7.7", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"])
    func `no host's address is bound to none`(text: String) throws {
        var test = self
        test.site.subnets = []
        let address = IPv4Address(text)!
        #expect(try test.exchange(Self.toGuest(5, 7, address)) == [.refuse(.v4(IPv4Prefix(address)), .unusable)])
    }

    @Test func `a subnet's own and its broadcast address are nobody's`() throws {
        for last: UInt8 in [0, 255] {
            let address = IPv4Address(192, 0, 2, last)
            var test = self
            #expect(try test.exchange(Self.toGuest(5, 7, address)) == [.refuse(.v4(IPv4Prefix(address)), .unusable)])
        }
        var test = self
        test.site.subnets = [IPv4Prefix("192.0.2.76/31")!]
        #expect(try test.exchange(Self.toGuest(5)) == [.bind(Self.lease())])
    }

    @Test func `an address outside the bridge's subnets isn't bound`() throws {
        let foreign = IPv4Address(198, 51, 100, 1)
        var test = self
        #expect(try test.exchange(Self.toGuest(5, 7, foreign)) == [.refuse(.v4(IPv4Prefix(foreign)), .foreign)])
        test.site.subnets = []
        #expect(try test.exchange(Self.toGuest(5, 7, foreign)) == [.bind(Self.lease(foreign))])
    }

    @Test(arguments: [
        (Owner(.reserved), LeaseRefusal.reserved), (Owner(.router), .reserved), (Owner(.guest(port: 12)), .taken), (Owner(.guest(port: nil)), .taken),
        (Owner(.guest(port: 11)), nil),
    ])
    func `what is somebody's isn't bound`(owner: Owner, refusal: LeaseRefusal?) throws {
        for held in ["192.0.2.77", "192.0.2.64/27"] {
            var test = self
            test.site.owners = [(IPPrefix(held)!, owner)]
            #expect(try test.exchange(Self.toGuest(5)) == [refusal.map { .refuse(Self.lease().prefix, $0) } ?? .bind(Self.lease())])
        }
        var test = self
        test.site.owners = [(IPPrefix("192.0.2.78")!, owner)]
        #expect(try test.exchange(Self.toGuest(5)) == [.bind(Self.lease())])
    }

    @Test func `a fifth IPv4 address takes the place of the one that ends first, one that is held is renewed`() throws {
        var test = self
        test.site.leases = (1...4).map { Self.lease(IPv4Address(192, 0, 2, $0), until: Self.start + ($0 == 3 ? 60 : 600) * Self.second) }
        let third = test.site.leases[2]
        #expect(try test.exchange(Self.toGuest(5)) == [.unbind(third, .displaced), .bind(Self.lease())])
        // Of those that end at once the first by number.
        test.site.leases[2].expiry = .max
        #expect(try test.exchange(Self.toGuest(5)) == [.unbind(test.site.leases[0], .displaced), .bind(Self.lease())])
        let first = Self.lease(IPv4Address(192, 0, 2, 1))
        #expect(try test.exchange(Self.toGuest(5, 7, IPv4Address(192, 0, 2, 1))) == [.renew(first)])
        // IPv6 ones and expired ones don't count.
        test.site.leases[0] = Self.lease(.v6(IPv6Prefix("2001:db8::1")!), until: .max)
        test.site.leases[1].expiry = Self.start
        #expect(try test.exchange(Self.toGuest(5)) == [.bind(Self.lease())])
    }

    @Test func `what is listed anyway isn't leased`() throws {
        var test = self
        test.site.binding.addresses4 = [IPv4Prefix("192.0.2.64/27")!]
        #expect(try test.exchange(Self.toGuest(5)).isEmpty)
    }

    @Test func `a client that isn't in the binding any more gets nothing`() throws {
        var test = self
        _ = test.book.take(fromGuest: try Self.fromGuest(3), on: test.site, at: Self.start)
        test.site.binding.macs = [Self.serverMAC]
        #expect(test.book.take(toGuest: try Self.toGuest(5), on: test.site, at: Self.start) == [.refuse(Self.lease().prefix, .unsolicited)])
    }

    @Test func `release and decline end what is the guest's own, and nothing else`() throws {
        var test = self
        let kept = Self.lease(IPv4Address(192, 0, 2, 78))
        test.site.leases = [Self.lease(), kept]
        #expect(
            test.book.take(fromGuest: try Self.fromGuest(7, client: Self.address), on: test.site, at: Self.start) == [
                .unbind(Self.lease(), .released)
            ])
        #expect(
            test.book.take(fromGuest: try Self.fromGuest(4, asks: Self.address), on: test.site, at: Self.start) == [.unbind(Self.lease(), .declined)])
        #expect(test.book.take(fromGuest: try Self.fromGuest(7, client: IPv4Address(192, 0, 2, 9)), on: test.site, at: Self.start).isEmpty)
        #expect(test.book.take(fromGuest: try Self.fromGuest(4), on: test.site, at: Self.start).isEmpty)
        test.site.leases.apply(.unbind(Self.lease(), .released))
        #expect(test.site.leases == [kept])
    }

    @Test func `a NAK ends what was asked for, if somebody asked (RFC 2131 3_1_5)`() throws {
        var test = self
        test.site.leases = [Self.lease()]
        let nak = try Self.toGuest(6, 7, .any)
        #expect(test.book.take(toGuest: nak, on: test.site, at: Self.start).isEmpty)
        for request in [try Self.fromGuest(3, client: Self.address), try Self.fromGuest(3, asks: Self.address)] {
            _ = test.book.take(fromGuest: request, on: test.site, at: Self.start)
            #expect(test.book.take(toGuest: nak, on: test.site, at: Self.start) == [.unbind(Self.lease(), .withdrawn)])
        }
        _ = test.book.take(fromGuest: try Self.fromGuest(3, asks: IPv4Address(192, 0, 2, 9)), on: test.site, at: Self.start)
        #expect(test.book.take(toGuest: nak, on: test.site, at: Self.start).isEmpty)
    }

    // MARK: DHCPv6

    private static let address6 = IPv6Address("2001:db8::77")!
    private static let serverLinkLocal = serverMAC.eui64LinkLocal

    private static func fromGuest6(_ type: UInt8, _ options: [DHCPv6Message.Option] = []) throws -> LeaseMessage {
        let upper = UpperLayer.dhcpv6(type, transaction: 7, options: [.client([1])] + options)
        let packet = NetworkPacket.ipv6(from: mac.eui64LinkLocal, to: IPv6Address("ff02::1:2")!, upper)
        return try #require(LeaseMessage(.ethernet(from: mac, to: serverMAC, packet)))
    }

    private static func reply(
        _ options: [DHCPv6Message.Option], _ number: UInt32 = 7, client: [UInt8] = [1], hasServer: Bool = true,
        at destination: IPv6Address = mac.eui64LinkLocal
    ) throws -> LeaseMessage {
        let named = [.client(client)] + (hasServer ? [.server([2])] : []) + options
        let upper = UpperLayer.dhcpv6(DHCPv6Message.reply, transaction: number, options: named, from: 547, to: 546)
        return try #require(LeaseMessage(.ethernet(from: serverMAC, to: mac, .ipv6(from: serverLinkLocal, to: destination, upper))))
    }

    private static func lease6(_ prefix: IPv6Prefix = IPv6Prefix(address6), until expiry: UInt64 = start + 3600 * second) -> Lease {
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

    @Test(arguments: [DHCPv6Message.solicit, DHCPv6Message.confirm, DHCPv6Message.informationRequest, DHCPv6Message.release, DHCPv6Message.decline])
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

    // MARK: Messages

    @Test func `only whole messages behind the fixed header are read`() throws {
        let upper = UpperLayer.dhcpv4(2, clientMAC: Self.mac, messageType: 5)
        #expect(
            LeaseMessage(.ethernet(from: Self.serverMAC, to: Self.mac, .ipv4(from: Self.server, to: Self.address, upper, moreFragments: true))) == nil
        )
        #expect(LeaseMessage(.ethernet(from: Self.serverMAC, to: Self.mac, .ipv4(from: Self.server, to: Self.address, upper, proto: .tcp))) == nil)
        let upper6 = UpperLayer.dhcpv6(DHCPv6Message.reply, from: 547, to: 546)
        let extended = NetworkPacket.ipv6(
            from: Self.serverLinkLocal, to: Self.mac.eui64LinkLocal, extensionHeaders: [.destinationOptions(options: [1, 0])], upper6)
        #expect(LeaseMessage(.ethernet(from: Self.serverMAC, to: Self.mac, extended)) == nil)
        let token = UpperLayer.dhcpv4(2, clientMAC: Self.mac, messageType: 5, hardwareType: 6)
        #expect(LeaseMessage(.ethernet(from: Self.serverMAC, to: Self.mac, .ipv4(from: Self.server, to: Self.address, token))) == nil)
    }

    @Test func `what lies behind the datagram is no part of the message`() throws {
        var upper = UpperLayer.dhcpv4(2, clientMAC: Self.mac, messageType: nil, transaction: 7, yourAddress: Self.address)
        upper.bytes.removeLast()  // the end option: what follows would be read on
        upper.bytes[4...5] = [UInt8(upper.bytes.count >> 8), UInt8(upper.bytes.count & 0xff)]
        upper.bytes += [53, 1, 5, 51, 4, 0, 0, 0, 9]
        let message = try #require(LeaseMessage(.ethernet(from: Self.serverMAC, to: Self.mac, .ipv4(from: Self.server, to: Self.address, upper))))
        #expect(message.granted.isEmpty)
    }

    @Test func `no bytes stop the book`() throws {
        var random = SystemRandomNumberGenerator()
        let frames: [Frame] = [
            .ethernet(
                from: Self.serverMAC, to: Self.mac,
                .ipv4(from: Self.server, to: Self.address, .dhcpv4(2, clientMAC: Self.mac, messageType: 5, transaction: 7, yourAddress: Self.address))
            ),
            .ethernet(
                from: Self.serverMAC, to: Self.mac,
                .ipv6(
                    from: Self.serverLinkLocal, to: Self.mac.eui64LinkLocal,
                    .dhcpv6(
                        DHCPv6Message.reply, transaction: 7,
                        options: [.client([1]), .server([2]), .addresses([Self.address6]), .delegation([IPv6Prefix("2001:db8:1::/56")!])], from: 547,
                        to: 546))),
        ]
        var book = LeaseBook()
        for _ in 0..<20_000 {
            var bytes = frames.randomElement(using: &random)!.bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let message = LeaseMessage(Frame(bytes: Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))))) else { continue }
            _ = book.take(fromGuest: message, on: site, at: Self.start)
            var site = site
            for change in book.take(toGuest: message, on: site, at: Self.start) { site.leases.apply(change) }
            #expect(site.leases.allSatisfy { $0.expiry >= Self.start })
        }
    }

    // MARK: Time

    @Test func `what is left of a lease is rounded up, and never below zero`() {
        let lease = Self.lease(until: 10 * Self.second)
        #expect(lease.remaining(at: 0) == 10 && lease.remaining(at: 9 * Self.second + 1) == 1 && lease.remaining(at: 11 * Self.second) == 0)
        #expect(lease.isLive(at: 10 * Self.second - 1) && !lease.isLive(at: 10 * Self.second))
        #expect(Self.lease(until: .max).remaining(at: 0) == nil)
    }
}
