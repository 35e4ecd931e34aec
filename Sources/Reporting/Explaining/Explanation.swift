import Addresses
import Packets
import Policy

/// What becomes of one frame, and why.
package struct Explanation: Encodable {
    /// Counted from 1.
    package var number: Int
    /// nil if the capture doesn't say.
    package var time: String?
    package var port: String
    package var direction: String
    /// On the wire, in bytes.
    package var length: Int
    /// How many of them are there to judge.
    package var captured: Int
    package var summary: String
    package var verdict: Verdict
    package var reason: String?
    package var severity: String?
    /// Of Documentation/policy.md.
    package var rules: [String]?
    /// The RFC or other source that the rule follows.
    package var reference: String?
    package var explanation: String
    /// Link-local addresses that the guest claims by this frame.
    package var claims: [String]

    package init(
        _ number: Int, _ packet: CaptureFile.Packet, _ frame: Frame, _ judgement: Judgement, port: String, _ direction: Direction
    ) {
        self.number = number
        time = packet.timestamp.map { WallClock(nanoseconds: $0).universal }
        self.port = port
        self.direction = direction.name
        length = max(packet.originalLength, packet.bytes.count)
        captured = packet.bytes.count
        summary = frame.description
        verdict = Verdict(judgement)
        reason = judgement.reason?.name
        severity = judgement.reason?.severity.rawValue
        rules = judgement.reason?.rules(direction)
        reference = judgement.reason?.reference
        explanation = judgement.reason?.explanation ?? "No rule is broken."
        claims = judgement.claims.map(\.description)
    }
}
