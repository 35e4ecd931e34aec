import Addresses
import Enforcement
import Foundation
import Lab
import Policy
import Testing

@testable import API

/// The metrics of a guarded bridge, before the judge of Prometheus' own text format.
@Suite(.timeLimit(.minutes(5)))
struct MetricsSystemTests {
    /// `make promtool` puts it there.
    private static let promtool = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: ".build/tools/usr/bin/promtool")

    @Test func `promtool finds nothing wrong, whatever guests are called`() throws {
        try #require(FileManager.default.isExecutableFile(atPath: Self.promtool.path), "\(Self.promtool.path) isn't there: run 'make promtool'")
        let network = try GuardedNetwork()
        var policy = GuardedNetwork.policy
        policy.interfaces[0].binding.guest = "a\"b\\c\nd{e=\"f\"} 1 ü€😀"
        #expect(try network.apply(policy).succeeded)
        // Guest 1 says in ARP that another's address is its own, and guest 2 is heard.
        var spoof = arpRequest(from: 1, sender: [192, 0, 2, 2])
        let mac = Array(GuardedNetwork.macs[0].bytes)
        spoof.replaceSubrange(6..<12, with: mac)
        spoof.replaceSubrange(22..<28, with: mac)
        try FrameSender(on: "eth0", in: network.network.guests[0].namespace).send(spoof)
        _ = try network.canReach("192.0.2.254", from: network.network.guests[1])

        let page = try network.host.run {
            var health = AgentHealth(startedAt: 1_700_000_000_000_000_000)
            health.reconciler.steps = ["bind": 2]
            health.collector.storeBytes = 4096
            return try MetricsPage(health, pins: network.pins).text
        }
        #expect(page.contains("guest=\"a\\\"b\\\\c\\nd{e=\\\"f\\\"} 1 ü€😀\""))
        #expect(page.contains("direction=\"from-guest\",reason=\"arp-sender-ip\"} 1\n"), "\(page)")
        let judgement = try Self.check(page)
        #expect(judgement.status == 0 && judgement.text.isEmpty, "\(judgement)\n\(page)")
        // The judge finds what there is to find.
        #expect(try Self.check(page + "vifguard_agent_up{port=\"} 1\n").status != 0)
        #expect(try Self.check(page.replacingOccurrences(of: "ü€😀\"", with: "\n\"")).status != 0)
    }

    private static func check(_ page: String) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = promtool
        process.arguments = ["check", "metrics"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let writing = Thread {
            try? input.fileHandleForWriting.write(contentsOf: Data(page.utf8))
            try? input.fileHandleForWriting.close()
        }
        writing.start()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
