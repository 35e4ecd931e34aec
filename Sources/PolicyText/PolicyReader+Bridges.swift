import Addresses
import Policy

/// `bridges: NAME: {…}`.
extension PolicyReader {
    private static let bridgeKeys = [
        "uplinks", "gateways", "subnets", "reserved", "reserved-macs", "uplink", "isolated",
    ]

    func readBridges(_ value: YAMLValue, into draft: inout PolicyDraft) {
        guard let entries = entries(value, "bridges", example: "bridges: {xenbr0: {uplinks: [eth0]}}") else { return }
        draft.knowsBridges = true
        for (key, value) in entries {
            guard let name = interfaceName(key, "the name of a bridge") else {
                draft.knowsBridges = false
                continue
            }
            draft.bridges.append(bridge(name, value))
        }
    }

    private func bridge(_ name: Located<String>, _ value: YAMLValue) -> BridgeDraft {
        var bridge = BridgeDraft(name: name)
        let what = "bridge \(name.value)"
        if value.isNull { return bridge }
        guard let fields = fields(value, what, keys: Self.bridgeKeys, example: "\(name.value): {uplinks: [eth0]}") else { return bridge }
        bridge.uplinks =
            fields["uplinks"].flatMap { value in
                items(value, "uplinks", example: "uplinks: [eth0]") { item in
                    text(item, "an uplink", example: "uplinks: [eth0]").flatMap { interfaceName($0, "an uplink") }
                }
            } ?? []
        if let value = fields["gateways"] { readGateways(value, into: &bridge) }
        bridge.subnets = fields["subnets"].flatMap { items($0, "subnets", example: "subnets: [192.0.2.0/24]", read: subnet) } ?? []
        let reserved = "reserved: [192.0.2.1, 192.0.2.240/28]"
        bridge.reserved = fields["reserved"].flatMap { items($0, "reserved", example: reserved) { prefix($0, "a reserved address") } } ?? []
        let macs = "reserved-macs: [00:16:3e:00:00:01]"
        bridge.reservedMACs =
            fields["reserved-macs"].flatMap { items($0, "reserved-macs", example: macs) { mac($0, "a reserved MAC") } } ?? []
        let uplink = "uplink: audit; the ports themselves go under uplinks: [eth0]"
        bridge.uplinkMode = fields["uplink"].flatMap { choice($0, "uplink", of: [Mode.audit, .enforce], example: uplink) } ?? .audit
        bridge.isolatesGuests = fields["isolated"].flatMap { flag($0, "isolated") } ?? false
        return bridge
    }

    /// Each an address, or `{address, mac}`; a MAC alone where only that is known.
    private func readGateways(_ value: YAMLValue, into bridge: inout BridgeDraft) {
        let example = "gateways: [192.0.2.1, {address: 192.0.2.2, mac: 00:16:3e:00:00:01}]"
        guard let list = list(value, "gateways", example: example) else { return }
        var seen: [IPAddress: SourceLocation] = [:]
        for item in list {
            var place: YAMLValue? = item
            if case .mapping = item.content, item.unquotedIPv6 == nil {
                let line = "{address: 192.0.2.1, mac: 00:16:3e:00:00:01}"
                guard let fields = fields(item, "a gateway", keys: ["address", "mac"], example: line) else { continue }
                if let value = fields["mac"], let mac = mac(value, "a gateway's MAC") { bridge.gatewayMACs.append(mac) }
                place = fields["address"]
                if place == nil, fields["mac"] == nil { faults.report("a gateway without an address", at: item.location, write: line) }
            }
            guard let place, let address = address(place, "a gateway") else { continue }
            if let misuse = Self.misuse(of: IPPrefix(address.value)) {
                faults.report("a gateway can't have this address: \(misuse)", at: address.location, write: "the router's own address")
            } else if let first = seen[address.value] {
                faults.report("\(address.value) is listed twice (first in \(first.place))", at: address.location, write: "it once")
            } else {
                seen[address.value] = address.location
                bridge.gateways.append(address)
            }
        }
    }

    private func subnet(_ value: YAMLValue) -> Located<IPv4Prefix>? {
        guard let prefix = prefix(value, "a subnet", examples: "192.0.2.0/24") else { return nil }
        if case .v4(let subnet) = prefix.value, !subnet.isSingle { return Located(value: subnet, location: prefix.location) }
        let message = "\(prefix.value) is not an IPv4 subnet (subnets are listed for their broadcast addresses)"
        faults.report(message, at: prefix.location, write: "an IPv4 prefix such as 192.0.2.0/24; for IPv6 nothing")
        return nil
    }
}
