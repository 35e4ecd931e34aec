import Datapath
import Policy
import Reporting

/// One port as `top` shows it.
struct TopRow: Sendable {
    /// From how many packets a second, dropped from what a port sends, it is called a flood.
    static let flood = 1000.0

    var name: String
    var index: UInt32
    var bridge: String
    var kind: PortKind
    var guest: String?
    var state: PortFacts.State
    var sent = PortRates.Side()
    var received = PortRates.Side()
    /// The latest first.
    var causes: [RecentCause] = []
    /// When this was so, nanoseconds of CLOCK_MONOTONIC.
    var nanoseconds: UInt64 = 0

    init(_ rates: PortRates, _ state: PortFacts.State, name: String, _ history: ReasonHistory, at nanoseconds: UInt64) {
        let observed = rates.observed
        self.name = name
        index = observed.port.index
        bridge = observed.port.bridgeName
        kind = observed.kind
        guest = observed.guest
        self.state = state
        sent = rates.sent
        received = rates.received
        causes = history[port: index]
        self.nanoseconds = nanoseconds
    }

    /// A port of a guarded bridge that has no record, and so no counters.
    init(unguarded port: Port) {
        name = port.name
        index = port.index
        bridge = port.bridgeName
        kind = .guest
        state = .unguarded
    }

    var isFlooding: Bool { sent.dropped.packets >= Self.flood }

    /// Nanoseconds since a cause last came up.
    func age(of cause: RecentCause) -> UInt64 { nanoseconds > cause.nanoseconds ? nanoseconds - cause.nanoseconds : 0 }
}

/// A host's ports over one interval.
struct TopSnapshot: Sendable {
    var clock: WallClock
    /// The interval as it was, in seconds; 0 where nothing has been measured yet.
    var seconds: Double
    var rows: [TopRow]
    var bridges: [String]
    var isAgentRunning: Bool

    func count(_ state: PortFacts.State) -> Int { rows.reduce(0) { $0 + ($1.state == state ? 1 : 0) } }

    /// Dropped on either side of all ports.
    var dropped: Rate { rows.reduce(Rate()) { $0 + $1.sent.dropped + $1.received.dropped } }
    /// Passed into the bridges: each frame counts once, wherever it goes.
    var passed: Rate { rows.reduce(Rate()) { $0 + $1.sent.passed } }
    /// The port that most is dropped from, if that is a flood.
    var flooder: TopRow? { rows.filter(\.isFlooding).max { $0.sent.dropped.packets < $1.sent.dropped.packets } }
}
