import Addresses
import Testing

@Suite struct PrefixTests {
    @Test func `reads networks, and plain addresses as one alone`() throws {
        let network = try IPv4Prefix(parsing: "216.146.46.0/24")
        #expect(network.first == IPv4Address(216, 146, 46, 0) && network.last == IPv4Address(216, 146, 46, 255))
        #expect(network.mask == IPv4Address(255, 255, 255, 0) && network.length == 24 && !network.isSingle)
        let single = try IPv4Prefix(parsing: "216.146.46.43")
        #expect(single.isSingle && single.length == 32 && single.description == "216.146.46.43")
        #expect(try IPv6Prefix(parsing: "2607:f590:1:3::/64").description == "2607:f590:1:3::/64")
        #expect(try IPv6Prefix(parsing: "::1").length == 128)
    }

    @Test func `names the network where host bits are set`() throws {
        let error = #expect(throws: AddressError.self) { try IPPrefix(parsing: "10.0.0.1/24") }
        #expect(try error == .hostBits(text: "10.0.0.1/24", suggestion: IPPrefix(parsing: "10.0.0.0/24")))
        #expect(error?.description == "\"10.0.0.1/24\" has host bits set: write 10.0.0.0/24 for the network, or the address alone for one host")
        #expect(throws: try AddressError.hostBits(text: "2001:db8::1/64", suggestion: IPPrefix(parsing: "2001:db8::/64"))) {
            try IPPrefix(parsing: "2001:db8::1/64")
        }
        #expect(IPv4Prefix(IPv4Address(10, 0, 0, 1), length: 24) == nil)
        #expect(IPv4Prefix(masking: IPv4Address(10, 0, 0, 1), length: 24)?.description == "10.0.0.0/24")
    }

    @Test(arguments: ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/024", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "::/129", "::/1000"])
    func `refuses lengths that do not exist`(text: String) {
        let maximum = text.contains(":") ? 128 : 32
        #expect(throws: AddressError.length(text: text, maximum: maximum)) { try IPPrefix(parsing: text) }
    }

    @Test func `holds everything at length 0 and one address at full length`() throws {
        let all = try IPv4Prefix(parsing: "0.0.0.0/0")
        #expect(all.contains(.broadcast) && all.contains(.any) && all.last == .broadcast && all.mask == .any)
        let everything = try IPv6Prefix(parsing: "::/0")
        #expect(everything.contains(IPv6Address(high: .max, low: .max)) && everything.last == IPv6Address(high: .max, low: .max))
        let single = IPv6Prefix(.loopback)
        #expect(single.contains(.loopback) && !single.contains(.unspecified) && single.first == single.last)
    }

    @Test func `contains, overlaps and stays within its family`() throws {
        let wide = try IPPrefix(parsing: "10.0.0.0/8"), narrow = try IPPrefix(parsing: "10.1.0.0/16"), other = try IPPrefix(parsing: "11.0.0.0/8")
        #expect(wide.contains(narrow) && !narrow.contains(wide) && wide.overlaps(narrow) && narrow.overlaps(wide))
        #expect(!wide.overlaps(other) && wide < other && wide < narrow)
        #expect(try !wide.contains(IPAddress(parsing: "11.0.0.0")) && wide.contains(IPAddress(parsing: "10.255.255.255")))
        #expect(try !IPPrefix(parsing: "0.0.0.0/0").overlaps(IPPrefix(parsing: "::/0")))
    }

    @Test func `has a broadcast address where RFC 3021 leaves one`() throws {
        #expect(try IPv4Prefix(parsing: "192.0.2.64/26").broadcast == IPv4Address(192, 0, 2, 127))
        #expect(try IPv4Prefix(parsing: "192.0.2.64/30").broadcast == IPv4Address(192, 0, 2, 67))
        #expect(try IPv4Prefix(parsing: "192.0.2.64/31").broadcast == nil)
        #expect(try IPv4Prefix(parsing: "192.0.2.64").broadcast == nil)
    }

    @Test func `errors say what to write and never repeat control characters`() {
        let error = #expect(throws: AddressError.self) { try IPAddress(parsing: "\u{1b}[2J\u{202e}x") }
        let text = error?.description ?? ""
        #expect(text.hasSuffix("is not an IP address such as 192.0.2.1 or 2001:db8::1"))
        #expect(text.unicodeScalars.allSatisfy { $0.isASCII && $0.value >= 0x20 })
        #expect(AddressError.malformed(text: String(repeating: "x", count: 100_000), expected: "a").description.count < 100)
    }
}
