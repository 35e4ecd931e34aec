import Datapath
import Enforcement
import EventStore
import Glibc
import Netlink
import Policy
import PolicyText
import Reporting

/// Looks for what would undermine the guard, or surprise whoever runs the host, and changes nothing.
public enum Doctor {
    /// Examines the network namespace that this process is in. What can't be looked at is a finding that says so.
    ///
    /// - Parameters:
    ///   - path: the policy, a file or a folder.
    ///   - pins: the folder of pins.
    ///   - stateFolder: where the agent keeps its store of events and its lock.
    /// - Throws: `EnforcementError` where not even interfaces can be listed.
    public static func examine(policy path: String, pins: PinFolder, stateFolder: StateFolder = StateFolder()) async throws -> Diagnosis {
        var (pinned, datapath) = Pins.observe(pins)
        let state = try HostState.observe(datapath: datapath)
        let policy = PolicyState(path: path, reading: reading(path), state: state, isLoaded: datapath != nil)
        if policy.configuration?.engine == .classic {
            return Diagnosis(time: now, findings: ClassicRules.observe(policyPath: path, pinned).findings)
        }
        pinned.wantedStampBit = policy.configuration?.stampBit
        pinned.wantedPorts = policy.configuration?.maximumPorts
        let history = History.observe(stateFolder)
        let audits = Audits(ports: try datapath.map(auditedPorts) ?? [], history: history)
        var findings = policy.findings + pinned.findings + Kernel.observe().findings
        findings += drift(policy, pinned)
        findings += try await network(state, policy, datapath)
        findings += history.findings + Claims(holdings: holdings(policy), breaches: history.breaches).findings + audits.findings
        findings += await AgentState.observe(stateFolder).findings
        return Diagnosis(time: now, findings: findings, audits: audits.all)
    }

    private static var now: String { WallClock(nanoseconds: WallClock.now(CLOCK_REALTIME)).universal }

    private static func reading(_ path: String) -> PolicyState.Reading {
        guard access(path, F_OK) == 0 else { return .missing }
        do throws(ConfigurationErrors) {
            return .sound(try PolicyFiles.load(path))
        } catch {
            return .invalid(error.errors)
        }
    }

    private static func auditedPorts(_ datapath: Datapath) throws(DatapathError) -> [Audits.Port] {
        try datapath.ports().compactMap { status in
            status.binding.map { Audits.Port(name: status.port.name, guest: $0.guest, mode: $0.mode, counters: status.counters) }
        }
    }

    /// Where the host isn't what the policy says; without a policy, or with nothing in force, that is told on its own.
    private static func drift(_ policy: PolicyState, _ pinned: Pins) -> [Finding] {
        guard let configuration = policy.configuration, policy.isLoaded else { return [] }
        return Drift(plan: Plan(configuration.policy, on: policy.state), known: policy.unguarded).findings
    }

    // MARK: The network

    /// Bridges that are guarded, or that the policy wants guarded.
    private static func bridges(_ state: HostState, _ policy: PolicyState) -> [HostState.BridgeDevice] {
        let named = Set(policy.configuration?.policy.bridges.map(\.name) ?? [])
        return state.bridges.values.filter { named.contains($0.name) || state.guarded[$0.index]?.kind == .bridge }.sorted { $0.name < $1.name }
    }

    private static func network(_ state: HostState, _ policy: PolicyState, _ datapath: Datapath?) async throws -> [Finding] {
        let bridges = bridges(state, policy)
        guard !bridges.isEmpty else { return [] }
        let stampBit = datapath?.stampBit ?? policy.configuration?.stampBit ?? Datapath.defaultStampBit
        let settings = try Bridge.all()
        let filtered = bridges.map { bridge in
            FilteredBridge(
                bridge, ports: state.interfaces.values.filter { $0.bridge == bridge.index }.map(\.name), settings.first { $0.index == bridge.index })
        }
        var findings = await PacketMarks.observe(filtered, stampBit: stampBit).findings
        findings += try EarlyFrames.observe().findings
        for bridge in bridges {
            if let found = settings.first(where: { $0.index == bridge.index }) {
                findings += BridgeOptions(name: bridge.name, settings: found.settings).findings
            }
            findings += try HostStack.observe(bridge.name, routers: routers(on: bridge, state)).findings
        }
        findings += ports(state)
        if let datapath { findings += try foreign(state, datapath) }
        return findings
    }

    /// Guests whose router advertisements and redirects reach the bridge.
    private static func routers(on bridge: HostState.BridgeDevice, _ state: HostState) -> [String] {
        let bindings = state.guarded.values.filter { $0.port.bridgeIndex == bridge.index }.compactMap(\.binding)
        return Set(bindings.filter { $0.roles.contains(.router) || $0.mode == .audit }.map(\.guest)).sorted()
    }

    private static func ports(_ state: HostState) -> [Finding] {
        let guests = state.guarded.values.filter { $0.kind == .guest }.compactMap { state.interfaces[$0.port.index] }
        return guests.sorted { $0.index < $1.index }.flatMap { PortOptions(name: $0.name, settings: $0.settings).findings }
    }

    private static func foreign(_ state: HostState, _ datapath: Datapath) throws -> [Finding] {
        let ingressOnly = try TrafficControl.ingressOnly()
        return try state.guarded.values.sorted { $0.port.index < $1.port.index }.flatMap { guarded -> [Finding] in
            guard let interface = state.interfaces[guarded.port.index] else { return [] }
            let ours = Set(try datapath.programIDs(of: interface.index))
            return try ForeignPrograms.observe(interface.index, named: interface.name, ours: ours, ingressOnly: ingressOnly).findings
        }
    }

    // MARK: The guests

    /// Whose everything is: by the policy, and by what others have attached.
    private static func holdings(_ policy: PolicyState) -> Holdings {
        var holdings = Holdings()
        let state = policy.state
        for bridge in policy.configuration?.policy.bridges ?? [] {
            let device = state.bridges.values.first { $0.name == bridge.name }
            holdings.add(bridge, hostAddresses: device?.hostAddresses ?? [], hostMACs: device?.hostMACs ?? [])
        }
        for interface in policy.configuration?.policy.interfaces ?? [] { holdings.add(interface) }
        for guarded in state.guarded.values.sorted(by: { $0.port.index < $1.port.index }) {
            guard let binding = guarded.binding, binding.origin != .policy || policy.configuration == nil else { continue }
            holdings.add(GuestInterface(port: guarded.port.name, bridge: guarded.port.bridgeName, binding: binding))
        }
        return holdings
    }
}

extension FilteredBridge {
    init(_ bridge: HostState.BridgeDevice, ports: [String], _ found: Bridge?) {
        self.init(name: bridge.name, ports: Set(ports))
        // br_netfilter's settings are there when it is.
        guard let host = Self.hostSetting("iptables") else { return }
        callsIPv4 = host || found?.settings.callsIPTables == true
        callsIPv6 = Self.hostSetting("ip6tables") == true || found?.settings.callsIP6Tables == true
        callsARP = Self.hostSetting("arptables") == true || found?.settings.callsARPTables == true
    }

    /// net.bridge.bridge-nf-call-…
    private static func hostSetting(_ tables: String) -> Bool? {
        let file = open("/proc/sys/net/bridge/bridge-nf-call-\(tables)", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var byte: UInt8 = 0
        return read(file, &byte, 1) == 1 ? byte != UInt8(ascii: "0") : nil
    }
}
