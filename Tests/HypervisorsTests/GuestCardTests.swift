import Addresses
import Hypervisors
import Policy
import PolicyText
import Testing

/// Whose word counts for a card, and which cards are refused.
@Suite struct GuestCardTests {
    private static let policy = """
        bridges: {xenbr0: {gateways: [192.0.2.1]}, xenbr1: {}}
        defaults: {mode: audit, quiet: false, link-local: eui64, limits: {broadcast: {rate: 7, burst: 9}}}
        guests:
          www: {interfaces: [{bridge: xenbr0, mac: "00:16:3e:00:00:01", addresses: [192.0.2.7]}]}
          5f0c8a3e-1b2d-4c3f-9a6b-7c8d9e0f1a2b: {interfaces: [{bridge: xenbr0, mac: "00:16:3e:00:00:02", addresses: [192.0.2.8]}]}
        """

    private func configuration() throws -> HostConfiguration { try PolicyFiles.parse(Array(Self.policy.utf8), file: "policy.yaml") }

    private func card(_ guest: String, mac: String, bridge: String = "xenbr0", _ addresses: [String] = ["192.0.2.9"]) -> GuestCard {
        GuestCard(
            guest: guest, uuid: "5f0c8a3e-1b2d-4c3f-9a6b-7c8d9e0f1a2b", port: "vif3.0", bridge: bridge, mac: mac,
            addresses: addresses.map { GuestCard.Statement($0, source: "ip=") }, origin: .xen)
    }

    @Test func policysWordWins() throws {
        let named = try card("www", mac: "00:16:3E:00:00:01").interface(under: configuration())
        #expect(named.isStatedByPolicy && named.interface.binding.addresses4 == [IPv4Prefix("192.0.2.7")])
        #expect(named.interface.binding.origin == .policy && named.bridge.gateways == [IPAddress("192.0.2.1")])
        let byUUID = try card("mail", mac: "00:16:3e:00:00:02").interface(under: configuration())
        #expect(byUUID.isStatedByPolicy && byUUID.interface.binding.addresses4 == [IPv4Prefix("192.0.2.8")])
    }

    @Test func hypervisorsWordUnderDefaults() throws {
        let found = try card("mail", mac: "00:16:3e:00:00:03", ["192.0.2.9", "2001:db8::/64", "dhcp"]).interface(under: configuration())
        let binding = found.interface.binding
        #expect(!found.isStatedByPolicy && binding.origin == .xen && binding.guest == "mail")
        #expect(found.interface.port == "vif3.0" && found.interface.bridge == "xenbr0")
        #expect(binding.addresses4 == [IPv4Prefix("192.0.2.9")] && binding.addresses6 == [IPv6Prefix("2001:db8::/64")] && binding.usesDHCP)
        #expect(binding.mode == .audit && !binding.quiet && binding.linkLocalMode == .eui64)
        #expect(binding.limits.broadcastRate == 7 && binding.limits.broadcastBurst == 9 && binding.limits.neighborRate == 1000)
    }

    @Test(arguments: [
        ("mail", "00:16:3e:00:00:01", "xenbr0", ["192.0.2.9"], "is guest www's in the policy"),
        ("mail", "00:16:3e:00:00:03", "xenbr0", ["192.0.2.0/29"], "192.0.2.7 is guest www's in the policy"),
        ("mail", "00:16:3e:00:00:03", "xenbr0", ["192.0.2.9", "192.0.2.8"], "192.0.2.8 is guest 5f0c8a3e-1b2d-4c3f-9a6b-7c8d9e0f1a2b's"),
        ("www", "00:16:3e:00:00:03", "xenbr0", ["192.0.2.7"], "192.0.2.7 is guest www's in the policy"),
        ("www", "00:16:3e:00:00:01", "xenbr1", ["192.0.2.9"], "on bridge xenbr0, not on xenbr1"),
        ("mail", "00:16:3e:00:00:03", "br9", ["192.0.2.9"], "bridge br9 isn't in the policy"),
        ("mail", "00:16:3e:00:00:03", "xenbr0", [], "write ip= into its vif"),
        ("mail", "00:16:3e:00:00:0z", "xenbr0", ["192.0.2.9"], "is no MAC"),
        ("mail", "01:16:3e:00:00:03", "xenbr0", ["192.0.2.9"], "group"),
        ("mail", "00:16:3e:00:00:03", "xenbr0", ["192.0.2.9; reboot"], "192.0.2.9; reboot"),
        ("mail", "00:16:3e:00:00:03", "xenbr0", ["127.0.0.1"], "127.0.0.1"),
    ])
    func refused(_ guest: String, _ mac: String, _ bridge: String, _ addresses: [String], _ why: String) throws {
        let configuration = try configuration()
        let error = #expect(throws: CardError.self) {
            try card(guest, mac: mac, bridge: bridge, addresses).interface(under: configuration)
        }
        #expect(error?.description.contains(why) == true, "\(error?.description ?? "")")
    }
}
