import Datapath
import Policy

/// What a guest in audit mode would lose if it were held to its binding.
package struct AuditFacts: Sendable, Hashable, Encodable {
    /// Whether nothing of it would have been dropped.
    package var ready: Bool
    /// By reason's name, how many frames would have been.
    package var violates: [String: UInt64]
    /// Since when that is known, in UTC; nil: since the port was first guarded.
    package var since: String?

    /// - Parameters:
    ///   - counts: what audit mode let pass.
    ///   - since: from when on they were counted.
    package init(_ counts: some Sequence<(direction: Direction, reason: Reason, packets: UInt64)>, since: String? = nil) {
        violates = [:]
        for count in counts where count.packets > 0 && Self.matters(count.reason, count.direction) {
            violates[count.reason.name, default: 0] &+= count.packets
        }
        ready = violates.isEmpty
        self.since = since
    }

    /// By the kernel's counters, which go back to when the port was first guarded.
    package init(_ counters: Counters) {
        self.init(
            counters.into.audited.map { (direction: .fromGuest, reason: $0.key, packets: $0.value.packets) }
                + counters.out.audited.map { (direction: .toGuest, reason: $0.key, packets: $0.value.packets) })
    }

    /// What is merely kept from it is nothing that it loses: others' traffic, which every busy bridge has.
    private static func matters(_ reason: Reason, _ direction: Direction) -> Bool {
        direction == .fromGuest || reason.severity != .notice
    }
}
