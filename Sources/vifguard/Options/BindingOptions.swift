import ArgumentParser
import PolicyText
import Policy

/// A guest's binding, written as options.
struct BindingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A MAC of the guest; up to 4.", valueName: "mac"))
    var mac: [String] = []

    @Option(help: ArgumentHelp("An address or prefix of the guest, or 'dhcp'.", valueName: "address"))
    var address: [String] = []

    @Option(help: ArgumentHelp("The guest's name (default: the port's).", valueName: "name"))
    var guest: String?

    @Option(
        help: ArgumentHelp(
            "What it is beyond a plain host: router, dhcp4-server, dhcp6-server, multicast-querier or transit.", valueName: "role"))
    var role: [String] = []

    @Option(help: ArgumentHelp("A VLAN id it may tag frames with, 1 to 4094.", valueName: "vid"))
    var vlan: [Int] = []

    @Option(help: ArgumentHelp("'enforce' drops what breaks a rule, 'audit' only counts it (default: enforce).", valueName: "mode"))
    var mode: String?

    @Option(
        help: ArgumentHelp(
            "'claim' lets it choose link-local addresses, 'eui64' doesn't (default: claim); or an address in fe80::/64 that is its own.",
            valueName: "how"))
    var linkLocal: [String] = []

    @Option(help: ArgumentHelp("An EtherType it may send besides IPv4, IPv6 and ARP, such as 0x88cc; up to 4.", valueName: "type"))
    var ethertype: [String] = []

    @Option(help: ArgumentHelp("A virtual router it takes part in: its MAC and address, joined by '='; up to 4.", valueName: "mac=address"))
    var vrrp: [String] = []

    @Flag(help: "Let ARP requests and neighbour solicitations for others reach it.")
    var noQuiet = false

    @Flag(help: "It is moving to or from another host: the uplink may show its MACs and addresses.")
    var migrating = false

    @Option(
        help: ArgumentHelp("Broadcast and multicast frames a second, and at once (default: 2000:4000; 0 for no limit).", valueName: "rate[:burst]"))
    var limitBroadcast: String?

    @Option(
        help: ArgumentHelp(
            "ARP and neighbour discovery messages a second, and at once (default: 1000:4000; 0 for no limit).", valueName: "rate[:burst]"))
    var limitNeighbor: String?

    /// Whether anything says what the guest may use.
    var isGiven: Bool { !mac.isEmpty || !address.isEmpty }

    /// The guest's interface as a policy file would state it: options and files are read, and refused, by the same rules.
    func interface(port: String, bridge: String, origin: Origin) throws -> (interface: GuestInterface, bridge: BridgePolicy) {
        let stated = try stated(port: port, bridge: bridge)
        do throws(ConfigurationErrors) {
            return try stated.interface(guest: guest, origin: origin)
        } catch {
            throw ValidationError(error.withoutPlaces)
        }
    }

    private func stated(port: String, bridge: String) throws -> StatedInterface {
        var stated = StatedInterface(port: port, bridge: bridge, macs: mac, addresses: address)
        stated.roles = role
        stated.vlans = vlan
        stated.mode = mode
        stated.ethertypes = ethertype
        stated.vrrp = try vrrp.map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw ValidationError("--vrrp \(pair): write MAC=ADDRESS, such as 00:00:5e:00:01:07=192.0.2.7") }
            return StatedInterface.VirtualRouter(mac: parts[0], address: parts[1])
        }
        stated.quiet = !noQuiet
        stated.migrating = migrating
        var limits: [String: StatedInterface.Limit] = [:]
        if let limitBroadcast { limits["broadcast"] = try Self.limit(limitBroadcast, option: "--limit-broadcast") }
        if let limitNeighbor { limits["neighbor"] = try Self.limit(limitNeighbor, option: "--limit-neighbor") }
        stated.limits = limits
        let modes = linkLocal.filter { LinkLocalMode(rawValue: $0) != nil }
        guard modes.count < 2 else { throw ValidationError("--link-local says both \(modes.joined(separator: " and ")): give one") }
        stated.linkLocal = StatedInterface.LinkLocal(
            mode: modes.first ?? LinkLocalMode.claim.rawValue, addresses: linkLocal.filter { LinkLocalMode(rawValue: $0) == nil })
        return stated
    }

    /// `2000` or `2000:4000`.
    private static func limit(_ text: String, option: String) throws -> StatedInterface.Limit {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(parts.count), let rate = parts[0], !parts.contains(nil) else {
            throw ValidationError("\(option) \(text): write a rate, or a rate and a burst, such as 2000:4000")
        }
        return StatedInterface.Limit(rate: rate, burst: parts.count == 2 ? parts[1] : nil)
    }
}
