import Datapath
import Packets
import Policy

/// An event as `events` prints it.
package struct EventReport: Encodable {
    package var time: String
    package var bridge: String
    package var port: String
    package var guest: String?
    package var direction: String
    /// `drop`, or `would drop` in audit mode.
    package var verdict: Verdict
    package var reason: String
    package var severity: String
    package var rules: [String]
    package var summary: String
    /// Of the whole frame, in bytes.
    package var length: UInt32
    /// The frame's first bytes, as hexadecimal digits.
    package var frame: String
    /// Events of this port, direction and reason that weren't sent since the last.
    package var leftOut: UInt32

    package let clock: WallClock

    private enum CodingKeys: String, CodingKey {
        case time, bridge, port, guest, direction, verdict, reason, severity, rules, summary, length, frame, leftOut
    }

    /// - Parameters:
    ///   - status: the port's; nil if nobody knows it any more.
    ///   - bridge: the bridge's own.
    package init(_ event: GuardEvent, at status: PortStatus?, bridge owner: PortStatus?) {
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
}

extension Reason {
    /// Those of its rules that hold this way: section 7's, whose names begin with G, hold to a guest, the others elsewhere.
    package func rules(_ direction: Direction) -> [String] {
        let here = rules.filter { $0.hasPrefix("G") == (direction == .toGuest) }
        return here.isEmpty ? rules : here
    }
}
