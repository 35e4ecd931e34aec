/// What waits to be written, within a bound: while the store can't be written, further ones of a violation that waits are
/// added to it, and new ones are lost once the bound is reached.
struct EventBacklog: Sendable {
    /// Of a few kilobytes each with all their samples.
    static let bound = 8192

    private(set) var violations: [Violation: ViolationCount] = [:]
    /// Frames that the store will never know of.
    private(set) var lost: UInt64 = 0

    mutating func add(_ violation: Violation, _ count: ViolationCount) {
        if violations[violation] != nil {
            violations[violation]?.add(count)
        } else if violations.count < Self.bound {
            violations[violation] = count
        } else {
            lost &+= count.packets
        }
    }

    mutating func clear() { violations = [:] }
}
