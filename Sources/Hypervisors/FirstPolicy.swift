import Addresses
import Enforcement
import Policy
import PolicyText
import Reporting

/// A policy to begin with: the bridges that a host has, and the guests that a hypervisor's files describe. Sound by its
/// making: what contradicts something before it is left out, with a note.
public struct FirstPolicy: Sendable {
    public private(set) var policy: HostPolicy
    /// What is to be looked at, or written by hand.
    public private(set) var notes: [String]

    /// - Parameters:
    ///   - bridges: as found.
    ///   - inventory: whose bridges needn't be among them.
    public init(_ bridges: HostBridges, _ inventory: Inventory = Inventory()) {
        policy = HostPolicy(bridges: bridges.bridges)
        notes = bridges.notes + inventory.notes
        for interface in inventory.interfaces {
            if !policy.bridges.contains(where: { $0.name == interface.bridge }) {
                policy.bridges.append(BridgePolicy(name: interface.bridge))
                notes.append(
                    "bridge \(interface.bridge.visible) isn't there: guest \(interface.binding.guest.visible) has a card on it; write its uplinks")
            }
            if let conflict = conflict(of: interface) {
                notes.append(
                    "guest \(interface.binding.guest.visible) with \(interface.binding.macs.first?.description ?? ""): \(conflict): left out")
            } else {
                policy.interfaces.append(interface)
            }
        }
    }

    private func conflict(of interface: GuestInterface) -> String? {
        guard let bridge = policy.bridges.first(where: { $0.name == interface.bridge }) else { return nil }
        let nobodys =
            bridge.gateways.map { IPPrefix($0) }
            + bridge.subnets.flatMap { subnet in
                subnet.broadcast.map { [IPPrefix(.v4(subnet.address)), IPPrefix(.v4($0))] } ?? []
            }
        let own = interface.binding.addresses4.map { IPPrefix.v4($0) } + interface.binding.addresses6.map { IPPrefix.v6($0) }
        for prefix in own {
            if let taken = nobodys.first(where: prefix.overlaps) { return "\(taken) is a gateway's or the subnet's own on bridge \(bridge.name)" }
        }
        for other in policy.interfaces where other.bridge == interface.bridge {
            if let shared = interface.binding.sharedIdentity(with: other.binding) {
                return "\(shared) is guest \(other.binding.guest.visible)'s already"
            }
        }
        return nil
    }

    /// The policy as a file, its notes in front as comments.
    public var yaml: String {
        let head = notes.flatMap { note in
            wrapped(note.visibleLines, indent: 4, firstColumn: 4).split(separator: "\n").enumerated().map { place, line in
                place == 0 ? "# - \(line)" : "#\(line.dropFirst())"
            }
        }
        let title = notes.isEmpty ? [] : ["# To be looked at:"] + head + [""]
        return (title + [PolicyWriter.yaml(for: HostConfiguration(policy: policy))]).joined(separator: "\n")
    }
}
