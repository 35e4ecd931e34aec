import Datapath
import Policy

/// A cause that has come up at a port while somebody looked on.
struct RecentCause: Sendable, Hashable {
    var cause: Cause
    /// Packets in all that time.
    var packets: UInt64
    /// Packets in the interval in which it last came up.
    var latest: UInt64
    /// The end of that interval, nanoseconds of CLOCK_MONOTONIC.
    var nanoseconds: UInt64
}

/// Which causes have come up at each port since somebody looks on. As many as there are reasons a port, at most; what is
/// known of a port goes with it.
struct ReasonHistory: Sendable {
    private var ports: [UInt32: [Cause: RecentCause]] = [:]

    /// Takes in what has grown until `nanoseconds`.
    mutating func add(_ rates: [PortRates], until nanoseconds: UInt64) {
        var present: [UInt32: [Cause: RecentCause]] = [:]
        for rates in rates {
            let index = rates.observed.port.index
            var causes = rates.isNew ? [:] : ports[index] ?? [:]
            for (cause, packets) in rates.grown {
                let total = (causes[cause]?.packets ?? 0) &+ packets
                causes[cause] = RecentCause(cause: cause, packets: total, latest: packets, nanoseconds: nanoseconds)
            }
            if !causes.isEmpty { present[index] = causes }
        }
        ports = present
    }

    /// A port's, the latest first; of those that came up in one interval the most frequent first.
    subscript(port index: UInt32) -> [RecentCause] {
        guard let causes = ports[index]?.values else { return [] }
        return causes.sorted {
            ($0.nanoseconds, $0.latest, $1.cause.reason.rawValue) > ($1.nanoseconds, $1.latest, $0.cause.reason.rawValue)
        }
    }
}
