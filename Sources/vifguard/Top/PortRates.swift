import Datapath
import Policy

/// How much a second.
struct Rate: Sendable, Hashable {
    var packets = 0.0
    var bits = 0.0

    init() {}

    init(_ count: Counters.Count, in seconds: Double) {
        guard seconds > 0 else { return }
        packets = Double(count.packets) / seconds
        bits = Double(count.bytes) * 8 / seconds
    }

    static func + (left: Rate, right: Rate) -> Rate {
        var sum = left
        sum.packets += right.packets
        sum.bits += right.bits
        return sum
    }
}

/// What frames were dropped for, and which: one counter of a port.
struct Cause: Sendable, Hashable {
    var reason: Reason
    /// Sent by the port, into the bridge; else on their way to it.
    var isSent: Bool
    /// Audit mode let them pass.
    var isAudited: Bool
}

/// What went through a port between two observations.
struct PortRates: Sendable {
    struct Side: Sendable, Hashable {
        /// Those let pass by audit mode among them.
        var passed = Rate()
        var dropped = Rate()
        var audited = Rate()
    }

    var observed: ObservedPort
    /// The port wasn't there before, or counts anew.
    var isNew: Bool
    /// From the port into the bridge.
    var sent = Side()
    /// Out of the bridge to the port.
    var received = Side()
    /// How many packets more than before, for each cause that has grown.
    var grown: [Cause: UInt64] = [:]

    /// Rates of all ports that are there now.
    ///
    /// A port that wasn't there before has been guarded since, so it has counted from zero. So has one with a counter that is
    /// lower than before: counters never go back, but a record that was removed and made again begins with fresh ones.
    static func between(_ before: Observation, _ now: Observation) -> [PortRates] {
        let seconds = now.nanoseconds > before.nanoseconds ? Double(now.nanoseconds - before.nanoseconds) / 1e9 : 0
        let former = Dictionary(before.ports.map { ($0.port.index, $0) }, uniquingKeysWith: { $1 })
        return now.ports.map { PortRates($0, since: former[$0.port.index], seconds) }
    }

    private init(_ now: ObservedPort, since before: ObservedPort?, _ seconds: Double) {
        observed = now
        var start = before?.counters ?? Counters()
        isNew = before == nil || now.counters.hasRestarted(since: start)
        if isNew { start = Counters() }
        sent = Side(now.counters.into, since: start.into, seconds)
        received = Side(now.counters.out, since: start.out, seconds)
        for (isSent, now, start) in [(true, now.counters.into, start.into), (false, now.counters.out, start.out)] {
            for (isAudited, now, start) in [(false, now.dropped, start.dropped), (true, now.audited, start.audited)] {
                for (reason, count) in now where count.packets > start[reason, default: .init()].packets {
                    grown[Cause(reason: reason, isSent: isSent, isAudited: isAudited)] = count.packets - start[reason, default: .init()].packets
                }
            }
        }
    }
}

extension PortRates.Side {
    fileprivate init(_ now: Counters.Side, since start: Counters.Side, _ seconds: Double) {
        passed = Rate(now.passed - start.passed, in: seconds)
        dropped = Rate(now.dropped.total - start.dropped.total, in: seconds)
        audited = Rate(now.audited.total - start.audited.total, in: seconds)
    }
}

extension Counters {
    fileprivate func hasRestarted(since before: Counters) -> Bool {
        into.hasRestarted(since: before.into) || out.hasRestarted(since: before.out)
    }
}

extension Counters.Side {
    fileprivate func hasRestarted(since before: Counters.Side) -> Bool {
        if passed.packets < before.passed.packets { return true }
        return [(dropped, before.dropped), (audited, before.audited)].contains { now, before in
            before.contains { now[$0.key, default: .init()].packets < $0.value.packets }
        }
    }
}

extension [Reason: Counters.Count] {
    fileprivate var total: Counters.Count {
        values.reduce(into: Counters.Count()) {
            $0.packets &+= $1.packets
            $0.bytes &+= $1.bytes
        }
    }
}

extension Counters.Count {
    /// Zero where it would be less: a program counts packets and bytes one after the other, and is read in between.
    fileprivate static func - (left: Counters.Count, right: Counters.Count) -> Counters.Count {
        Counters.Count(
            packets: left.packets > right.packets ? left.packets - right.packets : 0,
            bytes: left.bytes > right.bytes ? left.bytes - right.bytes : 0)
    }
}
