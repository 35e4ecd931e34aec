import Packets
import Policy

/// What broke one rule at one port in the time looked at: from the event store.
struct Breach: Sendable, Hashable {
    /// nil for an uplink, a bridge, and a port that has no binding.
    var guest: String?
    var port: String
    var bridge: String
    var direction: Direction
    var reason: Reason
    /// Frames, by the kernel's counters.
    var count: UInt64
    /// Whether audit mode let them pass.
    var wasAudited = false
    /// Some of the frames, the first bytes of each.
    var samples: [Frame] = []
}
