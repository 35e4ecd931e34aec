import CLinux
import EventStore
import Glibc
import Policy
import Reporting

extension History {
    private static let day: UInt64 = 24 * 3600 * 1_000_000_000
    /// Sums that are looked at, most packets first.
    private static let mostTotals = 1000
    /// Of those, the ones whose frames are looked at, and how many frames of each.
    private static let mostSampled = 200
    private static let samplesEach = 32

    /// Reads the last day from the store.
    ///
    /// - Parameter ofAuditsAlone: only what audit mode let pass, and without its frames: what `status` asks for.
    package static func observe(_ folder: StateFolder, ofAuditsAlone: Bool = false) -> History {
        let now = WallClock.now(CLOCK_REALTIME)
        let start = now > day ? now - day : 0
        let reader = EventReader(folder)
        var history = History()
        do throws(EventStoreError) {
            guard try reader.exists() else { return History(unseen: "there is no \(folder.events): no agent has run here") }
            // All of them: to say that a guest is ready because it wasn't among the loudest would cut it off.
            history.breaches = try breaches(reader, EventFilter(wasAudited: true, since: start), limit: .max, withFrames: !ofAuditsAlone)
            if !ofAuditsAlone {
                history.breaches += try breaches(reader, EventFilter(wasAudited: false, since: start), limit: mostTotals, withFrames: true)
            }
        } catch {
            return History(unseen: "\(error)")
        }
        // Without an agent the counts end when it did.
        guard AgentLock.isHeld(in: folder) else { return history }
        let birth = clinux_birth_time(folder.events)
        let known = birth < 0 ? start : max(start, UInt64(birth) * 1_000_000_000)
        history.since = WallClock(nanoseconds: known).universal
        return history
    }

    private static func breaches(
        _ reader: EventReader, _ asked: EventFilter, limit: Int, withFrames: Bool
    ) throws(EventStoreError) -> [Breach] {
        var sampled = withFrames ? 0 : mostSampled
        return try reader.totals(asked, limit: limit).map { total throws(EventStoreError) in
            var breach = Breach(
                guest: total.guest, port: total.port, bridge: total.bridge, direction: total.direction, reason: total.reason,
                count: total.packets, wasAudited: total.wasAudited)
            guard Identity.reasons.contains(total.reason), sampled < mostSampled else { return breach }
            sampled += 1
            let filter = EventFilter(
                guest: total.guest, port: total.guest == nil ? total.port : nil, bridge: total.bridge, reason: total.reason,
                direction: total.direction, wasAudited: total.wasAudited, since: asked.since)
            let samples = try reader.samples(filter, newestFirst: true, limit: samplesEach)
            breach.samples = samples.filter { $0.violation.guest == total.guest }.map(\.sample.frame)
            return breach
        }
    }
}
