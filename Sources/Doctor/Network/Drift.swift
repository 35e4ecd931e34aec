import Datapath
import Enforcement
import Netlink

/// What `apply` would still change: where the host isn't what the policy says.
struct Drift: Sendable, Hashable {
    var plan: Plan
    /// Ports that are told of as unguarded or closed already.
    var known: Set<InterfaceIndex> = []

    /// Of each kind of step no more than this many are told.
    private static let most = 3

    var findings: [Finding] { steps + faults + warnings }

    private var steps: [Finding] {
        let steps = plan.steps.filter { step in
            switch step {
            case .close, .attach: !known.contains(step.port.index)
            default: true
            }
        }
        return Dictionary(grouping: steps, by: \.name).sorted { $0.key < $1.key }.map { name, steps in
            let told = steps.prefix(Self.most).map(\.description).joined(separator: "; ")
            let rest = steps.count > Self.most ? "; and \(steps.count - Self.most) more" : ""
            return Finding(
                "drift-\(name)", steps[0].severity, steps.count == 1 ? "interface \(steps[0].port.name)" : "\(steps.count) interfaces",
                found: "'vifguard apply' would do this: \(told)\(rest)", meaning: steps[0].meaning, mend: ["vifguard apply"])
        }
    }

    private var faults: [Finding] {
        // A bridge that isn't there is told of on its own.
        plan.faults.filter { if case .bridge = $0.scope { false } else { true } }.map { fault in
            Finding(
                "policy-not-possible", .problem, fault.place, found: fault.message,
                meaning: "What the policy says here can't be carried out; the rest of it is.", mend: [])
        }
    }

    private var warnings: [Finding] {
        plan.warnings.map { Finding("apply-warns", .warning, "policy", found: $0, meaning: "'vifguard apply' tells the same.") }
    }
}

extension Fault {
    fileprivate var place: String {
        switch scope {
        case .policy: "policy"
        case .bridge(let name): "bridge \(name)"
        case .guest(let name): "guest \(name)"
        }
    }
}

extension Step {
    /// Programs and records are the guard; forwarding entries and flags stand behind it.
    fileprivate var severity: Finding.Severity {
        switch self {
        case .close, .bind, .trustUplink, .trustBridge, .attach, .enterOwners, .moveOwners: .problem
        case .addForwarding, .removeForwarding, .setPort, .setIPv6, .setLinkLocalLearning: .warning
        case .release, .forgetLeases: .note
        }
    }

    fileprivate var meaning: String {
        switch self {
        case .close, .attach: "Without its programs a port's frames are judged nowhere, and arrive nowhere."
        case .bind, .trustUplink, .trustBridge: "The kernel holds ports to something else than the policy says now."
        case .enterOwners, .moveOwners: "The kernel's tables of whose each address is aren't the policy's."
        case .addForwarding: "The bridge may learn a guest's MAC at another port, or floods what is for the guest."
        case .removeForwarding: "Traffic for that MAC goes to a port that it doesn't belong to."
        case .setPort: "Somebody has changed how the bridge treats the port; the programs still hold its guest to its binding."
        case .setIPv6: "The host speaks IPv6 on the port itself, past the bridge."
        case .setLinkLocalLearning: "Frames to switches' own addresses teach the bridge MACs."
        case .forgetLeases: "Addresses that DHCP gave for a time that is up are still the guest's."
        case .release: "Records of interfaces that are gone take room."
        }
    }
}
