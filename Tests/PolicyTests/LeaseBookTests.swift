import Addresses
import Packets
import Policy
import Testing

/// What DHCP messages do to leases (policy.md, section 11).
struct LeaseBookTests {
    static let mac = MACAddress(0x00, 0x16, 0x3e, 0, 0, 1)
    static let serverMAC = MACAddress(2, 0, 0, 0, 0, 0xfe)
    static let server = IPv4Address(192, 0, 2, 254)
    static let address = IPv4Address(192, 0, 2, 77)
    static let second: UInt64 = 1_000_000_000
    static let start: UInt64 = 5000 * second

    /// A guest that gets all it has by DHCP, on port 11 of bridge 2.
    var site = LeaseSite(
        port: 11, bridge: 2, binding: Binding(guest: "www", macs: [mac], usesDHCP: true), subnets: [IPv4Prefix("192.0.2.0/24")!])
    var book = LeaseBook()

    // MARK: DHCPv4

    static func fromGuest(
        _ type: UInt8, _ number: UInt32 = 7, client: IPv4Address = .any, asks: IPv4Address? = nil, isRapid: Bool = false
    ) throws -> LeaseMessage {
        var options: [DHCPv4Message.Option] = asks.map { [.init(code: 50, data: Bytes($0.bytes))] } ?? []
        if isRapid { options.append(.init(code: 80, data: Bytes([]))) }
        let upper = UpperLayer.dhcpv4(clientMAC: mac, messageType: type, transaction: number, clientAddress: client, options: options)
        return try #require(LeaseMessage(.ethernet(from: mac, to: .broadcast, .ipv4(from: client, to: .broadcast, upper))))
    }

    static func toGuest(
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

    static func lease(_ prefix: IPPrefix, until expiry: UInt64, server: IPAddress = .v4(server)) -> Lease {
        Lease(bridge: 2, port: 11, mac: mac, prefix: prefix, expiry: expiry, server: server)
    }

    static func lease(_ address: IPv4Address = address, until expiry: UInt64 = start + 3600 * second) -> Lease {
        lease(.v4(IPv4Prefix(address)), until: expiry)
    }

    /// Asks, and is given what it asks for.
    mutating func exchange(_ answer: LeaseMessage, at time: UInt64 = start) throws -> [LeaseChange] {
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
