import Policy

/// What is said of a soak: lines while it runs, a table at its end, or what went wrong.
struct SoakReport {
    var attacks = 0
    var checkpoints = 0
    var changes: [Changes.Kind: Int] = [:]
    /// Of the agent, in KiB: at the first and at the last look at the one that lives through the second half.
    var firstMemory: Int?
    var memory = 0
    var firstFiles: Int?
    var files = 0

    /// What a minute came to.
    func line(_ world: World, _ agent: SoakedAgent, at seconds: Double) -> String {
        let (sent, plugged) = world.exclusively { ($0.sent, $0.plugged.count) }
        let all = changes.values.reduce(0, +)
        return "\(Self.time(seconds))  \(sent) frames  \(all) changes  \(plugged) plugged in  \(agent.kills) kills  "
            + "\(checkpoints) checks  \(memory / 1024) MiB"
    }

    func failure(_ failure: Failure, seed: UInt64, at seconds: Double, trace: [String], log: String) -> String {
        let lines = log.split(separator: "\n").filter { !$0.contains("a rule is broken") }.suffix(20).map(String.init)
        return
            ([
                "", "FAILED after \(Self.time(seconds)), seed \(seed)", "\(failure)", "", "what happened last:",
            ] + trace + ["", "the agent's last words:"] + lines).joined(separator: "\n")
    }

    func table(_ world: World, _ agent: SoakedAgent) -> String {
        let (totals, declared) = world.exclusively { ($0.totals, $0.declared) }
        var lines = ["", "  \("REASON".filled(26))\("SENT".right)\("COUNTED IN".right)\("COUNTED OUT".right)"]
        for reason in Reason.allCases {
            let counts = [true, false].map { isExit in
                totals.filter { $0.key.isExit == isExit }.values.reduce(0) { $0 + $1.count(of: reason) }
            }
            guard counts != [0, 0] else { continue }
            lines.append("  \(reason.name.filled(26))\("\(declared[reason, default: 0])".right)\("\(counts[1])".right)\("\(counts[0])".right)")
        }
        lines += ["", "  \("WAY".filled(26))\("FRAMES".right)\("PASSED".right)\("DROPPED".right)"]
        for direction in Direction.allCases {
            guard let tally = totals[direction] else { continue }
            lines.append("  \(direction.name.filled(26))\("\(tally.all)".right)\("\(tally.passed)".right)\("\(tally.allDropped)".right)")
        }
        lines.append("")
        for kind in Changes.Kind.allCases { lines.append("  \(kind.title.filled(44))\("\(changes[kind, default: 0])".right)") }
        lines.append("")
        lines.append("  \("checkpoints".filled(44))\("\(checkpoints)".right)")
        lines.append("  \("kinds of attacks of the catalogue".filled(44))\("\(attacks)".right)")
        let (sent, arrived) = world.exclusively { ($0.sent, $0.arrived) }
        lines.append("  \("frames sent, arrived".filled(44))\("\(sent)".right)\("\(arrived)".right)")
        lines.append("  \("the agent's memory at first, at last, KiB".filled(44))\((firstMemory.map(String.init) ?? "-").right)\("\(memory)".right)")
        lines.append("  \("its open files at first, at last".filled(44))\((firstFiles.map(String.init) ?? "-").right)\("\(files)".right)")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func time(_ seconds: Double) -> String {
        let whole = Int(seconds)
        return "\(whole / 60):\(whole % 60 < 10 ? "0" : "")\(whole % 60)"
    }
}

extension String {
    fileprivate func filled(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    fileprivate var right: String { String(repeating: " ", count: max(1, 13 - count)) + self }
}
