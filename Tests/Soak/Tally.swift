import Policy

/// What was counted one way through a port, in frames.
struct Tally: Equatable {
    /// Those that audit mode let pass among them.
    var passed = 0
    var dropped: [Reason: Int] = [:]
    /// What audit mode let pass, by reason.
    var audited: [Reason: Int] = [:]

    /// Counts a frame as `policy.md`, section 10, says.
    mutating func count(_ reason: Reason?, isDropped: Bool) {
        if let reason {
            if isDropped {
                dropped[reason, default: 0] += 1
                return
            }
            audited[reason, default: 0] += 1
        }
        passed += 1
    }

    var allDropped: Int { dropped.values.reduce(0, +) }
    var all: Int { passed + allDropped }

    /// How often the reason came up, whatever became of the frame.
    func count(of reason: Reason) -> Int { dropped[reason, default: 0] + audited[reason, default: 0] }

    static func + (left: Tally, right: Tally) -> Tally {
        Tally(
            passed: left.passed + right.passed, dropped: left.dropped.merging(right.dropped, uniquingKeysWith: +),
            audited: left.audited.merging(right.audited, uniquingKeysWith: +))
    }

    /// By how much it differs, counter by counter; what is equal isn't there.
    static func - (left: Tally, right: Tally) -> Tally {
        var difference = Tally(passed: left.passed - right.passed)
        for reason in Reason.allCases {
            let dropped = left.dropped[reason, default: 0] - right.dropped[reason, default: 0]
            let audited = left.audited[reason, default: 0] - right.audited[reason, default: 0]
            if dropped != 0 { difference.dropped[reason] = dropped }
            if audited != 0 { difference.audited[reason] = audited }
        }
        return difference
    }

    /// Whether any counter is below zero.
    var isNegative: Bool { passed < 0 || dropped.values.contains { $0 < 0 } || audited.values.contains { $0 < 0 } }
}

/// Frames whose verdict nobody can know: sent in the very moment of a change, or against a limit that goes by the clock.
struct Doubt {
    var sent = 0
    var arrived = 0
}
