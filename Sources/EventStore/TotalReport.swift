import Policy
import Reporting

/// A guest's violations of one kind over a time, as `events --summary` prints them and the API tells them. Times are in UTC.
package struct TotalReport: Encodable {
    package var first: String
    package var last: String
    package var bridge: String
    package var guest: String?
    package var port: String
    package var direction: String
    package var verdict: Verdict
    package var reason: String
    package var severity: String
    package var packets: UInt64
    package var bytes: UInt64

    package init(_ total: ViolationTotal) {
        first = WallClock(nanoseconds: total.first).universal
        last = WallClock(nanoseconds: total.last).universal
        bridge = total.bridge
        guest = total.guest
        port = total.port
        direction = total.direction.name
        verdict = total.wasAudited ? .wouldDrop : .drop
        reason = total.reason.name
        severity = total.reason.severity.rawValue
        packets = total.packets
        bytes = total.bytes
    }
}
