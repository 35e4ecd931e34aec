import Addresses
import Foundation
import Packets
import Testing

@Suite(.timeLimit(.minutes(10)))
struct ExplainTests {
    private struct Explained: Decodable {
        var number: Int
        var time: String?
        var verdict: String
        var reason: String?
        var rules: [String]?
        var claims: [String]
    }

    private func explain(_ capture: [UInt8], _ arguments: [String]) throws -> [Explained] {
        let command = try Command(["explain", "-", "--json"] + arguments, input: capture)
        #expect(command.status == 0 && command.errors.isEmpty, "\(command.errors)")
        return try JSONDecoder().decode([Explained].self, from: Data(command.output.utf8))
    }

    private let policy = ["--policy", "policy.yaml"]

    @Test func `each frame gets the verdict that policy.md gives it`() throws {
        let found = try explain(Frames.story, ["--port", "vif1.0"] + policy)
        #expect(found.map(\.reason) == [nil, "arp-sender-ip", "mac-source", nil, nil, "ra-guard", nil, "ip4-source"])
        #expect(found.map(\.verdict) == ["pass", "drop", "drop", "pass", "pass", "drop", "pass", "drop"])
        #expect(found.map(\.rules) == [nil, ["A4"], ["E1"], nil, nil, ["S6"], nil, ["F2"]])
        #expect(found.map(\.number) == Array(1...8))
        #expect(found[1].time == "2026-03-01T12:00:01.000Z")
    }

    @Test func `an address claimed by one frame is the guest's in the next`() throws {
        let found = try explain(Frames.story, ["--port", "vif1.0"] + policy)
        #expect(found[3].claims == [Frames.linkLocal.description])
        #expect(found[4].claims.isEmpty)
    }

    @Test func `audit mode would drop, and lets pass`() throws {
        let found = try explain(Frames.capture([Frames.arp(Frames.mail, Frames.www4)]), ["--port", "vif2.0"] + policy)
        #expect(found.map(\.verdict) == ["would drop"] && found.map(\.reason) == ["arp-sender-ip"])
    }

    @Test func `a tag beside the frame is a tag`() throws {
        let stated = ["--port", "tap0", "--mac", Frames.www.description, "--address", Frames.www4.description, "--tag", "7"]
        let capture = Frames.capture([Frames.arp(Frames.www, Frames.www4)])
        #expect(try explain(capture, stated).map(\.reason) == ["vlan-tag"])
        #expect(try explain(capture, stated + ["--vlan", "7"]).map(\.reason) == [nil])
    }

    @Test func `a guest whose policy names no port is found by its name`() throws {
        let mac = "00:16:3e:38:b4:ae"
        let frame = Frame.ethernet(from: .init(mac)!, to: Frames.gateway, .raw(.ipv6))
        let found = try explain(Frames.capture([frame]), ["--port", "vif7.0", "--guest", "build.example.com"] + policy)
        #expect(found.map(\.reason) == ["truncated"])
    }

    @Test func `what is stated on the command line is read like a policy`() throws {
        for wrong in [["--mac", "zz"], ["--address", "192.0.2.7/24"], ["--mode", "open"], ["--role", "king"], ["--vlan", "4095"]] {
            let command = try Command(
                ["explain", "frames.txt", "--port", "tap0", "--mac", "00:16:3e:38:b4:ac", "--address", "192.0.2.43"] + wrong)
            #expect(command.status == 2 && command.output.isEmpty, "\(wrong): \(command.errors)")
        }
    }

    @Test(arguments: [0, 1, 23, 24, 39, 40, 60]) func `a capture cut anywhere is an error, and no crash`(length: Int) throws {
        let command = try Command(["explain", "-", "--port", "vif1.0"] + policy, input: Array(Frames.story.prefix(length)))
        // A capture of no packets is a whole one.
        #expect(command.status == (length == 24 ? 0 : 1), "\(command.output)\(command.errors)")
    }
}
