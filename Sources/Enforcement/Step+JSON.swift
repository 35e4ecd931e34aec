import Addresses
import Datapath
import Policy

extension Step: Encodable {
    /// {"step": "bind", "interface": "vif1.0", "index": 7, "bridge": "br0", …, "description": "…"}: the first four and the
    /// description are in every step.
    private enum CodingKeys: String, CodingKey {
        case step, interface, index, bridge, description
        case kind, why, guest, formerly, macs, addresses, mode, hook, written, removed, mac, settings, off
    }

    /// The name in JSON.
    public var name: String {
        switch self {
        case .release: "release"
        case .close: "close"
        case .bind: "bind"
        case .trustUplink: "trust-uplink"
        case .trustBridge: "trust-bridge"
        case .attach: "attach"
        case .enterOwners, .moveOwners: "enter-owners"
        case .forgetLeases: "forget-leases"
        case .addForwarding: "add-forwarding"
        case .removeForwarding: "remove-forwarding"
        case .setPort: "set-port"
        case .setIPv6: "set-ipv6"
        case .setLinkLocalLearning: "set-link-local-learning"
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .step)
        try container.encode(port.name, forKey: .interface)
        try container.encode(port.index, forKey: .index)
        try container.encode(port.bridgeName, forKey: .bridge)
        try container.encode(description, forKey: .description)
        switch self {
        case .release(_, let kind, let departure):
            try container.encode(kind.name, forKey: .kind)
            try container.encode(departure.rawValue, forKey: .why)
        case .close(_, let former):
            try container.encodeIfPresent(former, forKey: .formerly)
        case .bind(_, let binding, _, let former):
            let addresses = binding.addresses4.map(\.description) + binding.addresses6.map(\.description)
            try container.encode(binding.guest, forKey: .guest)
            try container.encode(binding.macs.map(\.description), forKey: .macs)
            try container.encode(addresses + binding.linkLocals.map(\.description), forKey: .addresses)
            try container.encode(binding.mode.rawValue, forKey: .mode)
            try container.encodeIfPresent(former, forKey: .formerly)
        case .trustUplink(_, let mode): try container.encode(mode.rawValue, forKey: .mode)
        case .trustBridge: break
        case .attach(_, let kind, let hook):
            try container.encode(kind.name, forKey: .kind)
            try container.encode(hook == .ingress ? "ingress" : "egress", forKey: .hook)
        case .enterOwners(_, _, let changes), .moveOwners(_, _, _, let changes):
            try container.encode(changes.written, forKey: .written)
            try container.encode(changes.removed, forKey: .removed)
        case .forgetLeases(_, let leases): try container.encode(leases.map(\.prefix.description), forKey: .addresses)
        case .addForwarding(_, let mac), .removeForwarding(_, let mac): try container.encode(mac.description, forKey: .mac)
        case .setPort(_, let settings):
            try container.encode(Dictionary(uniqueKeysWithValues: settings.named.map { ($0.name, $0.isOn) }), forKey: .settings)
        case .setIPv6(_, let isOff), .setLinkLocalLearning(_, let isOff): try container.encode(isOff, forKey: .off)
        }
    }
}
