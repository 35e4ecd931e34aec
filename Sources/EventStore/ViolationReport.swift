import Packets
import Policy
import Reporting

/// A violation as `events` prints it and the API tells it. Times are in UTC.
package struct ViolationReport: Encodable {
    package struct Sample: Encodable {
        package var time: String
        package var summary: String
        /// Of the whole frame, in bytes.
        package var length: UInt32
        /// The frame's first bytes, as hexadecimal digits.
        package var frame: String
        /// The tag that travelled out of band: its EtherType and control information in hexadecimal digits.
        package var tag: String?

        init(_ sample: SampleFrame) {
            time = WallClock(nanoseconds: sample.time).universal
            summary = sample.frame.description
            length = sample.length
            frame = Hex.text(sample.bytes)
            tag = sample.tag.map {
                Hex.text([UInt8($0.tpid.rawValue >> 8), UInt8($0.tpid.rawValue & 0xff), UInt8($0.tci >> 8), UInt8($0.tci & 0xff)])
            }
        }
    }

    /// When the last of them had been counted.
    package var time: String
    /// Since when: not after the first of them.
    package var first: String
    package var bridge: String
    package var port: String
    package var guest: String?
    package var direction: String
    package var verdict: Verdict
    package var reason: String
    package var severity: String
    package var rules: [String]
    package var packets: UInt64
    package var bytes: UInt64
    package var samples: [Sample]

    package init(_ violation: Violation, _ count: ViolationCount) {
        time = WallClock(nanoseconds: count.last).universal
        first = WallClock(nanoseconds: count.first).universal
        bridge = violation.bridge
        port = violation.port
        guest = violation.guest
        direction = violation.direction.name
        verdict = violation.wasAudited ? .wouldDrop : .drop
        reason = violation.reason.name
        severity = violation.reason.severity.rawValue
        rules = violation.reason.rules(violation.direction)
        packets = count.packets
        bytes = count.bytes
        samples = count.samples.map(Sample.init)
    }

    package init(_ stored: StoredViolation) { self.init(stored.violation, stored.count) }
}
