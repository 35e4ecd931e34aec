import Addresses
import RepeatableChance
import Testing

@Suite struct IPv6AddressTests {
    /// RFC 4291 2.2: each text, and the same address with all its bits.
    @Test(arguments: [
        ("ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", 0xabcd_ef01_2345_6789 as UInt64, 0xabcd_ef01_2345_6789 as UInt64),
        ("2001:DB8:0:0:8:800:200C:417A", 0x2001_0db8_0000_0000, 0x0008_0800_200c_417a),
        ("2001:DB8::8:800:200C:417A", 0x2001_0db8_0000_0000, 0x0008_0800_200c_417a),
        ("FF01::101", 0xff01_0000_0000_0000, 0x101),
        ("::1", 0, 1),
        ("::", 0, 0),
        ("0:0:0:0:0:0:0:0", 0, 0),
        ("0:0:0:0:0:0:13.1.68.3", 0, 0x0d01_4403),
        ("::13.1.68.3", 0, 0x0d01_4403),
        ("::FFFF:129.144.52.38", 0, 0xffff_8190_3426),
        ("1::", 0x0001_0000_0000_0000, 0),
        ("1:2:3:4:5:6:7::", 0x0001_0002_0003_0004, 0x0005_0006_0007_0000),
        ("::2:3:4:5:6:7:8", 0x0000_0002_0003_0004, 0x0005_0006_0007_0008),
        ("64:ff9b::192.0.2.33", 0x0064_ff9b_0000_0000, 0xc000_0221),
        ("1:2:3:4:5:6:1.2.3.4", 0x0001_0002_0003_0004, 0x0005_0006_0102_0304),
    ])
    func `reads every form of RFC 4291`(text: String, high: UInt64, low: UInt64) throws {
        #expect(try IPv6Address(parsing: text) == IPv6Address(high: high, low: low))
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1:", ":1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:::2", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8", "12345::", "g::", "::1.2.3", "::1.2.3.4.5", "::1.2.3.256", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:6::1.2.3.4", "1.2.3.4", "::01.2.3.4", "2001:db8::1/64", "[::1]", " ::1", "::1 ", "::-1", "1:2:3:4:5:6:7:8:", "::.", "::1.",
        "0000:0000:0000:0000:0000:0000:255.255.255.2555",
    ])
    func `refuses what RFC 4291 does not allow`(text: String) {
        #expect(throws: AddressError.self) { try IPv6Address(parsing: text) }
    }

    @Test func `refuses zones by name`() {
        #expect(throws: AddressError.zone(text: "fe80::1%eth0")) { try IPv6Address(parsing: "fe80::1%eth0") }
    }

    /// RFC 5952, sections 1, 2.2, 4 and 5.
    @Test(arguments: [
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
        ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"),
        ("2001:db8:0:0:0::1", "2001:db8::1"),
        ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
        ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),  // 4.2.2: one group alone isn't shortened
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),  // 4.2.3: the longest run
        ("2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::"),
        ("::FFFF:192.0.2.1", "::ffff:192.0.2.1"),  // 5
        ("::ffff:c000:201", "::ffff:192.0.2.1"),
        ("0:0:0:0:0:0:0:0", "::"), ("0:0:0:0:0:0:0:1", "::1"), ("1:0:0:0:0:0:0:0", "1::"), ("0:1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7"),
    ])
    func `prints as RFC 5952 wants`(text: String, canonical: String) {
        #expect(IPv6Address(text)?.description == canonical)
    }

    @Test func `reads back what it prints, for any address`() {
        var random = Chance(seed: 5952)
        for _ in 0..<20_000 {
            // Masks of whole groups make runs of zeros likely.
            let mask = (0..<8).reduce(UInt128(0)) { sum, _ in sum << 16 | (Bool.random(using: &random) ? 0xffff : 0) }
            let address = IPv6Address(rawValue: UInt128.random(in: 0 ... .max, using: &random) & mask)
            #expect(IPv6Address(address.description) == address)
            #expect(IPv6Address(bytes: address.bytes) == address)
        }
    }

    @Test func `knows its scopes and groups`() throws {
        #expect(IPv6Address.unspecified.isUnspecified && IPv6Address.loopback.isLoopback)
        #expect(try IPv6Address(parsing: "febf::1").isLinkLocal)
        #expect(try !IPv6Address(parsing: "fec0::1").isLinkLocal)
        #expect(IPv6Address.allNodes.isMulticast && IPv6Address.allNodes.description == "ff02::1")
        #expect(IPv6Address.allRouters.description == "ff02::2")
        // RFC 4291 2.7.1's example.
        #expect(try IPv6Address(parsing: "4037::01:800:200E:8C6C").solicitedNodeGroup == IPv6Address(parsing: "FF02::1:FF0E:8C6C"))
        #expect(try IPv6Address(parsing: "FF02::1:FF0E:8C6C").multicastMAC == MACAddress(parsing: "33:33:ff:0e:8c:6c"))
        #expect(IPv6Address.allNodes.bytes == [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    }
}
