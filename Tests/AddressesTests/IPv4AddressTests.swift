import Addresses
import Testing

@Suite struct IPv4AddressTests {
    @Test func `reads dotted quads`() throws {
        #expect(try IPv4Address(parsing: "216.146.46.43").rawValue == 0xd892_2e2b)
        #expect(IPv4Address("0.0.0.0") == .any)
        #expect(IPv4Address("255.255.255.255") == .broadcast)
        #expect(IPv4Address("192.0.2.1")?.bytes == [192, 0, 2, 1])
        #expect(IPv4Address(192, 0, 2, 1).description == "192.0.2.1")
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "1.2.3.4 ", "010.0.0.1", "10.0.0.01", "00.0.0.0", "0x1.0.0.0",
        "-1.0.0.0", "+1.0.0.0", "1.2.3.4/32", "1,2,3,4", "1.2.3.999", "1.2.3.٤", "99999999999.0.0.1",
    ])
    func `refuses what is not four plain numbers`(text: String) {
        #expect(throws: AddressError.self) { try IPv4Address(parsing: text) }
    }

    @Test func `knows multicast and loopback by their first bits`() {
        #expect(IPv4Address(224, 0, 0, 1).isMulticast && IPv4Address(239, 255, 255, 255).isMulticast)
        #expect(!IPv4Address(223, 255, 255, 255).isMulticast && !IPv4Address(240, 0, 0, 0).isMulticast && !IPv4Address.broadcast.isMulticast)
        #expect(IPv4Address(127, 255, 0, 1).isLoopback && !IPv4Address(128, 0, 0, 1).isLoopback)
    }

    @Test func `maps groups to MACs with their low 23 bits`() {
        #expect(IPv4Address(224, 0, 0, 251).multicastMAC == MACAddress("01:00:5e:00:00:fb"))
        #expect(IPv4Address(239, 255, 255, 250).multicastMAC == MACAddress("01:00:5e:7f:ff:fa"))
    }

    @Test func `sorts by number`() {
        #expect(IPv4Address(9, 0, 0, 0) < IPv4Address(10, 0, 0, 0))
        #expect(IPv4Address(127, 255, 255, 255) < IPv4Address(128, 0, 0, 0))
    }
}
