import Addresses
import Datapath
import Enforcement
import Netlink
import Policy
import PolicyText
import Testing

@testable import Doctor

/// The policy on a host: whether it is there, sound, possible and in force.
struct PolicyStateTests {
    private static let settings: BridgePort.Settings = {
        var settings = BridgePort.Settings()
        (settings.learning, settings.unicastFlood, settings.bpduGuard, settings.isolated, settings.multicastRouter) = (
            false, false, true, false, .never
        )
        return settings
    }()

    private static let policy = """
        bridges: {br0: {uplinks: [eth0]}}
        guests:
          www:
            interfaces: [{port: vif1.0, bridge: br0, mac: "02:00:00:00:00:01", addresses: [192.0.2.1]}]
        """

    private static func sound(_ text: String = policy) throws -> PolicyState.Reading { .sound(try PolicyFiles.parse(text, file: "policy.yaml")) }

    /// A host where that policy is in force.
    private static func guarded(_ reading: PolicyState.Reading) -> HostState {
        let bridge = Port(bridgeIndex: 2, bridgeName: "br0")
        func port(_ index: InterfaceIndex, _ name: String) -> Port { Port(index: index, name: name, bridgeIndex: 2, bridgeName: "br0") }
        let mac = MACAddress(2, 0, 0, 0, 0, 1)
        var state = HostState(
            interfaces: [
                .init(index: 2, name: "br0"), .init(index: 3, name: "eth0", bridge: 2, isWithoutIPv6: true),
                .init(index: 11, name: "vif1.0", bridge: 2, settings: settings, isWithoutIPv6: true),
            ],
            bridges: [.init(index: 2, name: "br0", hasNoLinkLocalLearning: true, forwarding: [.init(mac: mac, port: 11, .sticky)])],
            guarded: [
                .init(port: bridge, kind: .bridge), .init(port: port(3, "eth0"), kind: .uplink, mode: .audit),
                .init(port: port(11, "vif1.0"), kind: .guest, binding: Binding(guest: "www", macs: [mac], addresses4: [IPv4Prefix("192.0.2.1")!])),
            ])
        // The owners are what a plan would enter.
        if case .sound(let configuration) = reading {
            for case .enterOwners(_, let table, _) in Plan(configuration.policy, on: state).steps {
                state.bridges[2]?.owners = BridgeOwners(
                    macs: table.macs, addresses4: table.addresses4, addresses6: table.addresses6, prefixes4: table.prefixes4,
                    prefixes6: table.prefixes6)
            }
        }
        return state
    }

    private func policyState(_ reading: PolicyState.Reading, isLoaded: Bool = true, _ change: (inout HostState) -> Void = { _ in }) -> PolicyState {
        var state = Self.guarded(reading)
        change(&state)
        return PolicyState(path: "/etc/vifguard", reading: reading, state: state, isLoaded: isLoaded)
    }

    private func ids(_ findings: [Finding]) -> [String] { findings.map { "\($0.id) \($0.severity)" } }

    @Test func `a policy that is in force is fine`() throws {
        let state = policyState(try Self.sound())
        #expect(state.findings.isEmpty)
        let plan = Plan(try #require(state.configuration).policy, on: state.state)
        #expect(Drift(plan: plan).findings.isEmpty)
    }

    @Test func `no policy, a wrong one, one that isn't applied`() throws {
        #expect(ids(policyState(.missing).findings) == ["policy-missing problem"])
        let wrong = [
            ConfigurationError("no", at: SourceLocation(file: "policy.yaml", line: 3, column: 1)),
            ConfigurationError("hm", at: SourceLocation(file: "p"), severity: .warning),
        ]
        let invalid = policyState(.invalid(wrong)).findings
        #expect(ids(invalid) == ["policy-invalid problem"] && invalid[0].found == "policy.yaml:3:1: no")
        let empty = PolicyState(
            path: "/etc/vifguard", reading: try Self.sound(),
            state: HostState(
                interfaces: [.init(index: 2, name: "br0"), .init(index: 3, name: "eth0", bridge: 2)], bridges: [.init(index: 2, name: "br0")]),
            isLoaded: false)
        #expect(ids(empty.findings) == ["policy-not-applied problem"])
    }

    @Test func `bridges and uplinks that aren't there, or that nobody asked for`() throws {
        #expect(
            ids(
                policyState(try Self.sound()) { state in
                    state.interfaces[2]?.name = "br1"
                    state.bridges[2]?.name = "br1"
                }.findings) == ["bridge-missing problem", "bridge-not-in-policy warning"])
        let gone = policyState(try Self.sound()) { $0.interfaces[3] = nil }.findings
        #expect(ids(gone) == ["uplink-missing problem"] && gone[0].mend.isEmpty)
        let apart = policyState(try Self.sound()) { $0.interfaces[3]?.bridge = nil }.findings
        #expect(ids(apart) == ["uplink-missing problem"] && apart[0].mend == ["ip link set eth0 master br0", "vifguard apply"])
    }

    @Test func `ports without guard, without binding, guests without port`() throws {
        let newcomer = policyState(try Self.sound()) { $0.interfaces[12] = .init(index: 12, name: "vif2.0", bridge: 2) }
        #expect(ids(newcomer.findings) == ["port-unguarded problem"] && newcomer.findings[0].place == "port vif2.0")
        // Which the plan tells no second time.
        let plan = Plan(try #require(newcomer.configuration).policy, on: newcomer.state)
        let drift = Drift(plan: plan, known: newcomer.unguarded).findings
        #expect(!drift.contains { $0.id == "drift-attach" || $0.id == "drift-close" })
        #expect(ids(policyState(try Self.sound()) { $0.guarded[11]?.hooks = [.egress] }.findings) == ["port-unguarded problem"])
        let closed = policyState(try Self.sound()) { $0.guarded[11]?.binding = nil }.findings
        #expect(ids(closed) == ["port-closed note", "guest-not-running note"])
        #expect(closed[1].place == "guest www")
    }

    // MARK: Drift

    @Test func `what apply would still do is told by kind`() throws {
        func drift(_ change: (inout HostState) -> Void) throws -> [Finding] {
            let state = policyState(try Self.sound(), change)
            return Drift(plan: Plan(try #require(state.configuration).policy, on: state.state)).findings
        }
        let learning = try drift { $0.interfaces[11]?.settings.learning = true }
        #expect(ids(learning) == ["drift-set-port warning"])
        #expect(learning[0].place == "interface vif1.0" && learning[0].found.contains("learning off") && learning[0].mend == ["vifguard apply"])
        #expect(ids(try drift { $0.bridges[2]?.forwarding = [] }) == ["drift-add-forwarding warning"])
        #expect(ids(try drift { $0.interfaces[11]?.isWithoutIPv6 = false }) == ["drift-set-ipv6 warning"])
        #expect(ids(try drift { $0.bridges[2]?.hasNoLinkLocalLearning = false }) == ["drift-set-link-local-learning warning"])
        #expect(ids(try drift { $0.guarded[11]?.hooks = [.egress] }) == ["drift-attach problem"])
        #expect(ids(try drift { $0.guarded[11]?.binding?.addresses4 = [] }) == ["drift-bind problem"])
        #expect(ids(try drift { $0.bridges[2]?.owners = BridgeOwners() }) == ["drift-enter-owners problem"])
        #expect(
            ids(try drift { $0.guarded[99] = .init(port: Port(index: 99, name: "vif9.0", bridgeIndex: 2, bridgeName: "br0"), kind: .guest) }) == [
                "drift-release note"
            ])
    }

    @Test func `a thousand ports are told by three`() {
        let steps = (100..<1100).map { index in
            Step.setIPv6(Port(index: InterfaceIndex(index), name: "vif\(index).0", bridgeIndex: 2, bridgeName: "br0"), isOff: true)
        }
        let findings = Drift(plan: Plan(steps: steps, faults: [Fault(.guest("www"), "no")], warnings: ["hm"])).findings
        #expect(ids(findings) == ["drift-set-ipv6 warning", "policy-not-possible problem", "apply-warns warning"])
        #expect(findings[0].place == "1000 interfaces" && findings[0].found.hasSuffix("and 997 more"))
    }
}
