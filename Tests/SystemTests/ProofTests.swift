import Glibc
import Lab
import Packets
import Policy
import Testing

extension ProofReport.Entry: CustomTestStringConvertible {
    public var testDescription: String { name }
}

/// What `vifguard prove` does. Two networks of some twenty namespaces each, on both of which every case is tried.
@Suite("The proof", .serialized, .timeLimit(.minutes(8)))
struct ProofTests {
    @Test("shows every attack to work without the guard and to be blocked and counted with it, and all legitimate traffic to pass")
    func everythingIsProven() throws {
        var told: [String] = []
        let report = try Proof.run { told.append($0.name) }
        for entry in report.entries { #expect(entry.isProven, "\(entry.line)") }
        #expect(report.isProven)
        #expect(told == report.entries.map(\.name))
        #expect(report.attacks.count >= Catalogue.attacks.count)
        #expect(report.legitimate.count > 40)
        let (attacks, legitimate) = (report.attacks.count, report.legitimate.count)
        #expect(report.lines.last == "\(attacks) attacks: \(attacks) blocked; \(legitimate) legitimate: \(legitimate) passed")
    }

    @Test("tries only what it is asked for")
    func filter() throws {
        let report = try Proof.run(Proof.Options(filter: "arp-probe-target"))
        #expect(report.entries.map(\.name) == ["arp-probe-for-a-guests-address", "arp-probe-for-the-gateways-address"])
        #expect(report.entries.allSatisfy { $0.reason == "arp-probe-target" && $0.counted > 0 })
        #expect(report.isProven)
        #expect(report.lines.last == "2 attacks: 2 blocked; 0 legitimate: 0 passed")
    }

    @Test("proves nothing where nothing was tried")
    func nothing() throws {
        #expect(try !Proof.run(Proof.Options(filter: "no such attack")).isProven)
    }

    @Test("writes the frames of each attack down")
    func captures() throws {
        var template = Array("/tmp/vifguard-proof-XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template)).withMemoryRebound(to: CChar.self, capacity: template.count) { String(cString: $0) }
        let path = "\(folder)/ra-guard"
        defer {
            for attack in Catalogue.attacks { unlink("\(path)/\(attack.name).pcap") }
            rmdir(path)
            rmdir(folder)
        }
        _ = try Proof.run(Proof.Options(filter: "ra-guard", captures: path))
        let attack = try #require(Catalogue.attacks.first { $0.reason == .raGuard })
        let capture = try CaptureFile(parsing: Self.contents(of: "\(path)/\(attack.name).pcap"))
        #expect(capture.packets.map(\.bytes) == attack.frames.map(\.bytes))
    }

    private static func contents(of path: String) throws -> [UInt8] {
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let length = fread(&bytes, 1, bytes.count, file)
        return Array(bytes.prefix(length))
    }
}
