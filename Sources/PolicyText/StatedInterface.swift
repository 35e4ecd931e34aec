import Foundation
import Policy

/// A guest's interface stated outside of any file, by options or in JSON, with the keys that a policy file has. It is read,
/// and refused, by the same rules as one in a file.
package struct StatedInterface: Codable, Sendable {
    package struct VirtualRouter: Codable, Sendable {
        package var mac: String
        package var address: String

        package init(mac: String, address: String) {
            self.mac = mac
            self.address = address
        }
    }

    package struct Limit: Codable, Sendable {
        package var rate: Int
        package var burst: Int?

        package init(rate: Int, burst: Int?) {
            self.rate = rate
            self.burst = burst
        }
    }

    package struct LinkLocal: Codable, Sendable {
        package var mode: String?
        package var addresses: [String]?

        package init(mode: String?, addresses: [String]) {
            self.mode = mode
            self.addresses = addresses
        }
    }

    package var port: String
    package var bridge: String
    package var macs: [String]
    package var addresses: [String]
    package var roles: [String]?
    package var vlans: [Int]?
    package var mode: String?
    package var linkLocal: LinkLocal?
    package var ethertypes: [String]?
    package var vrrp: [VirtualRouter]?
    package var quiet: Bool?
    package var migrating: Bool?
    package var limits: [String: Limit]?

    private enum CodingKeys: String, CodingKey {
        case port, bridge, macs, addresses, roles, vlans, mode, ethertypes, vrrp, quiet, migrating, limits
        case linkLocal = "link-local"
    }

    package init(port: String, bridge: String, macs: [String], addresses: [String]) {
        self.port = port
        self.bridge = bridge
        self.macs = macs
        self.addresses = addresses
    }

    /// The interface as a policy file would state it, with a bridge of that name and nothing else known of it.
    ///
    /// - Parameter guest: the guest's name; nil: the port's.
    /// - Throws: `ConfigurationErrors`, whose places mean nothing here.
    package func interface(guest: String?, origin: Origin) throws(ConfigurationErrors) -> (interface: GuestInterface, bridge: BridgePolicy) {
        let document = Document(bridges: [bridge: [:]], guests: [guest ?? port: .init(interfaces: [self])])
        // JSON is YAML, and its strings need no further quoting.
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let bytes = try? encoder.encode(document) else { throw ConfigurationErrors([]) }
        let policy = try PolicyFiles.parse(Array(bytes), file: "options").policy
        guard var interface = policy.interfaces.first, let bridge = policy.bridges.first else { throw ConfigurationErrors([]) }
        interface.binding.origin = origin
        return (interface, bridge)
    }

    private struct Document: Encodable {
        struct Guest: Encodable { var interfaces: [StatedInterface] }

        var bridges: [String: [String: String]]
        var guests: [String: Guest]
    }
}

extension ConfigurationErrors {
    /// What is wrong and what to write instead, without places: for what wasn't written in a file.
    package var withoutPlaces: String {
        errors.filter { $0.severity == .error }.map { error in
            error.message + (error.suggestion.map { "\n    write: \($0)" } ?? "")
        }.joined(separator: "\n")
    }
}
