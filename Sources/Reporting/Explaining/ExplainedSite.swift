import Packets
import Policy

/// A policy's bridges and ports as they would be with every guest running, and the port that is asked about.
package struct ExplainedSite {
    private let policy: HostPolicy
    private let places: [GuardModel.Place]
    private let place: GuardModel.Place

    /// - Parameters:
    ///   - name: the port's, or a bridge's for the host's own side.
    ///   - bridge: where the policy doesn't name the port.
    ///   - guest: who is behind it, where the policy doesn't name the port.
    package init(_ policy: HostPolicy, port name: String, bridge: String?, guest: String?) throws {
        var places: [GuardModel.Place] = []
        func add(_ name: String, _ bridge: String, _ kind: PortState.Kind) {
            places.append(.init(name: name, index: UInt32(places.count + 1), bridge: bridge, kind: kind))
        }
        for bridge in policy.bridges {
            add(bridge.name, bridge.name, .bridge)
            for uplink in bridge.uplinks { add(uplink, bridge.name, .uplink) }
        }
        for interface in policy.interfaces {
            if let port = interface.port { add(port, interface.bridge, .guest) }
        }
        let known = places.filter { $0.name == name && (bridge == nil || $0.bridge == bridge) }
        if known.isEmpty {
            let portless = policy.interfaces.first {
                $0.port == nil && $0.binding.guest == guest && (bridge == nil || $0.bridge == bridge)
            }
            guard let home = portless?.bridge ?? bridge else { throw Self.unknown(name, guest) }
            guard policy.bridges.contains(where: { $0.name == home }) else {
                throw Failure("the policy has no bridge \(home.visible): name one of its own with --bridge")
            }
            add(name, home, .guest)
            places[places.count - 1].mac = portless?.binding.macs.first
        }
        self.policy = policy
        self.places = places
        place = known.first ?? places[places.count - 1]
    }

    private static func unknown(_ name: String, _ guest: String?) -> Failure {
        if let guest { return Failure("the policy has no interface without a port for guest \(guest.visible): name one with --guest") }
        return Failure(
            "the policy doesn't name port \(name.visible): name another with --port, its bridge with --bridge, its guest with --guest, "
                + "or say what it may use with --mac and --address")
    }

    /// - Parameter direction: nil: into the bridge.
    /// - Throws: `WrongDirection` for a direction that the port doesn't have.
    package func explainer(direction: Direction?, tag: VLANTag?) throws -> Explainer {
        let ways: [Direction] =
            switch place.kind {
            case .guest: [.fromGuest, .toGuest]
            case .uplink: [.fromUplink, .toUplink]
            case .bridge: [.fromHost, .toHost]
            }
        if let direction, !ways.contains(direction) {
            throw WrongDirection(direction: direction, port: place.name, possible: ways)
        }
        return Explainer(
            model: GuardModel(policy, places: places), port: place, direction: direction ?? ways[0], tag: tag)
    }
}

/// A direction was asked for that the port doesn't have.
package struct WrongDirection: Error, CustomStringConvertible {
    package var direction: Direction
    package var port: String
    package var possible: [Direction]

    package var description: String {
        "no frame goes \(direction.name) at \(port.visible): ask for \(possible.map(\.name).joined(separator: " or "))"
    }
}
