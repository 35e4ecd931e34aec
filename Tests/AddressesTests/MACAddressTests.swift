import Addresses
import Testing

@Suite struct MACAddressTests {
    @Test(arguments: ["00:16:3e:38:b4:ac", "00:16:3E:38:B4:AC", "00-16-3e-38-b4-ac"])
    func `reads colons and dashes in either case`(text: String) throws {
        let address = try MACAddress(parsing: text)
        #expect(address.rawValue == 0x0016_3e38_b4ac)
        #expect(address.bytes == [0x00, 0x16, 0x3e, 0x38, 0xb4, 0xac])
        #expect(address.description == "00:16:3e:38:b4:ac")
    }

    @Test(arguments: [
        "", ":", "00:16:3e:38:b4", "00:16:3e:38:b4:ac:00", "0:16:3e:38:b4:ac", "00:16:3e:38:b4:a", "00:16:3e:38:b4:ag", "00:16:3e-38:b4:ac",
        "00163e38b4ac", "0016.3e38.b4ac", " 00:16:3e:38:b4:ac", "00:16:3e:38:b4:ac ", "+0:16:3e:38:b4:ac", "00:16:3e:38:b4:äc", "::::::::::::::::::",
    ])
    func `refuses anything else`(text: String) {
        #expect(throws: AddressError.self) { try MACAddress(parsing: text) }
        #expect(MACAddress(text) == nil)
    }

    @Test func `tells group and zero addresses`() {
        #expect(MACAddress.broadcast.isGroup)
        #expect(MACAddress(0x01, 0, 0x5e, 0, 0, 1).isGroup)
        #expect(!MACAddress(0x02, 0, 0, 0, 0, 1).isGroup)
        #expect(MACAddress.zero.isZero)
        #expect(MACAddress.broadcast.description == "ff:ff:ff:ff:ff:ff")
        #expect(MACAddress(rawValue: 0xffff_0000_0000_0001) == MACAddress(0, 0, 0, 0, 0, 1))
    }

    @Test func `derives the link-local address of RFC 4291 appendix A`() {
        // The RFC's example 34-56-78-9A-BC-DE has the identifier 36-56-78-FF-FE-9A-BC-DE.
        #expect(MACAddress("34-56-78-9A-BC-DE")?.eui64LinkLocal == IPv6Address("fe80::3656:78ff:fe9a:bcde"))
        #expect(MACAddress("00:16:3e:38:b4:ac")?.eui64LinkLocal == IPv6Address("fe80::216:3eff:fe38:b4ac"))
        #expect(MACAddress("02:00:00:00:00:01")?.eui64LinkLocal == IPv6Address("fe80::ff:fe00:1"))
    }

    @Test func `takes six bytes and no other number`() {
        #expect(MACAddress(bytes: [1, 2, 3, 4, 5, 6]) == MACAddress(1, 2, 3, 4, 5, 6))
        #expect(MACAddress(bytes: [1, 2, 3, 4, 5]) == nil)
        #expect(MACAddress(bytes: [1, 2, 3, 4, 5, 6, 7]) == nil)
    }
}
