import Datapath
import Policy
import Reporting

/// One interval, as `top --json` prints it.
struct TopReport: Encodable {
    struct RateFacts: Encodable {
        var packetsPerSecond: Double
        var bitsPerSecond: Double

        init(_ rate: Rate) {
            packetsPerSecond = rate.packets
            bitsPerSecond = rate.bits
        }
    }

    struct SideRates: Encodable {
        var passed: RateFacts
        var dropped: RateFacts
        /// What audit mode let pass.
        var wouldDrop: RateFacts

        init(_ side: PortRates.Side) {
            passed = RateFacts(side.passed)
            dropped = RateFacts(side.dropped)
            wouldDrop = RateFacts(side.audited)
        }
    }

    struct ReasonFacts: Encodable {
        var reason: String
        var direction: String
        var verdict: Verdict
        /// Since `top` runs.
        var packets: UInt64
        var secondsAgo: Double
    }

    struct PortReport: Encodable {
        var name: String
        var index: UInt32
        var bridge: String
        var kind: String
        var guest: String?
        var state: PortFacts.State
        /// From the port into the bridge.
        var sent: SideRates
        /// Out of the bridge to the port.
        var received: SideRates
        /// The latest first.
        var reasons: [ReasonFacts]

        init(_ row: TopRow) {
            name = row.name
            index = row.index
            bridge = row.bridge
            kind = row.kind.name
            guest = row.guest
            state = row.state
            sent = SideRates(row.sent)
            received = SideRates(row.received)
            reasons = row.causes.map { recent in
                ReasonFacts(
                    reason: recent.cause.reason.name, direction: row.kind.direction(recent.cause.isSent ? row.kind.entry : row.kind.exit).name,
                    verdict: recent.cause.isAudited ? .wouldDrop : .drop, packets: recent.packets,
                    secondsAgo: Double(row.age(of: recent)) / 1e9)
            }
        }
    }

    var time: String
    /// The interval as it was.
    var seconds: Double
    var bridges: [String]
    var isAgentRunning: Bool
    /// How many ports are in each state.
    var states: [String: Int]
    /// Of all ports, either way.
    var dropped: RateFacts
    /// Into the bridges.
    var passed: RateFacts
    var ports: [PortReport]

    init(_ snapshot: TopSnapshot, _ order: TopOrder = .dropped) {
        time = snapshot.clock.universal
        seconds = snapshot.seconds
        bridges = snapshot.bridges
        isAgentRunning = snapshot.isAgentRunning
        states = snapshot.rows.reduce(into: [:]) { $0[$1.state.rawValue, default: 0] += 1 }
        dropped = RateFacts(snapshot.dropped)
        passed = RateFacts(snapshot.passed)
        ports = order.arranged(snapshot.rows).map(PortReport.init)
    }
}

extension PortKind {
    /// Where frames enter the guarded bridge. The host's own do where the bridge's interface sends (guard.h, from-host).
    fileprivate var entry: Hook { self == .bridge ? .egress : .ingress }
    fileprivate var exit: Hook { self == .bridge ? .ingress : .egress }
}
