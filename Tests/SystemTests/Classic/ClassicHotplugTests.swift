import Addresses
import Classic
import Enforcement
import Foundation
import Lab
import Netlink
import Policy
import Testing

/// Ports that come and go, as hot-plug scripts have them.
@Suite(.timeLimit(.minutes(5)))
struct ClassicHotplugTests {
    @Test func `rules are there before the port is up, stay with apply, and go with detach`() throws {
        let network = try ClassicNetwork(joined: false)
        try network.apply(ClassicNetwork.policy(ClassicNetwork.binding(1)))
        let before = try network.forward()
        let attached = try network.host.run { try Classic.attach("vif2.0", to: ClassicNetwork.bridge, ClassicNetwork.binding(2)) }
        #expect(attached.succeeded && attached.plan.commands.count == 9)
        let with = try network.forward()
        #expect(with.joined().filter { $0.contains("vif2.0") }.count == 8)
        #expect(try network.host.run { try Classic.attach("vif2.0", to: ClassicNetwork.bridge, ClassicNetwork.binding(2)) }.plan.isEmpty)
        #expect(try network.apply(ClassicNetwork.policy(ClassicNetwork.binding(1))).plan.isEmpty)
        #expect(try network.forward() == with)
        // Another address, in place of the first.
        _ = try network.host.run { try Classic.attach("vif2.0", to: ClassicNetwork.bridge, ClassicNetwork.binding(2, 22)) }
        let changed = try network.forward().joined()
        #expect(!changed.contains { $0.contains("192.0.2.2 ") || $0.contains("192.0.2.2/") } && changed.contains { $0.contains("192.0.2.22/32") })
        #expect(try network.host.run { try Classic.detach("vif2.0") }.succeeded)
        #expect(try network.forward() == before)
        #expect(try network.listing("iptables", "-S").allSatisfy { !$0.contains("vifguard-") })
        #expect(try network.host.run { try Classic.detach("vif2.0") }.plan.isEmpty)
    }

    @Test func `fifty at once each get all of their rules, and lose them again`() async throws {
        let host = try NetworkNamespace("fifty")
        try host.run {
            _ = try Link.create("br0", .bridge)
            for number in 1...50 { _ = try Link.create("vif\(number).0", .veth()) }
        }
        _ = try host.output(of: ["mount", "-t", "tmpfs", "tmpfs", "/run"])
        let folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-classic-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let policy = folder.appending(path: "policy.yaml").path
        try "engine: classic\nbridges: {br0: {uplinks: [peth0]}}\n".write(toFile: policy, atomically: true, encoding: .utf8)
        _ = try host.output(of: [CommandFixture.binary, "apply", "--policy", policy])
        let attaching = try (1...50).map { number in
            try host.start([
                CommandFixture.binary, "attach", "vif\(number).0", "--bridge", "br0", "--mac", "00:16:3e:00:00:\(String(number + 16, radix: 16))",
                "--address", "192.0.2.\(number)", "--address", "2001:db8::\(number)", "--policy", policy,
            ])
        }
        for command in attaching {
            let result = try command.wait(atMost: .seconds(120))
            #expect(result.succeeded, "\(result)")
        }
        let state = try host.run { try Classic.observe() }
        #expect(state.rules.count == 50 * 8 && Set(state.rules).count == 50 * 8 && state.attached.count == 50)
        #expect(Filter.allCases.allSatisfy { state.chains[$0]?.entries.count == state.chains[$0]?.rules.count })
        let detaching = try (1...50).map { try host.start([CommandFixture.binary, "detach", "vif\($0).0", "--policy", policy]) }
        for command in detaching { #expect(try command.wait(atMost: .seconds(120)).succeeded) }
        let after = try host.run { try Classic.observe() }
        #expect(after.rules.isEmpty && after.attached.isEmpty && after.isGuarding)
    }

    @Test func `who mayn't be attached isn't`() throws {
        let network = try ClassicNetwork()
        let bridge = ClassicNetwork.bridge
        func refusal(_ port: String, _ bridge: BridgePolicy, _ binding: Binding) throws -> String {
            do {
                _ = try network.host.run { try Classic.attach(port, to: bridge, binding) }
                return "attached"
            } catch { return "\(error)" }
        }
        #expect(try refusal("vif2.0", bridge, ClassicNetwork.binding(2)).contains("'vifguard apply' first"))
        try network.apply(ClassicNetwork.policy(ClassicNetwork.binding(1)))
        let before = try network.forward()
        #expect(try refusal("vif2.0", bridge, ClassicNetwork.binding(2, 1)).contains("192.0.2.1 is vif1.0's"))
        #expect(try refusal("vif2.0", bridge, ClassicNetwork.binding(2, 254)).contains("reserved"))
        #expect(try refusal("uplink", bridge, ClassicNetwork.binding(2)).contains("uplink"))
        #expect(try refusal("br0", bridge, ClassicNetwork.binding(2)).contains("is a bridge"))
        #expect(try refusal("nosuch0", bridge, ClassicNetwork.binding(2)).contains("no such device"))
        #expect(try refusal("vif2.0", BridgePolicy(name: "br9"), ClassicNetwork.binding(2)).contains("port of bridge br0"))
        var dhcp = ClassicNetwork.binding(2)
        dhcp.usesDHCP = true
        #expect(try refusal("vif2.0", bridge, dhcp).contains("DHCP"))
        #expect(try network.forward() == before)
        #expect(try network.listing("iptables", "-S").allSatisfy { !$0.contains("vifguard-") })
    }

    @Test func `what a port that is gone left behind makes way for the guest's next port`() throws {
        let network = try ClassicNetwork()
        try network.apply(ClassicNetwork.policy())
        _ = try network.host.run { try Classic.attach("vif1.0", to: ClassicNetwork.bridge, ClassicNetwork.binding(1)) }
        try network.host.run { try Link.named("vif1.0").delete() }
        let next = try network.host.run { try Classic.attach("vif2.0", to: ClassicNetwork.bridge, ClassicNetwork.binding(2, 1)) }
        #expect(next.succeeded)
        let state = try network.host.run { try Classic.observe() }
        #expect(state.attached == ["vif2.0"] && state.rules.allSatisfy { $0.port == "vif2.0" } && state.rules.count == 8)
    }

    @Test func `what the policy keeps for a port that isn't there is no other guest's`() throws {
        let network = try ClassicNetwork()
        try network.apply(ClassicNetwork.policy(ClassicNetwork.binding(1)))
        try network.host.run { try Link.named("vif1.0").delete() }
        let before = try network.forward()
        let refusal = #expect(throws: ClassicError.self) {
            try network.host.run { try Classic.attach("vif2.0", to: ClassicNetwork.bridge, ClassicNetwork.binding(2, 1)) }
        }
        #expect(refusal?.description.contains("192.0.2.1 is kept for the policy's port vif1.0") == true, "\(String(describing: refusal))")
        #expect(try network.forward() == before)
        // The guest's own card may have come back under another name.
        #expect(try network.host.run { try Classic.attach("vif2.0", to: ClassicNetwork.bridge, ClassicNetwork.binding(1)) }.succeeded)
        #expect(Set(try network.host.run { try Classic.observe() }.rules.map(\.port)) == ["vif2.0"])
        // And keeps it: the policy's word is for another port.
        let report = try network.apply(ClassicNetwork.policy(ClassicNetwork.binding(1)))
        #expect(report.plan.isEmpty && report.plan.faults.map(\.scope) == [.guest("guest-1")])
    }

    @Test func `what a port that is gone had on another bridge stays`() throws {
        let network = try ClassicNetwork(joined: false)
        try network.apply(ClassicNetwork.policy())
        _ = try network.host.run { try Classic.attach("vif1.0", to: ClassicNetwork.bridge, ClassicNetwork.binding(1)) }
        try network.host.run { try Link.named("vif1.0").delete() }
        let other = BridgePolicy(name: "br9", uplinks: ["elsewhere"])
        #expect(try network.host.run { try Classic.attach("vif2.0", to: other, ClassicNetwork.binding(2, 1)) }.succeeded)
        let state = try network.host.run { try Classic.observe() }
        #expect(state.attached == ["vif1.0", "vif2.0"] && state.rules.count == 16)
    }

    @Test func `apply gives attached ports back what it empties`() throws {
        let network = try ClassicNetwork()
        try network.apply(ClassicNetwork.policy(ClassicNetwork.binding(1)))
        _ = try network.host.run { try Classic.attach("vif2.0", to: ClassicNetwork.bridge, ClassicNetwork.binding(2)) }
        let before = try network.forward()
        for tool in ["iptables", "ip6tables", "arptables-legacy"] { _ = try network.host.output(of: [tool, "-P", "FORWARD", "ACCEPT"]) }
        #expect(try network.apply(ClassicNetwork.policy(ClassicNetwork.binding(1))).succeeded)
        #expect(try network.forward().map { $0.sorted() } == before.map { $0.sorted() })
    }

    @Test func `a port is left without rules where one of them can't be put in`() throws {
        let network = try ClassicNetwork()
        try network.apply(ClassicNetwork.policy(ClassicNetwork.binding(1)))
        let before = try network.forward()
        // In this namespace alone, arptables can't do with MACs.
        let script = """
            cp /usr/sbin/arptables-legacy /run/arptables
            printf '#!/bin/sh\\ncase "$*" in *-A*--source-mac*) echo no memory >&2; exit 1;; esac\\nexec /run/arptables "$@"\\n' > /run/fake
            chmod +x /run/fake
            mount --bind /run/fake "$(readlink -f /usr/sbin/arptables-legacy)"
            """
        _ = try network.host.output(of: ["sh", "-e", "-c", script])
        let report = try network.host.run { try Classic.attach("vif2.0", to: ClassicNetwork.bridge, ClassicNetwork.binding(2)) }
        #expect(!report.succeeded && report.failures.count == 1 && report.failures[0].message.hasSuffix("no memory"))
        #expect(try network.forward() == before)
        #expect(try network.host.run { try Classic.observe() }.attached.isEmpty)
    }
}
