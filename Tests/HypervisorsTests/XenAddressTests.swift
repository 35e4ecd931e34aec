import Hypervisors
import Testing

/// `ip=` of a vif, and `#ipv6=`.
@Suite struct XenAddressTests {
    private func texts(_ text: String, allowsIPv4: Bool = true) throws -> [String] {
        try XenAddresses.read(text, allowsIPv4: allowsIPv4, source: "ip=").map(\.text)
    }

    @Test(arguments: [
        ("192.0.2.43", ["192.0.2.43"]), ("192.0.2.43/24", ["192.0.2.43"]), ("192.0.2.0/24", ["192.0.2.0/24"]), ("192.0.2.43/32", ["192.0.2.43"]),
        ("2001:db8::60/64", ["2001:db8::60"]), ("2001:db8::/64", ["2001:db8::/64"]), ("2001:0DB8:0:0:0:0:0:0060", ["2001:db8::60"]),
        ("192.0.2.43 2001:db8::60,dhcp", ["192.0.2.43", "2001:db8::60", "dhcp"]), ("192.0.2.43,192.0.2.43/24", ["192.0.2.43"]), ("", []),
        (" ,\t ", []), ("0.0.0.0/0", ["0.0.0.0/0"]),
    ])
    func `blanks and commas part them, and an address with its network's length is that address`(_ text: String, _ expected: [String]) throws {
        #expect(try texts(text) == expected)
    }

    @Test(arguments: [
        "192.0.2", "192.0.2.43/33", "192.0.2.43/", "192.0.2.43/-1", "192.0.2.43/+8", "192.0.2.43/08", "192.0.2.43/24/24", "2001:db8::g", "DHCP ",
        "192.0.2.43;id", "`id`", "::ffff:192.0.2.1/129", "192.0.2.43/255.255.255.0", "/24",
    ])
    func `all else is an error that says what was written`(_ text: String) {
        let error = #expect(throws: CardError.self) { try texts(text) }
        #expect(error?.description.hasPrefix("ip= says ") == true)
    }

    @Test func `an ipv6 comment has IPv6 addresses, and nobody lists thousands`() throws {
        #expect(try texts("2001:db8::60 2001:db8:1::/64", allowsIPv4: false) == ["2001:db8::60", "2001:db8:1::/64"])
        #expect(throws: CardError.self) { try texts("192.0.2.1", allowsIPv4: false) }
        #expect(throws: CardError.self) { try texts("dhcp", allowsIPv4: false) }
        #expect(throws: CardError.self) { try texts(String(repeating: "dhcp ", count: 257)) }
    }
}
