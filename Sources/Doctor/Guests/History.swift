/// What the store of events says of the last day.
package struct History: Sendable, Hashable {
    /// By guest, port, direction, reason and verdict.
    var breaches: [Breach] = []
    /// From when on they are known, in UTC; nil where there is no store, or no agent keeps it up to date.
    var since: String?
    /// Why there is none.
    var unseen: String?

    var findings: [Finding] {
        guard let unseen else { return [] }
        return [.unseen("the store of events", because: unseen, hides: "which guests used what isn't theirs in the last day")]
    }
}
