import Addresses
import Packets
import Policy

/// Judges frames one after the other.
struct Explainer {
    private var model: GuardModel
    private let port: GuardModel.Place
    private let direction: Direction
    private let tag: VLANTag?
    private var time: UInt64 = 0
    private var verdicts: [Verdict: Int] = [:]
    private var reasons: [String: Int] = [:]
    private var number = 0

    init(model: GuardModel, port: GuardModel.Place, direction: Direction, tag: VLANTag?) {
        self.model = model
        self.port = port
        self.direction = direction
        self.tag = tag
    }

    mutating func explain(_ packet: CaptureFile.Packet) -> Explanation {
        number += 1
        // A capture may go back in time; buckets can't.
        time = max(time, packet.timestamp ?? time)
        // No packet is longer unless a card is yet to segment it.
        let isSuperPacket = packet.originalLength > 14 + 40 + 65_535
        let frame = Frame(bytes: packet.bytes, offloadedTag: tag, isSegmentationOffload: isSuperPacket)
        let judgement = model.judge(frame, port: port.index, direction: direction, time: time)
        let explanation = Explanation(number, packet, frame, judgement, port: port.name, direction)
        verdicts[explanation.verdict, default: 0] += 1
        if let reason = explanation.reason { reasons[reason, default: 0] += 1 }
        return explanation
    }

    /// "3 frames: 1 passes, 2 dropped (arp-sender-ip 2)"
    var totals: String {
        let words = [(Verdict.pass, "pass"), (.drop, "dropped"), (.wouldDrop, "would be dropped")].compactMap { verdict, word in
            verdicts[verdict].map { "\($0) \(word)" }
        }
        let why = reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
        let text = "\(counted(number, "frame"))\(words.isEmpty ? "" : ": ")\(words.joined(separator: ", "))"
        return wrapped(text + (why.isEmpty ? "" : " (\(why.joined(separator: ", ")))"), indent: 4)
    }
}

/// What becomes of one frame, and why.
struct Explanation: Encodable {
    /// Counted from 1.
    var number: Int
    /// nil if the capture doesn't say.
    var time: String?
    var port: String
    var direction: String
    /// On the wire, in bytes.
    var length: Int
    /// How many of them are there to judge.
    var captured: Int
    var summary: String
    var verdict: Verdict
    var reason: String?
    var severity: String?
    /// Of Documentation/policy.md.
    var rules: [String]?
    /// The RFC or other source that the rule follows.
    var reference: String?
    var explanation: String
    /// Link-local addresses that the guest claims by this frame.
    var claims: [String]

    fileprivate init(
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

    func lines(_ style: Style) -> [String] {
        let head = "\(number)  "
        let word =
            switch verdict {
            case .pass: style.green("pass")
            case .drop: style.red("drop")
            case .wouldDrop: style.yellow("would drop")
            }
        var lines = [wrapped(head + summary, indent: 4)]
        if let reason, let rules, let reference {
            let place = "\(rules.count == 1 && !rules[0].contains(" ") ? "rule" : "see") \(rules.joined(separator: ", ")); \(reference)"
            lines.append(wrapped("    \(word)  \(reason) (\(place))", indent: 4))
            lines.append(wrapped("    \(explanation)", indent: 4))
        } else {
            lines.append("    \(word)")
        }
        for claim in claims { lines.append("    The guest claims \(claim) by it.") }
        if captured < length {
            lines.append(wrapped("    Captured \(captured) of \(length) bytes: a whole frame may fare otherwise.", indent: 4))
        }
        return lines
    }
}
