import Addresses
import Packets
import Testing

@Suite struct ChecksumTests {
    @Test func `sums RFC 1071's example`() {
        // Section 3: 0001 f203 f4f5 f6f7 adds up to ddf2.
        var sum = InternetChecksum()
        sum.add([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])
        #expect(sum.value == ~0xddf2 as UInt16)
    }

    @Test func `an odd last byte is the upper half of a word`() {
        var sum = InternetChecksum()
        sum.add([0x12, 0x34, 0x56])
        #expect(sum.value == ~(0x1234 + 0x5600) as UInt16)
    }

    @Test func `makes and accepts the header of a real packet`() throws {
        // A UDP packet from 192.168.0.1 to 192.168.0.199 with 95 bytes of payload, as captured.
        let header: [UInt8] = [0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7]
        let packet = NetworkPacket.ipv4(
            from: IPv4Address(192, 168, 0, 1), to: IPv4Address(192, 168, 0, 199), .raw(.udp, [UInt8](repeating: 0, count: 95)), dontFragment: true)
        #expect(Array(packet.bytes.prefix(20)) == header)
        #expect(try #require(IPv4Header(Bytes(header))).hasValidChecksum)
        var wrong = header
        wrong[8] = 0x3f
        #expect(try #require(IPv4Header(Bytes(wrong))).hasValidChecksum == false)
    }

    /// Summing a transport message with its pseudo-header and its own checksum gives 0 (RFC 768, 9293, 8200 8.1).
    @Test(arguments: Samples.frames)
    func `composed checksums are right`(frame: Frame) throws {
        var sum = InternetChecksum()
        if let header = frame.ipv4 {
            #expect(header.hasValidChecksum && header.isWellFormed)
            guard [.udp, .tcp, .icmp, .igmp].contains(header.proto) else { return }
            if header.proto == .udp || header.proto == .tcp {
                sum.addPseudoHeader(
                    source: .v4(header.source), destination: .v4(header.destination), proto: header.proto, length: header.payload.count)
            }
            sum.add(header.payload.array)
        } else if let header = frame.ipv6, let upper = header.chain.upperLayer, upper.proto != .noNextHeader {
            #expect(header.isWellFormed)
            sum.addPseudoHeader(source: .v6(header.source), destination: .v6(header.destination), proto: upper.proto, length: upper.bytes.count)
            sum.add(upper.bytes.array)
        } else {
            return
        }
        #expect(sum.value == 0)
    }

    @Test func `a UDP checksum of 0 is written ffff`() throws {
        // Ports chosen so that all words add up to ffff: 0a00 + 1 + 0a00 + 2 + 11 + 8 + 8 = 1424.
        let frame = Frame.ethernet(
            from: Samples.guest, to: Samples.router, .ipv4(from: IPv4Address(10, 0, 0, 1), to: IPv4Address(10, 0, 0, 2), .udp(from: 0xebda, to: 1)))
        #expect(try #require(UDPHeader(frame.ipv4!.payload)).checksum == 0xffff)
    }
}
