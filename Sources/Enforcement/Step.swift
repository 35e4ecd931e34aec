import Addresses
import Datapath
import Netlink
import Policy

/// One change to the host: what `plan` shows and `apply` does.
public enum Step: Sendable, Hashable {
    /// Takes our programs off an interface and forgets its record; a bridge's owners go with it.
    case release(Port, kind: PortKind, Departure)
    /// Writes the empty record: nothing passes.
    case close(Port, formerly: String?)
    /// Writes a binding into a guest port's record.
    case bind(Port, Binding, subnets: [IPv4Prefix], formerly: String?)
    /// Writes the record of an uplink.
    case trustUplink(Port, Mode)
    /// Writes the record of the bridge's own interface.
    case trustBridge(Port)
    /// Puts the program on one hook.
    case attach(Port, kind: PortKind, Hook)
    /// Makes the kernel's tables say whose each address and MAC is.
    case enterOwners(Port, OwnerTable, OwnerChanges)
    /// The same for some of the entries, those of the guest on one port; `over` is what they say now.
    case moveOwners(Port, OwnerTable, over: BridgeOwners, OwnerChanges)
    /// Forgets leases that no record grants any more, or that a record lists from now on.
    case forgetLeases(Port, [Lease])
    /// Writes a static, sticky forwarding entry.
    case addForwarding(Port, MACAddress)
    /// Removes a forwarding entry: one of ours, or one that the port taught the bridge before it was guarded.
    case removeForwarding(Port, MACAddress)
    /// Changes how the bridge treats a port: those fields that are set.
    case setPort(Port, BridgePort.Settings)
    /// Turns IPv6 off on the port itself, or back on.
    case setIPv6(Port, isOff: Bool)
    /// Whether the bridge learns from frames to link-local group addresses.
    case setLinkLocalLearning(Port, isOff: Bool)

    /// Why an interface is let go of.
    public enum Departure: String, Sendable, Hashable {
        case gone
        /// It is no port of a guarded bridge any more.
        case left
        /// The policy names its bridge no more.
        case unguarded
    }

    /// The interface that is changed: a port, or a bridge's own.
    public var port: Port {
        switch self {
        case .release(let port, _, _), .close(let port, _), .bind(let port, _, _, _), .trustUplink(let port, _), .trustBridge(let port),
            .attach(let port, _, _), .enterOwners(let port, _, _), .moveOwners(let port, _, _, _), .forgetLeases(let port, _),
            .addForwarding(let port, _), .removeForwarding(let port, _), .setPort(let port, _), .setIPv6(let port, _),
            .setLinkLocalLearning(let port, _):
            port
        }
    }
}

extension Step: CustomStringConvertible {
    /// One line for people.
    public var description: String { "\(port.name): \(action)" }

    private var action: String {
        switch self {
        case .release(_, _, .gone): "forget it, the interface is gone"
        case .release(_, _, .left): "take the programs off, it is no port of a guarded bridge any more"
        case .release(_, _, .unguarded): "take the programs off, the policy doesn't name bridge \(port.bridgeName)"
        case .close(_, nil): "close, no binding says who is behind it"
        case .close(_, let guest?): "close, guest \(guest) isn't here any more"
        case .bind(_, let binding, _, let former):
            "bind to guest \(binding.guest)\(former.map { $0 == binding.guest ? ", a new binding" : " in place of \($0)" } ?? "") (\(binding.summary))"
        case .trustUplink(_, let mode): "uplink, \(mode == .audit ? "report" : "drop") what carries a guest's identity from outside"
        case .trustBridge: "guard the host's own side of the bridge"
        case .attach(_, let kind, let hook): "attach the program that judges what \(Self.way(kind, hook))"
        case .enterOwners(_, _, let changes), .moveOwners(_, _, _, let changes):
            "owners of addresses and MACs: write \(changes.written), remove \(changes.removed)"
        case .forgetLeases(_, let leases): "forget what DHCP has given (\(leases.map(\.prefix.description).joined(separator: ", ")))"
        case .addForwarding(_, let mac): "forward \(mac) here, static and sticky"
        case .removeForwarding(_, let mac): "don't forward \(mac) here any more"
        case .setPort(_, let settings): settings.words
        case .setIPv6(_, let isOff): isOff ? "no IPv6 on the port itself" : "IPv6 on the port itself as at its birth"
        case .setLinkLocalLearning(_, let isOff): "\(isOff ? "learn no" : "learn") MACs from frames to link-local group addresses"
        }
    }

    private static func way(_ kind: PortKind, _ hook: Hook) -> String {
        switch kind.direction(hook) {
        case .fromGuest: "the guest sends"
        case .toGuest: "the guest receives"
        case .fromUplink: "comes from the uplink"
        case .toUplink: "goes to the uplink"
        case .toHost: "goes to the host"
        case .fromHost: "the host sends"
        }
    }
}

extension Binding {
    /// "00:16:3e:01:02:03; 192.0.2.1, 2001:db8::/64; audit"
    var summary: String {
        let addresses = addresses4.map(\.description) + addresses6.map(\.description) + linkLocals.map(\.description)
        let parts = [macs.map(\.description), addresses.isEmpty ? (usesDHCP ? ["by DHCP"] : ["no address"]) : addresses]
        return parts.map { $0.joined(separator: ", ") }.joined(separator: "; ") + (mode == .audit ? "; audit" : "")
    }
}

extension BridgePort.Settings {
    /// The fields that a plan sets, by the names of ip(8).
    var named: [(name: String, isOn: Bool)] {
        let all: [(String, Bool?)] = [
            ("learning", learning), ("flood", unicastFlood), ("guard", bpduGuard), ("isolated", isolated),
            ("mcast_router", multicastRouter.map { $0 != .never }),
        ]
        return all.compactMap { field in field.1.map { (name: field.0, isOn: $0) } }
    }

    /// "learning off, flood off"
    var words: String { named.map { "\($0.name) \($0.isOn ? "on" : "off")" }.joined(separator: ", ") }
}
