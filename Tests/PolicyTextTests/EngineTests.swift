import Foundation
import Policy
import PolicyText
import Testing

/// `engine:` in a policy, and what is said of a policy that the classic engine can't carry out.
@Suite struct EngineTests {
    private static func policy(bridge: String = "", _ interface: String = "", guest: String = "") -> String {
        """
        engine: classic
        bridges: {xenbr0: {uplinks: [eth0]\(bridge)}}
        guests:
          www:
            \(guest.isEmpty ? "mode: enforce" : guest)
            interfaces:
              - {port: vif1.0, bridge: xenbr0, mac: 00:16:3e:00:00:10, addresses: [192.0.2.7]\(interface)}
        """
    }

    private func errors(_ text: String) -> [ConfigurationError] {
        do { return try PolicyFiles.parse(text, file: "p").warnings } catch { return error.errors }
    }

    @Test func `the usual engine is ebpf, and the other can be chosen`() throws {
        #expect(try PolicyFiles.parse("bridges: {}", file: "p").engine == .ebpf)
        #expect(try PolicyFiles.parse("engine: ebpf\nbridges: {}", file: "p").engine == .ebpf)
        let configuration = try PolicyFiles.parse(Self.policy(), file: "p")
        #expect(configuration.engine == .classic)
        #expect(try PolicyFiles.parse(PolicyWriter.yaml(for: configuration), file: "p").engine == .classic)
        let wrong = errors("engine: clasic\nbridges: {}")
        #expect(wrong.map(\.message) == ["engine must be ebpf or classic, not \"clasic\": did you mean classic?"])
        #expect(wrong.map(\.suggestion) == ["classic"] && wrong.map(\.location.column) == [9])
    }

    @Test func `whoever chooses it is told what it doesn't stop`() {
        let warnings = errors(Self.policy())
        #expect(warnings.count == 1 && warnings[0].severity == .warning && warnings[0].location.line == 1)
        for word in ["between guests", "ARP", "MACs", "tagged", "DHCP", "FORWARD", "IPv6"] { #expect(warnings[0].message.contains(word), "\(word)") }
    }

    @Test(arguments: [
        ("", "", "roles: [router]", "knows no roles"),
        ("", "", "mode: audit", "no audit mode"),
        ("", ", vrrp: [{mac: 00:00:5e:00:01:07, address: 192.0.2.5}]", "", "virtual routers"),
        (", isolated: true", "", "", "talk to each other"),
        (", uplink: enforce", "", "", "from outside"),
    ]) func `what it can't do is an error, where it is written`(_ bridge: String, _ interface: String, _ guest: String, _ message: String) {
        let found = errors(Self.policy(bridge: bridge, interface, guest: guest)).filter { $0.severity == .error }
        #expect(found.count == 1 && found[0].message.contains(message) && found[0].suggestion?.contains("ebpf") == true, "\(found)")
        #expect(found.first?.location.line == (bridge.isEmpty ? 7 : 2))
        // With the other engine it is no error.
        #expect(errors(Self.policy(bridge: bridge, interface, guest: guest).replacing("classic", with: "ebpf")).isEmpty)
    }

    @Test func `addresses by DHCP, and names that stand for many, are errors`() {
        let dhcp = errors(Self.policy().replacing("[192.0.2.7]", with: "[192.0.2.7, dhcp]")).filter { $0.severity == .error }
        #expect(dhcp.count == 1 && dhcp[0].message.contains("DHCP clients"))
        for (name, instead) in [("vif1.0", "vif+"), ("eth0", "eth+")] {
            let found = errors(Self.policy().replacing(name, with: instead)).filter { $0.severity == .error }
            #expect(found.count == 1 && found[0].message.contains("can't name an interface \"\(instead)\""), "\(found)")
        }
    }

    @Test func `what it doesn't keep is a warning`() {
        let found = errors(Self.policy(", vlans: [7], ethertypes: [0x88cc], quiet: false, limits: {broadcast: {rate: 1, burst: 1}}"))
        #expect(found.allSatisfy { $0.severity == .warning } && found.count == 5)
    }

    @Test func `the engine can be read where the rest can't`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-engine-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "policy.yaml")
        for (text, engine) in [
            ("engine: classic\nbridges: {}\n", Engine.classic), ("engine: classic\nbridges: 7\nnonsense: 1\n", .classic), ("bridges: {}", .ebpf),
            ("{", .ebpf), ("engine: x", .ebpf),
        ] {
            try text.write(to: file, atomically: true, encoding: .utf8)
            #expect(PolicyFiles.engine(folder.path) == engine && PolicyFiles.engine(file.path) == engine, "\(text)")
        }
        #expect(PolicyFiles.engine("/nowhere") == .ebpf)
    }
}
