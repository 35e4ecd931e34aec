import EventStore
import Foundation
import Lab
import Testing

/// Guests that are watched before they are stopped, on a real bridge.
@Suite(.timeLimit(.minutes(5)))
struct AuditTests {
    /// Guest 1 says in ARP that the gateway's address is its own, and asks for guest 2's, who hears it therefore.
    private static let spoof = arpRequest(from: 1, sender: [192, 0, 2, 254], target: [192, 0, 2, 2])
    private static let honest = arpRequest(from: 1, target: [192, 0, 2, 2])

    private static func policy(mode: String) -> String {
        CommandFixture.soundPolicy.replacingOccurrences(of: "addresses: [192.0.2.1]", with: "addresses: [192.0.2.1], mode: \(mode)") + """

              mail.example.com:
                interfaces:
                  - {port: vif2.0, bridge: br0, mac: "02:00:00:00:00:02", addresses: [192.0.2.2]}
            """
    }

    @Test func `a guest in audit mode is let through and named, and stopped once it is held to its binding`() throws {
        let fixture = try CommandFixture(policy: Self.policy(mode: "audit"))
        let patient = try Patient(applying: fixture)
        let recording = try Recorder(fixture)
        let sender = try FrameSender(on: "p-vif1.0", in: fixture.host)
        let mail = try Sniffer(on: "p-vif2.0", in: fixture.host)
        #expect(try fixture.port("vif1.0").audit?.ready == true && fixture.port("vif2.0").audit == nil)
        #expect(try patient.finding("audit-ready", naming: "www.example.com") != nil)

        // It gets through, and everybody says so.
        try sender.send(Self.spoof)
        #expect(try mail.first { $0.bytes.starts(with: Self.spoof) } != nil)
        let port = try fixture.port("vif1.0")
        #expect(port.sent.wouldDrop["arp-sender-ip"]?.packets == 1 && port.sent.dropped["arp-sender-ip"] == nil)
        #expect(port.audit?.ready == false && port.audit?.violates == ["arp-sender-ip": 1] && port.audit?.since == nil)
        #expect(
            try fixture.succeed("status").contains(
                "vif1.0 (www.example.com): would have been dropped since the port was guarded:\n    arp-sender-ip 1"))
        #expect(try patient.finding("audit-violates", naming: "arp-sender-ip 1")?.mend == ["addresses: [...]   # arp-sender-ip"])

        // With an agent there is more to say: since when, and whose the address is.
        try recording.step()
        let lock = try #require(try AgentLock.take(in: StateFolder(fixture.state)))
        #expect(try fixture.succeed("events").contains("would drop arp-sender-ip"))
        #expect(try fixture.port("vif1.0").audit?.since != nil && fixture.port("vif1.0").audit?.violates == ["arp-sender-ip": 1])
        let claim = try #require(try patient.finding("reserved-identity-claimed", naming: "192.0.2.254"))
        #expect(claim.severity == "problem" && claim.mend == ["mode: enforce   # at guest www.example.com"])

        // Held to its binding.
        try fixture.write(Self.policy(mode: "enforce"))
        _ = try fixture.succeed("apply")
        let before = mail.frames.count
        try sender.send([Self.spoof, Self.honest])
        #expect(try mail.first { $0.bytes.starts(with: Self.honest) } != nil)
        #expect(!mail.frames[before...].contains { $0.bytes.starts(with: Self.spoof) })
        let after = try fixture.port("vif1.0")
        #expect(after.sent.dropped["arp-sender-ip"]?.packets == 1 && after.sent.wouldDrop["arp-sender-ip"]?.packets == 1 && after.audit == nil)
        #expect(try !patient.examine().findings.contains { $0.id.hasPrefix("audit-") })
        #expect(try !fixture.succeed("status").contains("\nAUDIT\n"))
        withExtendedLifetime(lock) {}
    }

    @Test func `what guests used in the last day is told with whose it is, or how to list it`() throws {
        let fixture = try CommandFixture(policy: Self.policy(mode: "enforce"))
        let patient = try Patient(applying: fixture)
        let recording = try Recorder(fixture)
        let sender = try FrameSender(on: "p-vif1.0", in: fixture.host)
        try sender.send(arpRequest(from: 1, sender: [192, 0, 2, 2]))
        try sender.send(arpRequest(from: 1, sender: [192, 0, 2, 44]))
        try FrameSender(on: "p-up0", in: fixture.host).send(arpRequest(from: 9, sender: [192, 0, 2, 2]))
        try recording.step()
        let theft = try #require(try patient.finding("identity-claimed-by-two", naming: "192.0.2.2"))
        #expect(theft.severity == "warning" && theft.place == "guest www.example.com, port vif1.0" && theft.meaning.contains("mail.example.com"))
        #expect(try patient.finding("guest-identity-on-uplink", naming: "uplink up0")?.meaning.contains("mail.example.com") == true)
        let unlisted = try #require(try patient.finding("identity-unlisted", naming: "192.0.2.44"))
        #expect(unlisted.mend == ["addresses: [192.0.2.1, 192.0.2.44]"])
        // Written where it belongs, the guest may use it.
        try fixture.write(Self.policy(mode: "enforce").replacingOccurrences(of: "addresses: [192.0.2.1]", with: unlisted.mend[0]))
        _ = try fixture.succeed("apply")
        #expect(try patient.finding("identity-unlisted", naming: "192.0.2.44") == nil)
    }
}
