import Addresses
import Datapath
import Enforcement
import Foundation
import Netlink
import Policy
import PolicyText
import Testing

@testable import Doctor

/// The policy, the kernel, the pins and the agent.
struct HostTests {
    // MARK: The kernel

    private let kernel = Kernel(release: "6.18.44-x", loadsPrograms: true, hasRingBuffer: true, hasTCX: true, jit: 1, unprivilegedDisabled: 2)

    @Test func `a kernel that has all is fine`() {
        #expect(kernel.findings.isEmpty)
        var old = kernel
        old.hasTCX = false
        old.hasClsact = true
        old.release = "6.1.0-18-amd64"
        #expect(old.findings.isEmpty)
        var bare = kernel
        (bare.jit, bare.unprivilegedDisabled) = (nil, nil)
        #expect(bare.findings.isEmpty)
    }

    @Test func `what a kernel lacks is named`() {
        func ids(_ change: (inout Kernel) -> Void) -> [String] {
            var kernel = kernel
            change(&kernel)
            return kernel.findings.map { "\($0.id) \($0.severity)" }
        }
        #expect(ids { $0.release = "5.10.0-28-amd64" } == ["kernel-old problem"])
        #expect(ids { $0.release = "6.0.19" } == ["kernel-old problem"])
        #expect(ids { $0.release = "" } == ["not-looked-at note"] && ids { $0.release = "next" } == ["not-looked-at note"])
        #expect(ids { $0.loadsPrograms = false } == ["kernel-without-bpf problem"])
        #expect(ids { $0.loadsPrograms = nil } == ["not-looked-at note"])
        #expect(ids { $0.hasRingBuffer = false } == ["kernel-without-ring-buffer problem"])
        #expect(ids { ($0.hasTCX, $0.hasClsact) = (false, false) } == ["kernel-without-attachment problem"])
        #expect(ids { ($0.hasTCX, $0.hasClsact) = (false, nil) } == ["not-looked-at note"])
        #expect(ids { $0.jit = 0 } == ["bpf-interpreted warning"])
        #expect(ids { $0.unprivilegedDisabled = 0 } == ["unprivileged-bpf note"])
    }

    // MARK: Pins

    private func pins(
        _ loaded: Pins.Loaded = .programs(isCurrent: true, stampBit: 30), bpffs: Bool = true, path: String = "/sys/fs/bpf/vifguard",
        note: String? = nil, wanted: Int? = 30
    ) -> [String] {
        Pins(path: path, loaded: loaded, isInBPFFileSystem: bpffs, expeditedNote: note, wantedStampBit: wanted).findings.map {
            "\($0.id) \($0.severity)"
        }
    }

    @Test func `what is loaded`() {
        #expect(pins().isEmpty && pins(.nothing).isEmpty && pins(wanted: nil).isEmpty)
        #expect(pins(.programs(isCurrent: false, stampBit: 30)) == ["programs-of-another-version warning"])
        #expect(pins(wanted: 29) == ["stamp-bit-differs warning"])
        #expect(pins(.failed(.layout(path: "x", found: 1, known: 2))) == ["maps-of-another-layout problem"])
        #expect(pins(.failed(.otherNetwork(path: "x"))) == ["pins-of-another-network problem"])
        #expect(pins(.failed(.notPermitted(action: "open"))) == ["not-looked-at note"])
    }

    @Test func `where it is pinned, and what a killed run has left`() {
        #expect(pins(.nothing, bpffs: false) == ["no-bpffs note"])
        #expect(pins(.nothing, bpffs: false, path: "/tmp/pins") == ["no-bpffs problem"])
        #expect(pins(note: "0") == ["rcu-expedited-left warning"])
        let finding = Pins(path: "/sys/fs/bpf/vifguard", loaded: .nothing, isInBPFFileSystem: true, expeditedNote: "0").findings[0]
        #expect(finding.mend == ["echo 0 > /sys/kernel/rcu_expedited", "rm /run/vifguard/rcu_expedited"])
    }

    // MARK: The agent

    private func unit(_ fileState: String = "enabled", _ activeState: String = "active", before: Set<String> = []) -> AgentState.Unit {
        AgentState.Unit(fileState: fileState, activeState: activeState, before: before)
    }

    private func agent(_ service: AgentState.Service, isRunning: Bool = true) -> [String] {
        AgentState(isRunning: isRunning, stateFolder: "/var/lib/vifguard", service: service).findings.map { "\($0.id) \($0.severity)" }
    }

    @Test func `an agent that runs and will is fine`() {
        #expect(agent(.unit(unit(), hypervisors: [])).isEmpty)
        #expect(agent(.unit(unit(before: ["libvirtd.service", "x.service"]), hypervisors: ["libvirtd.service"])).isEmpty)
    }

    @Test func `an agent that doesn't, or won't in time, is told`() {
        #expect(agent(.unit(unit(), hypervisors: []), isRunning: false) == ["agent-not-running warning"])
        #expect(agent(.noSystemd) == ["not-looked-at note"] && agent(.unknown("no")) == ["not-looked-at note"])
        #expect(agent(.unit(unit(""), hypervisors: ["libvirtd.service"])) == ["unit-missing warning"])
        #expect(agent(.unit(unit("disabled"), hypervisors: [])) == ["unit-not-enabled warning"])
        #expect(agent(.unit(unit("enabled", "failed"), hypervisors: [])) == ["unit-failed problem"])
        #expect(
            agent(.unit(unit(before: ["libvirtd.service"]), hypervisors: ["libvirtd.service", "xendomains.service"])) == ["unit-after-guests warning"]
        )
    }

    @Test func `systemctl's words are read`() {
        // As systemd 252 prints them; units are parted by an empty line.
        let text = """
            Id=vifguard.service
            Before=libvirtd.service multi-user.target shutdown.target
            LoadState=loaded
            ActiveState=active
            UnitFileState=enabled

            Id=libvirtd.service
            Before=
            LoadState=loaded
            ActiveState=active
            UnitFileState=enabled

            Id=xendomains.service
            Before=
            LoadState=not-found
            ActiveState=inactive
            UnitFileState=
            """
        let wanted = AgentState.Unit(
            fileState: "enabled", activeState: "active", before: ["libvirtd.service", "multi-user.target", "shutdown.target"])
        #expect(AgentState.service(in: text) == .unit(wanted, hypervisors: ["libvirtd.service"]))
        let missing = "Id=vifguard.service\nBefore=\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n"
        #expect(AgentState.service(in: missing) == .unit(AgentState.Unit(fileState: "", activeState: "inactive", before: []), hypervisors: []))
        for odd in ["", "=", "\n\n\n", "Id", "Id=other.service"] {
            guard case .unknown = AgentState.service(in: odd) else {
                Issue.record("\(odd) was taken for something")
                continue
            }
        }
    }

    // MARK: The policy

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

    // MARK: Telling

    @Test func `problems come first, and are what makes a host unsound`() throws {
        let findings = [
            Finding("c", .note, "x", found: "y", meaning: "z"), Finding("a", .problem, "x", found: "y", meaning: "z"),
            Finding("b", .warning, "x", found: "y", meaning: "z"),
        ]
        let diagnosis = Diagnosis(time: "now", findings: findings)
        #expect(diagnosis.findings.map(\.id) == ["a", "b", "c"] && !diagnosis.isSound)
        #expect(Diagnosis(time: "now", findings: Array(findings.filter { $0.severity != .problem })).isSound)
        let json = try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(diagnosis)) as? [String: Any])
        #expect(json["sound"] as? Bool == false && json["problems"] as? Int == 1 && json["warnings"] as? Int == 1 && json["notes"] as? Int == 1)
        let first = try #require((json["findings"] as? [[String: Any]])?.first)
        #expect(Set(first.keys) == ["id", "severity", "where", "found", "meaning", "mend"] && first["severity"] as? String == "problem")
    }

    @Test(arguments: [
        ("vif1.0", "vif1.0"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("$(reboot)", "'$(reboot)'"), ("a;b", "'a;b'"), ("*", "'*'"),
    ])
    func `a word of a command can't become another command`(word: String, written: String) { #expect(word.shellWord == written) }
}
