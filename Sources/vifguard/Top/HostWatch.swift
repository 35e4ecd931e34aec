import Datapath
import EventStore
import Glibc
import Netlink
import Policy
import Reporting

/// Looks at the kernel again and again, and tells what happened in between.
///
/// Counters are read each time; links and programs, which change seldom and take longer to look at, every few seconds or
/// when there is a port that isn't known yet.
struct HostWatch {
    private static let pause: UInt64 = 5_000_000_000

    private let pins: PinsOption
    private let state: StateFolder
    private var datapath: Datapath
    private var before: Observation
    private var history = ReasonHistory()
    private var host: HostFacts

    /// Opens what is loaded, and looks for the first time.
    init(_ pins: PinsOption, state: StateFolder) throws {
        self.pins = pins
        self.state = state
        datapath = try pins.open()
        before = try Self.observe(datapath)
        host = try HostFacts(before, datapath, state)
    }

    /// What there is at first: all ports, and nothing that happened yet.
    var beginning: TopSnapshot { snapshot(PortRates.between(before, before), 0) }

    /// Looks again.
    ///
    /// - Throws: `DatapathError.notLoaded` while nothing is loaded any more.
    mutating func look() throws -> TopSnapshot {
        let now: Observation
        do {
            now = try Self.observe(datapath)
        } catch DatapathError.superseded {
            // Another vifguard has moved everything to new maps, or has been uninstalled and applied again.
            datapath = try pins.open()
            now = try Self.observe(datapath)
            host.nanoseconds = 0
        }
        let rates = PortRates.between(before, now)
        history.add(rates, until: now.nanoseconds)
        let seconds = Double(now.nanoseconds - before.nanoseconds) / 1e9
        before = now
        if now.nanoseconds > host.nanoseconds + Self.pause || now.ports.contains(where: { !host.knows($0.port) }) {
            host = try HostFacts(now, datapath, state)
        }
        return snapshot(rates, seconds)
    }

    private static func observe(_ datapath: Datapath) throws -> Observation {
        let ports = try datapath.ports()
        return Observation(
            nanoseconds: WallClock.now(CLOCK_MONOTONIC),
            ports: ports.map { ObservedPort($0.port, kind: $0.kind, guest: $0.binding?.guest, counters: $0.counters) })
    }

    private func snapshot(_ rates: [PortRates], _ seconds: Double) -> TopSnapshot {
        let now = before.nanoseconds
        let rows = rates.map { TopRow($0, host.state(of: $0.observed), name: host.name(of: $0.observed.port), history, at: now) }
        return TopSnapshot(
            clock: WallClock(nanoseconds: WallClock.now(CLOCK_REALTIME)), seconds: seconds,
            rows: rows + host.unguarded.map(TopRow.init(unguarded:)), bridges: host.bridges, isAgentRunning: host.isAgentRunning)
    }
}

/// What is known of interfaces beside their counters.
private struct HostFacts {
    /// When this was looked at.
    var nanoseconds: UInt64
    var bridges: [String]
    /// Ports of guarded bridges that have no record.
    var unguarded: [Port]
    var isAgentRunning: Bool
    private var names: [UInt32: String]
    private var lacking: Set<UInt32> = []
    private var recorded: Set<Port>

    init(_ observation: Observation, _ datapath: Datapath, _ state: StateFolder) throws {
        nanoseconds = observation.nanoseconds
        isAgentRunning = AgentLock.isHeld(in: state)
        let links = try Link.all()
        let names = Dictionary(links.map { ($0.index, $0.name) }, uniquingKeysWith: { $1 })
        self.names = names
        recorded = Set(observation.ports.map(\.port))
        let numbers = Set(recorded.map(\.index))
        let bridges = Dictionary(observation.ports.map { ($0.port.bridgeIndex, $0.port.bridgeName) }, uniquingKeysWith: { $1 })
            .reduce(into: [:]) { $0[$1.key] = names[$1.key] ?? $1.value }
        self.bridges = bridges.values.sorted()
        unguarded = links.compactMap { link in
            guard let bridge = link.bridge, let name = bridges[bridge], !numbers.contains(link.index) else { return nil }
            return Port(index: link.index, name: link.name, bridgeIndex: bridge, bridgeName: name)
        }
        for port in recorded where names[port.index] != nil {
            if try datapath.attachments(of: port.index).count < Hook.allCases.count { lacking.insert(port.index) }
        }
    }

    func knows(_ port: Port) -> Bool { recorded.contains(port) }
    func name(of port: Port) -> String { names[port.index] ?? port.name }

    func state(of observed: ObservedPort) -> PortFacts.State {
        let index = observed.port.index
        return PortFacts.State(
            isPresent: names[index] != nil, isWhole: !lacking.contains(index), observed.kind, isBound: observed.guest != nil)
    }
}
