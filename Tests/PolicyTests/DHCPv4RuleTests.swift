import Addresses
import Packets
import Policy
import Testing

/// Rule F4 of policy.md, and what E6 and F2 make of a DHCPv4 client's message.
@Suite struct DHCPv4RuleTests {
    var site = Site {
        $0.addresses4 = []; $0.usesDHCP = true
    }

    func discover(
        _ message: UpperLayer = .dhcpv4(clientMAC: Alice.mac), from: IPv4Address = .any, to: IPv4Address = .broadcast, mac: MACAddress = .broadcast
    ) -> Frame {
        .alice4(message, from: from, to: to, mac: mac)
    }

    @Test mutating func `a client without an address may ask for one, and do nothing else`() {
        #expect(site.fromAlice(discover()) == nil)
        #expect(site.fromAlice(.alice4(syn)) == .noIPv4)
        #expect(site.fromAlice(.alice4(.udp(from: 69, to: 67), from: .any, to: .broadcast)) == .noIPv4)
        #expect(site.fromAlice(.alice4(.udp(from: 68, to: 66), from: .any, to: .broadcast)) == .noIPv4)
        #expect(site.fromAlice(discover(from: Alice.ip4)) == .ip4Source)
    }

    @Test func `without dhcp in the binding, no address means no IPv4`() {
        var site = Site { $0.addresses4 = [] }
        #expect(site.fromAlice(discover()) == .noIPv4)
        var addressed = Site()
        #expect(addressed.fromAlice(discover()) == nil)
    }

    @Test mutating func `from 0_0_0_0 only by broadcast`() {
        #expect(site.fromAlice(discover(to: Gateway.ip4)) == .dhcp4Client)
        #expect(site.fromAlice(discover(mac: Gateway.mac)) == .dhcp4Client)
        #expect(site.fromAlice(discover(mac: mac("01:00:5e:00:00:01"))) == .dhcp4Client)
    }

    @Test func `a renewal goes straight to the server`() {
        var site = Site { $0.usesDHCP = true }
        let renewal = UpperLayer.dhcpv4(clientMAC: Alice.mac, messageType: 3, clientAddress: Alice.ip4)
        #expect(site.fromAlice(discover(renewal, from: Alice.ip4, to: Gateway.ip4, mac: Gateway.mac)) == nil)
        let release = UpperLayer.dhcpv4(clientMAC: Alice.mac, messageType: 7, clientAddress: Bob.ip4)
        #expect(site.fromAlice(discover(release, from: Alice.ip4, to: Gateway.ip4, mac: Gateway.mac)) == .dhcp4Client)
    }

    @Test mutating func `in nobody else's name`() {
        #expect(site.fromAlice(discover(.dhcpv4(clientMAC: Bob.mac))) == .dhcp4Client)
        #expect(site.fromAlice(discover(.dhcpv4(clientMAC: Alice.mac, clientAddress: Bob.ip4))) == .dhcp4Client)
        #expect(site.fromAlice(discover(.dhcpv4(clientMAC: Alice.mac, relayAddress: Alice.ip4))) == .dhcp4Client)
        #expect(site.fromAlice(discover(.dhcpv4(2, clientMAC: Alice.mac, from: 68, to: 67))) == .dhcp4Client)
        #expect(site.fromAlice(discover(.dhcpv4(clientMAC: Alice.mac, hardwareType: 6))) == .dhcp4Client)
        #expect(site.fromAlice(discover(.dhcpv4(clientMAC: Alice.mac, hardwareLength: 16))) == .dhcp4Client)
    }

    @Test mutating func `never in fragments`() {
        let frame = Frame.alice(.ipv4(from: .any, to: .broadcast, .dhcpv4(clientMAC: Alice.mac), moreFragments: true), to: .broadcast)
        #expect(site.fromAlice(frame) == .dhcp4Client)
        let later = Frame.alice4(.dhcpv4(clientMAC: Alice.mac), from: .any, to: .broadcast, fragmentOffset: 1, mac: .broadcast)
        #expect(site.fromAlice(later) == .noIPv4)
    }

    @Test mutating func `with all of BOOTP's fixed part within the total length`() {
        let whole = UpperLayer.dhcpv4(clientMAC: Alice.mac, messageType: nil).bytes
        func frame(_ length: Int, total: UInt16? = nil) -> Frame {
            let bytes = Array(whole.prefix(length))
            return .alice(.ipv4(from: .any, to: .broadcast, .raw(.udp, bytes), totalLength: total), to: .broadcast)
        }
        #expect(whole.count >= 8 + 236)
        #expect(site.fromAlice(frame(8 + 236)) == nil)
        #expect(site.fromAlice(frame(8 + 235)) == .dhcp4Client)
        #expect(site.fromAlice(frame(8)) == .dhcp4Client)
        #expect(site.fromAlice(frame(7)) == .noIPv4)
        #expect(site.fromAlice(frame(8 + 236, total: 20 + 8 + 235)) == .dhcp4Client)
        // The ports are there, but beyond the total length: still a client's message, and not a whole one.
        #expect(site.fromAlice(frame(8, total: 20)) == .dhcp4Client)
    }

    @Test func `transit doesn't lend a source to it`() {
        var site = Site {
            $0.roles = .transit; $0.usesDHCP = true
        }
        #expect(site.fromAlice(discover(from: far4)) == .ip4Source)
        #expect(site.fromAlice(discover()) == nil)
    }

    @Test mutating func `a wrong version goes on to F1`() {
        let frame = Frame.alice(.ipv4(from: .any, to: .broadcast, .dhcpv4(clientMAC: Alice.mac), version: 5), to: .broadcast)
        #expect(site.fromAlice(frame) == .ip4Malformed)
    }
}
