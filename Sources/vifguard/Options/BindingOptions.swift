import ArgumentParser
import PolicyText
import Foundation
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
        let document = Document(
            bridges: [bridge: [:]],
            guests: [guest ?? port: Document.Guest(interfaces: [try Document.Interface(self, port: port, bridge: bridge)])])
        // JSON is YAML, and its strings need no further quoting.
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        do throws(ConfigurationErrors) {
            let policy = try PolicyFiles.parse(Array(try! encoder.encode(document)), file: "options").policy
            guard var interface = policy.interfaces.first, let bridge = policy.bridges.first else { throw ConfigurationErrors([]) }
            interface.binding.origin = origin
            return (interface, bridge)
        } catch {
            throw ValidationError(error.errors.filter { $0.severity == .error }.map(Self.words).joined(separator: "\n"))
        }
    }

    private static func words(_ error: ConfigurationError) -> String {
        error.message + (error.suggestion.map { "\n    write: \($0)" } ?? "")
    }

    private struct Document: Encodable {
        var bridges: [String: [String: String]]
        var guests: [String: Guest]

        struct Guest: Encodable { var interfaces: [Interface] }

        struct Interface: Encodable {
            var port: String
            var bridge: String
            var macs: [String]
            var addresses: [String]
            var roles: [String]
            var vlans: [Int]
            var mode: String
            var linkLocal: LinkLocal
            var ethertypes: [String]
            var vrrp: [VirtualRouter]
            var quiet: Bool
            var migrating: Bool
            var limits: [String: Limit]

            struct VirtualRouter: Encodable {
                var mac: String
                var address: String
            }

            struct Limit: Encodable {
                var rate: Int
                var burst: Int?

                /// `2000` or `2000:4000`.
                init(_ text: String, option: String) throws {
                    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
                    guard (1...2).contains(parts.count), let rate = parts[0], !parts.contains(nil) else {
                        throw ValidationError("\(option) \(text): write a rate, or a rate and a burst, such as 2000:4000")
                    }
                    self.rate = rate
                    burst = parts.count == 2 ? parts[1] : nil
                }
            }

            struct LinkLocal: Encodable {
                var mode: String
                var addresses: [String]
            }

            enum CodingKeys: String, CodingKey {
                case port, bridge, macs, addresses, roles, vlans, mode, ethertypes, vrrp, quiet, migrating, limits
                case linkLocal = "link-local"
            }

            init(_ options: BindingOptions, port: String, bridge: String) throws {
                self.port = port
                self.bridge = bridge
                macs = options.mac
                addresses = options.address
                roles = options.role
                vlans = options.vlan
                mode = options.mode ?? Mode.enforce.rawValue
                ethertypes = options.ethertype
                vrrp = try options.vrrp.map { pair in
                    let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                    guard parts.count == 2 else { throw ValidationError("--vrrp \(pair): write MAC=ADDRESS, such as 00:00:5e:00:01:07=192.0.2.7") }
                    return VirtualRouter(mac: parts[0], address: parts[1])
                }
                quiet = !options.noQuiet
                migrating = options.migrating
                limits = [:]
                if let text = options.limitBroadcast { limits["broadcast"] = try Limit(text, option: "--limit-broadcast") }
                if let text = options.limitNeighbor { limits["neighbor"] = try Limit(text, option: "--limit-neighbor") }
                let modes = options.linkLocal.filter { LinkLocalMode(rawValue: $0) != nil }
                guard modes.count < 2 else { throw ValidationError("--link-local says both \(modes.joined(separator: " and ")): give one") }
                linkLocal = LinkLocal(
                    mode: modes.first ?? LinkLocalMode.claim.rawValue,
                    addresses: options.linkLocal.filter { LinkLocalMode(rawValue: $0) == nil })
            }
        }
    }
}
