import Foundation
import Policy

// What must add up.
extension World {
    /// Compares every port's counters with what must have been counted: to be called when nothing is under way, and
    /// exclusively. Afterwards nothing is in doubt any more.
    ///
    /// - Parameter read: asks for the counters.
    func check(_ read: () throws -> Reading) throws {
        try settle()
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            let reading = try read()
            try listen()
            let faults = faults(reading)
            if faults.isEmpty { return fold(reading) }
            // A frame may still be in a queue of the kernel's.
            guard ContinuousClock.now < deadline else {
                try failInvalidIfLost()
                throw Failure.found(faults.joined(separator: "\n"))
            }
            usleep(20_000)
        }
    }

    /// What doesn't add up, counter by counter: expected and got.
    func faults(_ reading: Reading) -> [String] {
        let counted = reading.ports
        var faults: [String] = []
        let unknown = Set(counted.keys).subtracting(ports.keys).sorted()
        if !unknown.isEmpty { faults.append("records of ports that are gone: \(unknown.joined(separator: ", "))") }
        if reading.nobodys > 0 { faults.append("dropped where no record was: expected 0, got \(reading.nobodys)") }
        // Frames of ports that had no programs yet go no further than the uplink's exit.
        var unjudged = 0
        for port in ports.values.sorted(by: { $0.index < $1.index }) {
            guard let seen = counted[port.name] else {
                faults.append("\(port.name) isn't in the status")
                continue
            }
            let more = seen.sent.tally - port.into
            let counted = more.passed + more.allDropped
            if port.kind == .guest, port.doubtInto.sent > 0 {
                let reasons = port.doubtReasons
                let isSound = more.passed == port.doubtInto.arrived && !more.isNegative && Set(more.dropped.keys).isSubset(of: reasons)
                let isComplete = port.wasOpen ? counted <= port.doubtInto.sent : counted == port.doubtInto.sent
                if !isSound || !isComplete || !more.audited.keys.allSatisfy(reasons.contains) {
                    faults.append("\(port.name), into the bridge: \(text(port.doubtInto)), counted \(text(more))")
                }
                unjudged += port.doubtInto.sent - counted
            } else {
                compare(port, "into the bridge", port.into, seen.sent.tally, &faults)
            }
        }
        let open = ports.values.filter { $0.wasOpen && $0.doubtInto.sent > 0 }.map { port in
            "\(port.name), open at first: \(text(port.doubtInto)), counted \(counted[port.name].map { text($0.sent.tally - port.into) } ?? "-")"
        }
        for port in ports.values.sorted(by: { $0.index < $1.index }) {
            guard let seen = counted[port.name] else { continue }
            if port.kind == .uplink {
                let before = faults.count
                defer { if faults.count > before { faults += open.sorted() } }
                var expected = port.out
                expected.passed += ports.values.reduce(0) { $0 + $1.doubtInto.arrived }
                if unjudged != 0 { expected.dropped[.unjudged, default: 0] += unjudged }
                compare(port, "out of the bridge", expected, seen.received.tally, &faults)
            } else if port.doubtOut.sent > 0 {
                let more = seen.received.tally - port.out
                let isSound = !more.isNegative && port.doubtOut.arrived + more.allDropped == port.doubtOut.sent
                let isComplete = port.wasOpen ? more.passed <= port.doubtOut.arrived : more.passed == port.doubtOut.arrived
                if !isSound || !isComplete {
                    faults.append("\(port.name), out of the bridge: \(text(port.doubtOut)), counted \(text(more))")
                }
            } else {
                compare(port, "out of the bridge", port.out, seen.received.tally, &faults)
            }
        }
        return faults
    }

    private func compare(_ port: WatchedPort, _ way: String, _ expected: Tally, _ got: Tally, _ faults: inout [String]) {
        if expected.passed != got.passed { faults.append("\(port.name), \(way), passed: expected \(expected.passed), got \(got.passed)") }
        for (word, one, other) in [("dropped", expected.dropped, got.dropped), ("would drop", expected.audited, got.audited)] {
            for reason in Reason.allCases where one[reason, default: 0] != other[reason, default: 0] {
                faults.append("\(port.name), \(way), \(word) \(reason): expected \(one[reason, default: 0]), got \(other[reason, default: 0])")
            }
        }
    }

    private func text(_ doubt: Doubt) -> String { "\(doubt.sent) frames in doubt, of which \(doubt.arrived) arrived" }

    private func text(_ tally: Tally) -> String {
        let counts = tally.dropped.map { "\($0.key) \($0.value)" } + tally.audited.map { "would drop \($0.key) \($0.value)" }
        return (["passed \(tally.passed)"] + counts.sorted()).joined(separator: ", ")
    }

    /// What was in doubt is known now.
    private func fold(_ reading: Reading) {
        let counted = reading.ports
        for port in ports.values {
            guard let seen = counted[port.name] else { continue }
            let more = seen.sent.tally - port.into
            for reason in Reason.allCases where more.count(of: reason) > 0 { declared[reason, default: 0] += more.count(of: reason) }
            (port.into, port.out) = (seen.sent.tally, seen.received.tally)
            (port.doubtInto, port.doubtOut) = (Doubt(), Doubt())
            port.doubtReasons = []
            port.possible = [:]
            if port.phase != .changing { port.wasOpen = false }
        }
    }

    // MARK: Totals

    /// Keeps what ports have counted that go now. To be called when nothing of them is in doubt.
    func retire(_ names: [String]) {
        for name in names {
            guard let port = ports[name] else { continue }
            retired[port.direction.into] = retired[port.direction.into, default: Tally()] + port.into
            retired[port.direction.out] = retired[port.direction.out, default: Tally()] + port.out
            remove(name)
        }
    }

    /// All that was ever counted, by direction.
    var totals: [Direction: Tally] {
        ports.values.reduce(into: retired) { totals, port in
            totals[port.direction.into] = totals[port.direction.into, default: Tally()] + port.into
            totals[port.direction.out] = totals[port.direction.out, default: Tally()] + port.out
        }
    }

    /// Where what was counted as frames entered isn't what they were sent for.
    var reasonFaults: [String] {
        let totals = totals
        return Reason.allCases.compactMap { reason in
            let counted = [Direction.fromGuest, .fromUplink, .fromHost].reduce(0) { $0 + (totals[$1]?.count(of: reason) ?? 0) }
            let declared = declared[reason, default: 0]
            return counted == declared ? nil : "\(reason) in all, as frames enter: sent \(declared), counted \(counted)"
        }
    }

    /// What the agent must have recorded; of one port, or all that there ever were.
    func recordable(at port: WatchedPort? = nil) -> [Recorded: Int] {
        var counts: [Recorded: Int] = [:]
        let tallies = port.map { [($0.direction.into, $0.into), ($0.direction.out, $0.out)] } ?? totals.map { ($0.key, $0.value) }
        for (direction, tally) in tallies {
            for reason in Reason.allCases where isRecorded(reason, direction) {
                for (verdict, count) in [("drop", tally.dropped[reason]), ("would drop", tally.audited[reason])] {
                    guard let count, count > 0 else { continue }
                    counts[Recorded(direction: direction.name, verdict: verdict, reason: reason.name), default: 0] += count
                }
            }
        }
        return counts
    }
}

/// What the agent's store tells apart, without the guest.
struct Recorded: Hashable {
    var direction: String
    var verdict: String
    var reason: String
}
