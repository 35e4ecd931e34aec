/// What a rule does to the stamp: the bit of the packet mark that says a frame was judged (policy.md, section 1).
enum StampFate: Sendable, Hashable {
    case kept
    /// Judged frames count as unjudged, and are dropped.
    case cleared
    /// Frames that nobody judged pass.
    case set
    /// Both.
    case flipped
    /// The connection's bit takes its place.
    case fromConnection
    /// A hash, a map's, a socket's: either.
    case unknown
}

/// What a rule does to the stamp and to what its connection remembers of it.
struct MarkChange: Sendable, Hashable {
    var stamp = StampFate.kept
    /// The connection's mark gets the stamp, or the bit set.
    var isSaved = false

    var isHarmless: Bool { self == MarkChange() }

    /// mark = (mark & ~mask) ^ value, as the target MARK has it (net/netfilter/xt_mark.c).
    init(value: UInt32, mask: UInt32, stamp: UInt32) {
        switch (mask & stamp != 0, value & stamp != 0) {
        case (true, true): self.stamp = .set
        case (true, false): self.stamp = .cleared
        case (false, true): self.stamp = .flipped
        case (false, false): break
        }
    }

    init(stamp: StampFate = .kept, isSaved: Bool = false) {
        self.stamp = stamp
        self.isSaved = isSaved
    }
}

/// A rule of some packet filter that bridged frames run through, and what it does to them.
struct MarkRule: Sendable, Hashable {
    /// "iptables-legacy, table mangle, chain PREROUTING, rule 3"
    var place: String
    /// The rule as its tool prints it.
    var text: String
    var change: MarkChange
    /// Commands that make it leave the stamp alone.
    var mend: [String]
}

/// The chains that packets get to from these.
func reachable(from entries: some Sequence<String>, jumps: [String: Set<String>]) -> Set<String> {
    var reached: Set<String> = []
    var waiting = Array(entries)
    while let chain = waiting.popLast() {
        if reached.insert(chain).inserted { waiting += jumps[chain] ?? [] }
    }
    return reached
}
