import Addresses
import Packets
import Policy

/// Judges frames one after the other.
package struct Explainer {
    private var model: GuardModel
    private let port: GuardModel.Place
    private let direction: Direction
    private let tag: VLANTag?
    private var time: UInt64 = 0
    private var verdicts: [Verdict: Int] = [:]
    private var reasons: [String: Int] = [:]
    private var number = 0

    package init(model: GuardModel, port: GuardModel.Place, direction: Direction, tag: VLANTag?) {
        self.model = model
        self.port = port
        self.direction = direction
        self.tag = tag
    }

    package mutating func explain(_ packet: CaptureFile.Packet) -> Explanation {
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
    package var totals: String {
        let words = [(Verdict.pass, "pass"), (.drop, "dropped"), (.wouldDrop, "would be dropped")].compactMap { verdict, word in
            verdicts[verdict].map { "\($0) \(word)" }
        }
        let why = reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
        let text = "\(counted(number, "frame"))\(words.isEmpty ? "" : ": ")\(words.joined(separator: ", "))"
        return wrapped(text + (why.isEmpty ? "" : " (\(why.joined(separator: ", ")))"), indent: 4)
    }
}
