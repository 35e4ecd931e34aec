import Addresses
import Glibc
import Netlink
import Policy

/// Who else has what a guest is to get. The rules of a bridge's ports are told by the uplinks that they name, or by the
/// bridge that the port is on: two bridges are two networks.
struct Conflicts {
    /// Ports that are gone, with rules for one of the addresses: attached ones, whose script wasn't called when they went, and
    /// what the same card had. A port that the policy names keeps its rules while it isn't there.
    private(set) var departed: Set<String> = []

    /// - Throws: `ClassicError.refused` for what is reserved or another port's.
    init(_ port: String, _ bridge: BridgePolicy, _ binding: Binding, _ filters: FilterState) throws(ClassicError) {
        let own: [IPPrefix] = binding.addresses4.map { .v4($0) } + binding.addresses6.map { .v6($0) } + binding.linkLocals.map { IPPrefix(.v6($0)) }
        let reserved = bridge.reserved + bridge.gateways.map { IPPrefix($0) }
        for address in own {
            if let other = reserved.first(where: { $0.overlaps(address) }) {
                throw .refused("\(other) is reserved on bridge \(bridge.name): give guest \(binding.guest) another address")
            }
            for case .delivery(let holder, let held) in filters.rules where holder != port && held.overlaps(address) {
                guard let link = try Self.link(holder) else {
                    guard filters.names(anUplinkOf: bridge, for: holder) else { continue }
                    guard filters.attached.contains(holder) || Self.isCard(holder, binding, filters) else {
                        throw .refused(
                            "\(address) is kept for the policy's port \(holder), which isn't there: 'vifguard detach \(holder)' first, or give guest \(binding.guest) another address"
                        )
                    }
                    departed.insert(holder)
                    continue
                }
                if try Self.isPort(link, of: bridge, filters) {
                    throw .refused("\(address) is \(holder)'s: 'vifguard detach \(holder)' first, or give guest \(binding.guest) another address")
                }
            }
        }
        if let mac = binding.macs.first(where: (bridge.gatewayMACs + bridge.reservedMACs).contains) {
            throw .refused("MAC \(mac) is reserved on bridge \(bridge.name): give guest \(binding.guest) another")
        }
    }

    /// nil: it is gone.
    static func link(_ name: String) throws(ClassicError) -> Link? {
        do throws(NetlinkError) { return try Link.named(name) } catch {
            guard error.errno == ENODEV else { throw .network(error) }
            return nil
        }
    }

    private static func isPort(_ link: Link, of bridge: BridgePolicy, _ filters: FilterState) throws(ClassicError) -> Bool {
        if let master = link.bridge { return try ClassicError.wrap { () throws(NetlinkError) in try Link.numbered(master) }.name == bridge.name }
        return filters.names(anUplinkOf: bridge, for: link.name)
    }

    /// Whether the port had the guest's own card: a tap that `apply` had found, before the guest was started anew.
    private static func isCard(_ port: String, _ binding: Binding, _ filters: FilterState) -> Bool {
        filters.rules.contains { if case .repliesFrom(port, _, let mac) = $0 { binding.macs.contains(mac) } else { false } }
    }
}
