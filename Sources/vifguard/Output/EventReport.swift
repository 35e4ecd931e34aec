import Datapath
import Packets
import Policy

/// An event as `events` prints it.
struct EventReport: Encodable {
    var time: String
    var bridge: String
    var port: String
    var guest: String?
    var direction: String
    /// `drop`, or `would drop` in audit mode.
    var verdict: Verdict
    var reason: String
    var severity: String
    var rules: [String]
    var summary: String
    /// Of the whole frame, in bytes.
    var length: UInt32
    /// The frame's first bytes, as hexadecimal digits.
    var frame: String
    /// Events of this port, direction and reason that weren't sent since the last.
    var leftOut: UInt32

    private let clock: WallClock

    private enum CodingKeys: String, CodingKey {
        case time, bridge, port, guest, direction, verdict, reason, severity, rules, summary, length, frame, leftOut
    }

    /// - Parameters:
    ///   - status: the port's; nil if nobody knows it any more.
    ///   - bridge: the bridge's own.
    init(_ event: GuardEvent, at status: PortStatus?, bridge owner: PortStatus?) {
        clock = WallClock(monotonic: event.time)
        time = clock.universal
        port = status?.port.name ?? "interface \(event.port)"
        bridge = owner?.port.name ?? status?.port.bridgeName ?? "interface \(event.bridge)"
        guest = status?.binding?.guest
        direction = event.direction.name
        verdict = event.wasAudited ? .wouldDrop : .drop
        reason = event.reason.name
        severity = event.reason.severity.rawValue
        rules = event.reason.rules(event.direction)
        let tag = event.tagProtocol.map { VLANTag(tpid: EtherType(rawValue: $0), tci: event.tagControl) }
        summary = Frame(bytes: event.frame, offloadedTag: tag).description
        length = event.frameLength
        frame = Hex.text(event.frame)
        leftOut = event.leftOut
    }

    /// One line, as long as it is.
    func line(_ style: Style) -> String {
        let who = guest.map { "\(port) (\($0))" } ?? port
        let cut = frame.utf8.count / 2 < Int(length) ? " of \(length)" : ""
        let others = leftOut > 0 ? style.faint(" (\(leftOut) more like it left out)") : ""
        let what = verdict == .drop ? style.red(reason) : style.yellow("would drop \(reason)")
        return "\(clock.local) \(style.bold(who.visible)) \(direction) \(what): \(summary)\(cut)\(others)"
    }
}

extension Reason {
    /// Those of its rules that hold this way: section 7's, whose names begin with G, hold to a guest, the others elsewhere.
    func rules(_ direction: Direction) -> [String] {
        let here = rules.filter { $0.hasPrefix("G") == (direction == .toGuest) }
        return here.isEmpty ? rules : here
    }
}

/// What becomes of a frame.
enum Verdict: String, Encodable {
    case pass
    case drop
    case wouldDrop = "would drop"

    init(_ judgement: Judgement) {
        self = judgement.isDropped ? .drop : judgement.reason == nil ? .pass : .wouldDrop
    }
}
