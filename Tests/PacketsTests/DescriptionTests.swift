import Addresses
import Packets
import Testing

@Suite struct DescriptionTests {
    private static let macs = "00:16:3e:38:b4:ac > 02:00:00:00:00:01"

    @Test func `says in one line what a frame is`() {
        #expect(Samples.link[2].description == "\(Self.macs), vlan 9 (0x88a8), vlan 7, IPv4 192.0.2.43 > 192.0.2.1: ICMP echo request, length 51")
        #expect(
            Samples.arp[0].description
                == "00:16:3e:38:b4:ac > ff:ff:ff:ff:ff:ff, ARP who has 192.0.2.1, tell 192.0.2.43 at 00:16:3e:38:b4:ac, length 60")
        #expect(
            Samples.arp[2].description
                == "00:16:3e:38:b4:ac > ff:ff:ff:ff:ff:ff, RARP reverse request for 00:16:3e:38:b4:ac by 00:16:3e:38:b4:ac, length 42")
        #expect(Samples.ipv4[0].description == "\(Self.macs), IPv4 192.0.2.43 > 192.0.2.1: source route UDP 1000 > 53, length 53")
        #expect(
            Samples.neighbourDiscovery[0].description
                == "00:16:3e:38:b4:ac > 33:33:00:00:00:01, IPv6 fe80::216:3eff:fe38:b4ac > ff02::1: ICMPv6 neighbour solicitation, who has 2001:db8::1, at 00:16:3e:38:b4:ac, length 86"
        )
        #expect(Samples.dhcp[0].description.contains("UDP 68 > 67, DHCP discover from 00:16:3e:38:b4:ac, length"))
    }

    @Test func `says where a frame stops short`() {
        #expect(Frame(bytes: [1, 2]).description == "cut short: 2 bytes of the Ethernet header's 14")
        #expect(Frame(bytes: Array(Samples.link[1].bytes.prefix(17))).description == "\(Self.macs), tag cut short, length 17")
        #expect(Frame(bytes: Array(Samples.arp[1].bytes.prefix(21))).description == "\(Self.macs), ARP cut short, length 21")
        #expect(Frame(bytes: Array(Samples.ipv6[0].bytes.prefix(53))).description == "\(Self.macs), IPv6 cut short, length 53")
    }

    @Test func `names a chain's headers and where it breaks`() {
        let broken = Frame.ethernet(
            from: Samples.guest, to: Samples.router,
            .ipv6(from: Samples.guest6, to: Samples.router6, extensionHeaders: [.destinationOptions(), .routing(type: 0)], .tcp(from: 1, to: 2)))
        #expect(broken.description == "\(Self.macs), IPv6 2001:db8::60 > 2001:db8::1: destination options, routing header of type 0, length 90")
    }
}
