import Addresses
import Packets

/// Section 8: limits.
extension Judge {
    /// Takes the frame, which has passed all rules, out of the buckets that it counts against.
    func limitRules(_ buckets: inout Buckets, time: UInt64) -> Reason? {
        let limits = binding.limits
        if bytes.mac(at: 0)?.isGroup == true {
            let bucket = TokenBucket(rate: limits.broadcastRate, burst: limits.broadcastBurst)
            guard bucket.take(from: &buckets.broadcast, now: time) else { return .limitBroadcast }
        }
        if isNeighborMessage {
            let bucket = TokenBucket(rate: limits.neighborRate, burst: limits.neighborBurst)
            guard bucket.take(from: &buckets.neighbor, now: time) else { return .limitNeighbor }
        }
        return nil
    }
}
