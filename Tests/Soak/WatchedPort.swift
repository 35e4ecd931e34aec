import Lab
import Netlink
import Policy

/// A port as the soak knows it: what it has sent there and awaits from there, and what must have been counted.
final class WatchedPort {
    enum Phase {
        /// Each frame's verdict is known.
        case steady
        /// It has just been plugged in, or its binding changes: frames of its own and to it are of unknown verdict.
        case changing
        /// It is about to be unplugged, and the agent is given the time to record what it has done: it sends nothing more.
        case leaving
    }

    let name: String
    let index: InterfaceIndex
    let kind: PortState.Kind
    /// None for the bridge itself.
    let sender: FrameSender?
    let sniffer: Sniffer?
    var phase: Phase

    /// What must have been counted since the port's record began: into the bridge, and out of it.
    var into = Tally(), out = Tally()
    /// Frames of unknown verdict since the last checkpoint.
    var doubtInto = Doubt(), doubtOut = Doubt()
    /// What such frames may have been dropped for as they entered.
    var doubtReasons: Set<Reason> = []
    /// Whether frames may have crossed it before it had programs, which count nothing.
    var wasOpen: Bool
    /// What has yet to arrive at the machine behind it, and how often; and what may.
    var awaited: [[UInt8]: Int] = [:]
    var possible: [[UInt8]: String] = [:]

    init(
        _ name: String, _ index: InterfaceIndex, _ kind: PortState.Kind, in namespace: NetworkNamespace? = nil, phase: Phase = .steady
    ) throws {
        (self.name, self.index, self.kind, self.phase) = (name, index, kind, phase)
        wasOpen = phase == .changing
        sender = try namespace.map { try FrameSender(on: name, in: $0) }
        sniffer = try namespace.map { try Sniffer(on: name, in: $0) }
    }

    var direction: (into: Direction, out: Direction) {
        switch kind {
        case .guest: (.fromGuest, .toGuest)
        case .uplink: (.fromUplink, .toUplink)
        case .bridge: (.fromHost, .toHost)
        }
    }
}
