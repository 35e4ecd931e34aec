import Netlink
import Reporting

/// Why the reconciler looks at the host.
enum Trigger: Hashable, Sendable, CustomStringConvertible {
    case start
    /// The time has come to see whether somebody has changed what nobody tells of.
    case inspection
    case policyChanged
    /// By SIGHUP.
    case asked
    /// By the API, which has carried it out.
    case changedByAPI
    case joined(port: String, bridge: String)
    case left(port: String)
    case changed(port: String)
    /// A bridge has come.
    case appeared(bridge: String)
    /// Another program changed how the bridge treats a port.
    case portChanged(port: String)
    case leaseChanged(guest: String)
    /// A hypervisor says who is behind it.
    case described(port: String)
    /// The kernel had more to tell of interfaces than it could keep.
    case overrun
    /// What failed may work now.
    case again

    var description: String {
        switch self {
        case .start: "the agent has started"
        case .inspection: "inspection"
        case .policyChanged: "the policy has changed"
        case .asked: "asked to"
        case .changedByAPI: "a change by the API"
        case .joined(let port, let bridge): "\(port.visible) joined \(bridge.visible)"
        case .left(let port): "\(port.visible) left"
        case .changed(let port): "\(port.visible) has changed"
        case .appeared(let bridge): "bridge \(bridge.visible) has come"
        case .portChanged(let port): "somebody changed port \(port.visible)"
        case .leaseChanged(let guest): "a lease of guest \(guest.visible) has changed"
        case .described(let port): "the hypervisor tells of \(port.visible)"
        case .overrun: "messages of the kernel were lost"
        case .again: "it failed before"
        }
    }

    /// Whether what is found then was changed by another program: it drifted.
    var meansDrift: Bool {
        switch self {
        case .inspection, .portChanged, .overrun: true
        default: false
        }
    }
}
