import Addresses
import Policy

/// Writes a policy as YAML that `PolicyFiles` reads back equal, with nothing in it that is so anyway.
///
/// Interfaces are grouped by guest, guests in the order they first appear. Where a binding came from isn't written.
public enum PolicyWriter {
    /// The text of one policy file.
    public static func yaml(for configuration: HostConfiguration) -> String {
        var lines: [String] = []
        if configuration.engine != .ebpf { lines += ["engine: \(configuration.engine.rawValue)", ""] }
        if configuration.stampBit != HostConfiguration.defaultStampBit { lines += ["stamp-bit: \(configuration.stampBit)", ""] }
        if configuration.maximumPorts != HostConfiguration.defaultMaximumPorts { lines += ["max-ports: \(configuration.maximumPorts)", ""] }
        let defaults = configuration.policy.defaults
        let given = self.lines(for: defaults, against: GuestDefaults())
        if !given.isEmpty { lines += ["defaults:"] + given.map { "  " + $0 } + [""] }
        let policy = configuration.policy
        lines.append(policy.bridges.isEmpty ? "bridges: {}" : "bridges:")
        for bridge in policy.bridges { lines += self.lines(for: bridge) }
        if !policy.interfaces.isEmpty { lines += ["", "guests:"] }
        var guests: [String] = []
        var interfaces: [String: [GuestInterface]] = [:]
        for interface in policy.interfaces {
            if interfaces[interface.binding.guest] == nil { guests.append(interface.binding.guest) }
            interfaces[interface.binding.guest, default: []].append(interface)
        }
        for guest in guests {
            lines += ["  \(scalar(guest)):", "    interfaces:"]
            for interface in interfaces[guest] ?? [] { lines += item(self.lines(for: interface, defaults)) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(for bridge: BridgePolicy) -> [String] {
        var lines: [String] = []
        if !bridge.uplinks.isEmpty { lines.append("uplinks: \(list(bridge.uplinks))") }
        if !bridge.gateways.isEmpty || !bridge.gatewayMACs.isEmpty { lines.append("gateways: \(gateways(of: bridge))") }
        if !bridge.subnets.isEmpty { lines.append("subnets: \(list(bridge.subnets))") }
        if !bridge.reserved.isEmpty { lines.append("reserved: \(list(bridge.reserved))") }
        if !bridge.reservedMACs.isEmpty { lines.append("reserved-macs: \(list(bridge.reservedMACs))") }
        if bridge.uplinkMode == .enforce { lines.append("uplink: enforce") }
        if bridge.isolatesGuests { lines.append("isolated: true") }
        if lines.isEmpty { return ["  \(scalar(bridge.name)): {}"] }
        return ["  \(scalar(bridge.name)):"] + lines.map { "    " + $0 }
    }

    /// The policy doesn't say which MAC is which address's; they are written side by side in their order.
    private static func gateways(of bridge: BridgePolicy) -> String {
        let items = (0..<max(bridge.gateways.count, bridge.gatewayMACs.count)).map { index in
            let address = index < bridge.gateways.count ? scalar(bridge.gateways[index].description) : nil
            let mac = index < bridge.gatewayMACs.count ? bridge.gatewayMACs[index].description : nil
            return switch (address, mac) {
            case (let address?, let mac?): "{address: \(address), mac: \(mac)}"
            case (nil, let mac?): "{mac: \(mac)}"
            default: address ?? ""
            }
        }
        return "[\(items.joined(separator: ", "))]"
    }

    private static func lines(for interface: GuestInterface, _ defaults: GuestDefaults) -> [String] {
        let binding = interface.binding
        var lines: [String] = []
        if let port = interface.port { lines.append("port: \(scalar(port))") }
        lines.append("bridge: \(scalar(interface.bridge))")
        lines.append(binding.macs.count == 1 ? "mac: \(binding.macs[0])" : "macs: \(list(binding.macs))")
        let addresses = binding.addresses4.map(\.description) + binding.addresses6.map(\.description)
        lines.append("addresses: \(list(addresses + (binding.usesDHCP ? ["dhcp"] : [])))")
        if !binding.linkLocals.isEmpty {
            let addresses = list(binding.linkLocals)
            let both = "link-local: {mode: claim, addresses: \(addresses)}"
            lines.append(binding.linkLocalMode == .eui64 ? "link-local: \(addresses)" : both)
        } else if binding.linkLocalMode != defaults.linkLocalMode {
            lines.append("link-local: \(binding.linkLocalMode.rawValue)")
        }
        let roles = names(of: binding.roles)
        if !roles.isEmpty { lines.append("roles: \(list(roles))") }
        if !binding.vlans.isEmpty { lines.append("vlans: [\(binding.vlans.map(\.description).joined(separator: ", "))]") }
        if !binding.virtualRouters.isEmpty {
            let pairs = binding.virtualRouters.map { "{mac: \($0.mac), address: \(scalar($0.address.description))}" }
            lines.append("vrrp: [\(pairs.joined(separator: ", "))]")
        }
        if !binding.etherTypes.isEmpty {
            let numbers = binding.etherTypes.map { "0x" + String($0, radix: 16) }
            lines.append("ethertypes: [\(numbers.joined(separator: ", "))]")
        }
        var own = GuestDefaults(quiet: binding.quiet, mode: binding.mode, limits: binding.limits)
        own.linkLocalMode = defaults.linkLocalMode
        lines += self.lines(for: own, against: defaults)
        if binding.isMigrating { lines.append("migrating: true") }
        return lines
    }

    /// What differs.
    private static func lines(for settings: GuestDefaults, against defaults: GuestDefaults) -> [String] {
        var lines: [String] = []
        if settings.linkLocalMode != defaults.linkLocalMode { lines.append("link-local: \(settings.linkLocalMode.rawValue)") }
        if settings.quiet != defaults.quiet { lines.append("quiet: \(settings.quiet)") }
        if settings.mode != defaults.mode { lines.append("mode: \(settings.mode.rawValue)") }
        if settings.limits != defaults.limits { lines.append("limits: \(flow(settings.limits))") }
        return lines
    }

    private static func flow(_ limits: Limits) -> String {
        let broadcast = "{rate: \(limits.broadcastRate), burst: \(limits.broadcastBurst)}"
        return "{broadcast: \(broadcast), neighbor: {rate: \(limits.neighborRate), burst: \(limits.neighborBurst)}}"
    }

    private static func names(of roles: Roles) -> [String] {
        Roles.named.filter { roles.contains($0.role) }.map(\.name)
    }

    /// The lines as one item of a list under `interfaces`.
    private static func item(_ lines: [String]) -> [String] {
        lines.enumerated().map { ($0 == 0 ? "      - " : "        ") + $1 }
    }

    private static func list(_ items: [some CustomStringConvertible]) -> String {
        "[\(items.map { scalar($0.description) }.joined(separator: ", "))]"
    }

    /// The text without quotes where no reader of YAML takes it for anything else.
    private static func scalar(_ text: String) -> String {
        let isAddress = MACAddress(text) != nil || IPv4Prefix(text) != nil
        return isAddress || isWord(text) ? text : doubleQuoted(text)
    }

    private static func isWord(_ text: String) -> Bool {
        let allowed = text.unicodeScalars.allSatisfy {
            $0.isASCII && ($0.properties.isAlphabetic || "0123456789-_.".unicodeScalars.contains($0))
        }
        guard allowed, let first = text.first, first.isLetter || first.isNumber, Double(text) == nil else { return false }
        return !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
    }

    private static func doubleQuoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" {
                quoted += "\\\(scalar)"
            } else if isPrintable(scalar) {
                quoted.unicodeScalars.append(scalar)
            } else {
                let digits = String(scalar.value, radix: 16)
                quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
        }
        return quoted + "\""
    }
}

extension Roles {
    /// Each role and its name in a policy.
    static let named: [(name: String, role: Roles)] = [
        ("router", .router), ("dhcp4-server", .dhcp4Server), ("dhcp6-server", .dhcp6Server),
        ("multicast-querier", .multicastQuerier), ("transit", .transit),
    ]
}
