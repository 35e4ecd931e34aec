import Addresses
import Packets

/// What Documentation/policy.md says about one frame at one place: the reference that the kernel program is held against.
///
/// A function of its arguments alone; whoever keeps the state (`GuardModel`) applies what the judgement says changes.
/// - Parameters:
///   - frame: any bytes at all, with what the kernel keeps beside them.
///   - direction: which of the six programs judges.
///   - port: the port that the frame enters or leaves by; for the host's directions the bridge interface.
///   - bridge: the bridge that the port belongs to.
///   - stamp: what the frame carries on its way out of the bridge; of no meaning on the way in.
///   - time: of a clock that never goes back, in nanoseconds.
public func judge(
    _ frame: Frame, direction: Direction, port: PortState, bridge: BridgeState, stamp: Stamp = .stamped, time: UInt64
) -> Judgement {
    let unchanged = Judgement(reason: nil, isDropped: false, buckets: port.buckets)
    switch direction {
    case .fromGuest:
        guard var judge = Judge(frame, port: port, bridge: bridge) else { return .dropped(.noBinding, buckets: port.buckets) }
        return judge.judgeFromGuest(time: time)
    case .toGuest:
        guard let judge = Judge(frame, port: port, bridge: bridge) else { return .dropped(.noBinding, buckets: port.buckets) }
        return judge.judgeToGuest(stamp: stamp)
    case .fromUplink:
        return UplinkJudge(frame, bridge: bridge).judge(buckets: port.buckets)
    case .toUplink:
        return stamp == .stamped || stamp == .madeHere ? unchanged : .dropped(.unjudged, buckets: port.buckets)
    case .toHost:
        return stamp.admits(toHost: Bytes(frame.bytes)) ? unchanged : .dropped(.unjudged, buckets: port.buckets)
    case .fromHost:
        return unchanged
    }
}

/// Holds one frame against the binding of the guest that sent it or is to get it. The rules are in extensions, one a
/// section of policy.md, and each is a function that gives the reason of the first rule that fails, or nil.
struct Judge {
    let frame: Frame
    let bytes: Bytes
    let port: PortState
    let bridge: BridgeState
    let binding: Binding
    let entitlement: Entitlement
    /// Link-local addresses that count as the guest's for this frame.
    var claims: [IPv6Address] = []
    /// ARP or neighbour discovery: counts against the limit of section 8.
    var isNeighborMessage = false

    /// Nil for a port that nobody vouches for.
    init?(_ frame: Frame, port: PortState, bridge: BridgeState) {
        guard let binding = port.binding, let entitlement = port.entitlement else { return nil }
        self.frame = frame
        bytes = Bytes(frame.bytes)
        self.port = port
        self.bridge = bridge
        self.binding = binding
        self.entitlement = entitlement
    }

    /// Sections 2 to 5, then 8.
    mutating func judgeFromGuest(time: UInt64) -> Judgement {
        if let reason = ethernetRules() { return judgement(reason, buckets: port.buckets) }
        var buckets = port.buckets
        if let reason = limitRules(&buckets, time: time) { return judgement(reason, buckets: buckets) }
        return Judgement(reason: nil, isDropped: false, claims: claims, buckets: buckets)
    }

    /// Section 7.
    func judgeToGuest(stamp: Stamp) -> Judgement {
        guard stamp == .stamped || stamp == .madeHere else { return judgement(.unjudged, buckets: port.buckets) }
        return judgement(deliveryRules(), buckets: port.buckets)
    }

    private func judgement(_ reason: Reason?, buckets: Buckets) -> Judgement {
        let isDropped = reason.map { binding.mode == .enforce || $0.dropsInAudit } ?? false
        return Judgement(reason: reason, isDropped: isDropped, buckets: buckets)
    }
}

extension Judgement {
    /// Whatever the mode.
    fileprivate static func dropped(_ reason: Reason, buckets: Buckets) -> Judgement {
        Judgement(reason: reason, isDropped: true, buckets: buckets)
    }
}

extension Stamp {
    /// Section 1: the way out of the bridge to the host's own stack.
    fileprivate func admits(toHost bytes: Bytes) -> Bool {
        switch self {
        case .stamped, .loopback: true
        case .host: bytes.mac(at: 0)?.isGroup ?? false
        case .unstamped, .madeHere: false
        }
    }
}
