import Addresses
import Packets
import Testing

@Suite struct LinkTests {
    @Test func `a frame needs 14 bytes for its Ethernet header`() throws {
        let frame = Samples.link[0]
        let header = try #require(frame.ethernet)
        #expect(header.source == Samples.guest && header.destination == Samples.router && header.type == .lldp)
        #expect(Frame(bytes: Array(frame.bytes.prefix(13))).ethernet == nil)
        #expect(Frame(bytes: Array(frame.bytes.prefix(13))).etherType == nil)
    }

    @Test func `tags are the one out of band, then those in the bytes`() {
        let frame = Samples.link[3]
        #expect(frame.tags.tags == [VLANTag(vid: 1), VLANTag(tpid: .oldServiceVLAN, vid: 9)])
        #expect(frame.etherType == .ipv4 && frame.ipv4?.source == Samples.guest4)
        #expect(Samples.link[2].tags.tags.map(\.vid) == [9, 7])
        #expect(Samples.link[0].tags.isUntagged)
    }

    @Test func `a tag's control information is priority, drop eligible and id`() {
        let tag = VLANTag(tci: 0xb007)
        #expect(tag.pcp == 5 && tag.dei && tag.vid == 7)
        #expect(VLANTag(vid: 7, pcp: 5, dei: true) == tag)
        #expect(VLANTag(vid: 0xffff).tci == 0x0fff)
    }

    @Test(arguments: [14, 15, 16, 17])
    func `a tag cut short is known as one`(length: Int) {
        let frame = Frame(bytes: Array(Samples.link[1].bytes.prefix(length)))
        #expect(frame.tags.isCutShort && !frame.tags.isUntagged && frame.tags.tags.isEmpty && frame.etherType == nil)
        #expect(frame.ipv4 == nil)
    }

    @Test func `802_3 lengths lead to LLC, and SNAP names a type`() throws {
        #expect(try #require(Samples.link[4].llc).destinationSAP == 0x42)
        #expect(Samples.link[4].llc?.snap == nil)
        let snap = try #require(Samples.link[5].llc?.snap)
        #expect(snap.oui == 0 && snap.type == .ipv4)
        #expect(Samples.link[5].ipv4 == nil)
        #expect(EtherType(rawValue: 0x05ff).isLength && !EtherType(rawValue: 0x0600).isLength)
    }

    /// RFC 826's packet for Ethernet and IPv4, byte by byte.
    @Test func `ARP is laid out as RFC 826 has it`() throws {
        let bytes: [UInt8] = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x16, 0x3e, 0x38, 0xb4, 0xac, 0x08, 0x06,
            0, 1, 8, 0, 6, 4, 0, 1, 0x00, 0x16, 0x3e, 0x38, 0xb4, 0xac, 192, 0, 2, 43, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1,
        ]
        #expect(Array(Samples.arp[0].bytes.prefix(42)) == bytes)
        let packet = try #require(Frame(bytes: bytes).arp)
        #expect(packet.isIPv4OverEthernet && packet.operation == .request)
        #expect(packet.sender == .init(mac: Samples.guest, ip: Samples.guest4))
        #expect(packet.target == .init(mac: .zero, ip: Samples.router4))
    }

    @Test func `ARP of other lengths or types, or cut short, has no parties`() throws {
        let party = ARPPacket.Party(mac: Samples.guest, ip: Samples.guest4)
        let packets: [NetworkPacket] = [
            .arp(.request, sender: party, target: party, hardwareType: 6), .arp(.request, sender: party, target: party, protocolType: .ipv6),
            .arp(.request, sender: party, target: party, hardwareLength: 5), .arp(.request, sender: party, target: party, protocolLength: 16),
            .raw(.arp, Array(NetworkPacket.arp(.request, sender: party, target: party).bytes.prefix(27))),
        ]
        for packet in packets {
            let arp = try #require(Frame.ethernet(from: Samples.guest, to: .broadcast, packet).arp)
            #expect(!arp.isIPv4OverEthernet && arp.target == nil)
        }
        #expect(Frame.ethernet(from: Samples.guest, to: .broadcast, .raw(.arp, [0, 1, 8, 0, 6, 4, 0])).arp == nil)
    }
}
