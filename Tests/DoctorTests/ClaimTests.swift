import Addresses
import Packets
import Policy
import PolicyText
import Testing

@testable import Doctor

/// Who used what isn't theirs, from frames that broke a rule.
struct ClaimTests {
    private static let macs = (1...3).map { MACAddress(0, 0x16, 0x3e, 0, 0, UInt8($0)) }
    private static let gatewayMAC = MACAddress(2, 0, 0, 0, 0, 0xfe)

    private static let holdings: Holdings = {
        var holdings = Holdings()
        holdings.add(
            BridgePolicy(
                name: "br0", gateways: [IPAddress("192.0.2.254")!], gatewayMACs: [gatewayMAC], subnets: [IPv4Prefix("192.0.2.0/24")!],
                reserved: [IPPrefix("192.0.2.240/29")!]),
            hostAddresses: [IPAddress("192.0.2.253")!], hostMACs: [MACAddress(2, 0, 0, 0, 0, 0xbb)])
        holdings.add(
            GuestInterface(
                port: "vif1.0", bridge: "br0",
                binding: Binding(guest: "www", macs: [macs[0]], addresses4: [IPv4Prefix("192.0.2.1")!], addresses6: [IPv6Prefix("2001:db8::1")!])))
        holdings.add(
            GuestInterface(
                port: "vif2.0", bridge: "br0",
                binding: Binding(guest: "mail", macs: [macs[1]], addresses4: [IPv4Prefix("192.0.2.2")!], addresses6: [IPv6Prefix("2001:db8:2::/64")!])
            ))
        return holdings
    }()

    private func arp(sender: String, mac: MACAddress = macs[0], target: String = "192.0.2.254") -> Frame {
        .ethernet(
            from: mac, to: .broadcast,
            .arp(.request, sender: .init(mac: mac, ip: IPv4Address(sender)!), target: .init(mac: .zero, ip: IPv4Address(target)!)))
    }

    private func ipv4(from source: String, mac: MACAddress = macs[0]) -> Frame {
        .ethernet(from: mac, to: Self.gatewayMAC, .ipv4(from: IPv4Address(source)!, to: IPv4Address("198.51.100.1")!, .icmp(8)))
    }

    private func ipv6(from source: String) -> Frame {
        .ethernet(
            from: Self.macs[0], to: Self.gatewayMAC,
            .ipv6(from: IPv6Address(source)!, to: IPv6Address("2001:db8:9::1")!, .raw(.icmpv6, [128, 0, 0, 0])))
    }

    private func breach(
        _ reason: Reason, _ samples: [Frame], guest: String? = "www", port: String = "vif1.0", direction: Direction = .fromGuest,
        audited: Bool = false
    ) -> Breach {
        Breach(guest: guest, port: port, bridge: "br0", direction: direction, reason: reason, count: 17, wasAudited: audited, samples: samples)
    }

    private func findings(_ breaches: Breach...) -> [Finding] { Claims(holdings: Self.holdings, breaches: breaches).findings }

    @Test func `nothing happened, nothing is said`() {
        #expect(findings().isEmpty)
        // Reasons that are no use of an identity, and counts without a frame.
        #expect(findings(breach(.vlanTag, [ipv4(from: "192.0.2.2")]), breach(.arpSenderIP, [])).isEmpty)
    }

    @Test func `another guest's address is told with its owner, and nothing to allow`() throws {
        let cases: [(Reason, Frame, String)] = [
            (.arpSenderIP, arp(sender: "192.0.2.2"), "192.0.2.2"), (.arpProbeTarget, arp(sender: "0.0.0.0", target: "192.0.2.2"), "192.0.2.2"),
            (.ip4Source, ipv4(from: "192.0.2.2"), "192.0.2.2"), (.ip6Source, ipv6(from: "2001:db8:2::77"), "2001:db8:2::77"),
            (.macSource, arp(sender: "192.0.2.1", mac: Self.macs[1]), "00:16:3e:00:00:02"),
        ]
        for (reason, frame, identity) in cases {
            let found = findings(breach(reason, [frame]))
            #expect(found.map(\.id) == ["identity-claimed-by-two"], "\(reason)")
            #expect(found[0].severity == .warning && found[0].place == "guest www, port vif1.0" && found[0].mend.isEmpty)
            #expect(
                found[0].found.contains(identity) && found[0].found.contains("17 frames of the last day that were dropped as \(reason.name)")
                    && found[0].meaning.contains("guest mail"))
        }
    }

    @Test func `what audit mode lets through is a problem`() {
        let found = findings(breach(.ip4Source, [ipv4(from: "192.0.2.2")], audited: true))
        #expect(found.map { "\($0.id) \($0.severity)" } == ["identity-claimed-by-two problem"] && found[0].mend == ["mode: enforce   # at guest www"])
    }

    @Test(arguments: [
        ("192.0.2.254", "a gateway's"), ("192.0.2.253", "the host's own"), ("192.0.2.241", "reserved by the policy"),
        ("192.0.2.255", "broadcast address of subnet"),
    ])
    func `a reserved address is told with what it is`(address: String, what: String) {
        let found = findings(breach(.arpSenderIP, [arp(sender: address)]))
        #expect(found.map(\.id) == ["reserved-identity-claimed"] && found[0].meaning.contains(what) && found[0].mend.isEmpty, "\(found)")
    }

    @Test func `an address that nobody has comes with the line that lists it`() {
        let found = findings(
            breach(.ip4Source, [ipv4(from: "192.0.2.44"), ipv4(from: "192.0.2.44")]), breach(.arpSenderIP, [arp(sender: "192.0.2.45")]))
        #expect(found.map(\.id) == ["identity-unlisted"] && found[0].severity == .warning)
        #expect(found[0].mend == [#"addresses: [192.0.2.1, "2001:db8::1", 192.0.2.44, 192.0.2.45]"#])
        let six = findings(breach(.ip6Source, [ipv6(from: "2001:db8::44")]))
        #expect(six[0].mend == [#"addresses: [192.0.2.1, "2001:db8::1", "2001:db8::44"]"#])
        let mac = findings(breach(.macSource, [arp(sender: "192.0.2.1", mac: Self.macs[2])]))
        #expect(mac[0].mend == ["macs: [00:16:3e:00:00:01, 00:16:3e:00:00:03]"])
        let linkLocal = findings(breach(.ip6Source, [ipv6(from: "fe80::77")]))
        #expect(linkLocal[0].mend == [#"link-local: {mode: claim, addresses: ["fe80::77"]}"#])
    }

    @Test func `the lines are taken where they are written into the policy`() throws {
        let breaches = [
            breach(.ip4Source, [ipv4(from: "192.0.2.44")]), breach(.ip6Source, [ipv6(from: "2001:db8::"), ipv6(from: "fe80::77")]),
            breach(.macSource, [arp(sender: "192.0.2.1", mac: Self.macs[2])]),
        ]
        let found = Claims(holdings: Self.holdings, breaches: breaches).findings
        let lines = try #require(found.first { $0.id == "identity-unlisted" }).mend
        let text =
            "bridges: {br0: {}}\nguests:\n  www:\n    interfaces:\n      - port: vif1.0\n        bridge: br0\n"
            + lines.map { "        \($0)\n" }.joined()
        let binding = try #require(try PolicyFiles.parse(text, file: "policy.yaml").policy.interfaces.first).binding
        #expect(binding.macs == [Self.macs[0], Self.macs[2]])
        #expect(binding.addresses4.map(\.description) == ["192.0.2.1", "192.0.2.44"] && binding.addresses6.contains(IPv6Prefix("2001:db8::")!))
        #expect(binding.linkLocals.map(\.description) == ["fe80::77"])
    }

    @Test func `an address from outside of the subnets, or self-assigned, isn't to be listed`() {
        for address in ["10.88.0.3", "169.254.7.7"] {
            let found = findings(breach(.ip4Source, [ipv4(from: address)]))
            #expect(found.map { "\($0.id) \($0.severity)" } == ["identity-foreign note"], "\(address)")
            #expect(found[0].found.contains(address) && !found[0].mend.contains { $0.contains("addresses") })
        }
    }

    @Test func `what is on its way to an address of its own is nobody's business`() {
        #expect(
            findings(breach(.arpSenderIP, [arp(sender: "0.0.0.0")]), breach(.ip4Source, [ipv4(from: "127.0.0.1"), ipv4(from: "224.0.0.1")])).isEmpty)
        // Its own, as where a rule fails for something else.
        #expect(findings(breach(.ip4Source, [ipv4(from: "192.0.2.1")])).isEmpty)
    }

    @Test func `a guest's identity on the uplink names the guest`() {
        let mac = breach(.uplinkGuestMAC, [ipv4(from: "198.51.100.7", mac: Self.macs[1])], guest: nil, port: "eth0", direction: .fromUplink)
        let address = breach(.uplinkGuestAddress, [arp(sender: "192.0.2.2", mac: Self.gatewayMAC)], guest: nil, port: "eth0", direction: .fromUplink)
        let found = findings(mac, address)
        #expect(found.map(\.id) == ["guest-identity-on-uplink", "guest-identity-on-uplink"])
        for finding in found { #expect(finding.place == "uplink eth0" && finding.meaning.contains("guest mail's")) }
    }

    @Test func `a solicitation claims its target only in duplicate address detection`() {
        let target = IPv6Address("2001:db8:2::9")!
        func solicitation(from source: String) -> Frame {
            .ethernet(
                from: Self.macs[0], to: MACAddress(0x33, 0x33, 0xff, 0, 0, 9),
                .ipv6(from: IPv6Address(source)!, to: IPv6Address("ff02::1:ff00:9")!, .neighbourSolicitation(target: target)))
        }
        #expect(findings(breach(.ndSolicitation, [solicitation(from: "::")])).map(\.id) == ["identity-claimed-by-two"])
        #expect(findings(breach(.ndSolicitation, [solicitation(from: "2001:db8::1")])).isEmpty)
        let advertisement = Frame.ethernet(
            from: Self.macs[0], to: Self.gatewayMAC,
            .ipv6(from: IPv6Address("2001:db8::1")!, to: IPv6Address("2001:db8::fe")!, .neighbourAdvertisement(target: target)))
        #expect(findings(breach(.ndAdvertisement, [advertisement])).map(\.id) == ["identity-claimed-by-two"])
    }

    @Test func `a guest that tries a thousand addresses fills no page`() {
        let frames = (1...1000).map { ipv4(from: "192.0.\(2 + $0 / 200).\($0 % 200 + 3)") }
        let found = findings(breach(.ip4Source, frames))
        #expect(found.count <= 3 && found.contains { $0.id == "claims-many" })
    }

    @Test func `frames of any bytes are survived`() {
        var random = SystemRandomNumberGenerator()
        for reason in Reason.allCases {
            let frames = (0..<200).map { _ in
                Frame(bytes: (0..<Int.random(in: 0...128, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
            }
            _ = findings(breach(reason, frames), breach(reason, frames, guest: nil, port: "eth0", direction: .fromUplink))
        }
    }
}
