import Addresses
import Datapath
import Foundation
import Lab
import Netlink
import Policy
import Testing

/// What the command tells of addresses by DHCP.
@Suite(.timeLimit(.minutes(2)))
struct LeaseStatusTests {
    @Test func `status tells what DHCP has given, and for how long`() throws {
        let fixture = try CommandFixture(
            policy: CommandFixture.soundPolicy.replacingOccurrences(of: "addresses: [192.0.2.1]", with: "addresses: [192.0.2.1, dhcp]"))
        _ = try fixture.succeed("apply")
        // As a keeper killed halfway leaves it: written down, not granted yet.
        try fixture.host.run {
            let (bridge, port) = (try Link.named("br0").index, try Link.named("vif1.0").index)
            let leases = [("192.0.2.77", Datapath.bootTime + 3600 * 1_000_000_000), ("2001:db8:1::/56", UInt64.max)].map { prefix, expiry in
                Lease(
                    bridge: bridge, port: port, mac: MACAddress(2, 0, 0, 0, 0, 1), prefix: IPPrefix(prefix)!, expiry: expiry,
                    server: IPAddress("192.0.2.254")!)
            }
            try Datapath.open().enter(leases)
        }
        #expect(try fixture.succeed("apply").contains("vif1.0: bind to guest www.example.com, a new binding"))
        #expect(try fixture.succeed("apply").contains("Nothing to do"))

        let object = try JSONSerialization.jsonObject(with: Data(try fixture.succeed("status", "vif1.0", "--json").utf8)) as? [String: Any]
        let port = try #require(((object?["bridges"] as? [[String: Any]])?.first?["ports"] as? [[String: Any]])?.first)
        #expect((port["binding"] as? [String: Any])?["addresses"] as? [String] == ["192.0.2.1"])
        let leases = try #require(port["leases"] as? [[String: Any]])
        #expect(leases.map { $0["address"] as? String } == ["192.0.2.77", "2001:db8:1::/56"])
        #expect(leases.allSatisfy { $0["server"] as? String == "192.0.2.254" && $0["mac"] as? String == "02:00:00:00:00:01" })
        #expect((3000...3600).contains(leases[0]["secondsLeft"] as? Int ?? 0) && leases[1]["secondsLeft"] == nil)

        let details = try fixture.succeed("status", "vif1.0")
        #expect(details.contains("may speak as") && details.contains("192.0.2.1, dhcp\n"))
        #expect(details.contains("2001:db8:1::/56 for ever, given by 192.0.2.254"))
        let shown = try fixture.succeed("status")
        #expect(shown.contains("by DHCP: 192.0.2.77 for 3") && shown.contains(" s more, 2001:db8:1::/56 for ever"))
        for line in (shown + details).split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }
}
