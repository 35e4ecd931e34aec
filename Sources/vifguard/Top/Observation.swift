import Datapath

/// One guarded port at one moment, as far as rates need it.
struct ObservedPort: Sendable, Hashable {
    var port: Port
    var kind: PortKind
    /// nil for uplinks, bridges and closed ports.
    var guest: String?
    /// Since the port was first guarded.
    var counters: Counters

    init(_ port: Port, kind: PortKind = .guest, guest: String? = nil, counters: Counters = Counters()) {
        self.port = port
        self.kind = kind
        self.guest = guest
        self.counters = counters
    }
}

/// All guarded ports at one moment.
struct Observation: Sendable {
    /// Of CLOCK_MONOTONIC.
    var nanoseconds: UInt64
    var ports: [ObservedPort]
}
