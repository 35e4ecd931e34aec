import Addresses
import Datapath
import Netlink
import Policy

/// What makes a host match a policy, step by step: a function of the two alone. Where all matches there are no steps.
///
/// The order is what keeps a live bridge both safe and in service:
///
/// 1. Interfaces that are gone or left: their records go, which makes room.
/// 2. Records of ports that are closed or only lose addresses; then owners of addresses and MACs, before any binding that
///    leans on them (rule F2's and S2's transit, claims): no port may use what another one owns already.
/// 3. All other records. A record does nothing until a program on its interface reads it. Leases that
///    have lapsed are forgotten once no record grants them, those of what is listed now before a record lists it.
/// 4. Programs at every *entry* (guest ports' and uplinks' ingress, the bridge interface's egress): they judge and stamp.
///    A port without binding is shut off here. Nothing asks for the stamp yet, so nothing legitimate is lost.
/// 5. Programs at every *exit* (guest ports' and uplinks' egress, the bridge interface's ingress): they drop what has no
///    stamp. All entries stamp by now, and frames that came in before are through: attaching ends with an RCU grace
///    period, and a frame crosses a bridge within one.
/// 6. Forwarding entries, then the ports' flags: flood and learning go off only where each MAC has its entry.
///
/// The other way round, an exit that asks for stamps before all entries give them cuts known guests off from each other
/// and from the uplink meanwhile. At no point does a step open anything: until 5 the bridge is what it was, less what 4
/// drops. A port that joins between two plans is shut out by 5 on all the others before anything knows of it.
public struct Plan: Sendable, Hashable, Encodable {
    public var steps: [Step]
    /// What of `HostState.formerLeases` the records grant; written down before them. None but in a move to other maps, and so
    /// not shown.
    public var leases: [Lease]
    /// What can't be carried out; with one of scope `policy` there are no steps.
    public var faults: [Fault]
    /// What is carried out, but may not be meant.
    public var warnings: [String]

    private enum CodingKeys: CodingKey { case steps, faults, warnings }

    public var isEmpty: Bool { steps.isEmpty }

    public init(steps: [Step] = [], leases: [Lease] = [], faults: [Fault] = [], warnings: [String] = []) {
        self.steps = steps
        self.leases = leases
        self.faults = faults
        self.warnings = warnings
    }

    /// - Parameters:
    ///   - policy: a sound one, as `PolicyText` gives it: an address that two guests of it hold isn't found here.
    ///   - state: the host as observed.
    public init(_ policy: HostPolicy, on state: HostState) {
        var draft = PlanDraft(state)
        for bridge in policy.bridges {
            guard let device = state.bridge(named: bridge.name) else {
                draft.faults.append(Fault(.bridge(bridge.name), Self.missing(bridge.name, on: state)))
                continue
            }
            let wishes = BridgeWishes(bridge, device, policy.interfaces.filter { $0.bridge == bridge.name }, policy.defaults, on: state)
            draft.faults += wishes.faults
            draft.warnings += wishes.warnings
            draft.add(wishes)
        }
        draft.letGo(of: Set(policy.bridges.map(\.name)))
        self = draft.plan
    }

    package static func missing(_ name: String, on state: HostState) -> String {
        if state.interface(named: name) != nil { return "this interface is no bridge; 'ip link show type bridge' lists those here" }
        let present = state.bridges.values.map(\.name).sorted()
        let those = present.isEmpty ? "there is none" : "there are \(present.joined(separator: ", "))"
        return "there is no such bridge; \(those)"
    }
}
