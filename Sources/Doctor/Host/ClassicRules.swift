import Classic

/// What the classic engine has in force, where the policy names it. Nothing else here looks at what it does.
struct ClassicRules: Sendable, Hashable {
    enum Reading: Sendable, Hashable {
        case gaps([String])
        case failed(String)
    }

    var policyPath: String
    var reading: Reading
    /// Whether programs of the other engine are pinned, too.
    var hasPrograms: Bool

    static func observe(policyPath: String, _ pins: Pins) -> ClassicRules {
        let reading: Reading
        do throws(ClassicError) {
            reading = .gaps(ClassicStatus(try Classic.observe()).gaps)
        } catch {
            reading = .failed(error.description)
        }
        return ClassicRules(policyPath: policyPath, reading: reading, hasPrograms: pins.loaded != .nothing)
    }

    var findings: [Finding] {
        var findings = [
            Finding(
                "classic-engine", .note, policyPath, found: "the policy says engine: classic",
                meaning: "Whether its chains are shut is all that is looked at. 'vifguard prove --engine classic' shows what gets through.")
        ]
        switch reading {
        case .failed(let reason): findings.append(.unseen("FORWARD", because: reason, hides: "whether the rules are in force"))
        case .gaps(let gaps):
            findings += gaps.map { gap in
                Finding(
                    "classic-gap", .problem, "FORWARD", found: gap, meaning: "What no rule of a guest's accepts may pass there.",
                    mend: ["vifguard apply"])
            }
        }
        if hasPrograms {
            findings.append(
                Finding(
                    "two-engines", .problem, policyPath, found: "the programs of the engine ebpf are in force, too",
                    meaning: "Each engine cuts off what the other lets pass. To take the programs off:",
                    mend: ["vifguard uninstall --engine ebpf --yes"]))
        }
        return findings
    }
}
