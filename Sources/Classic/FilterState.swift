import Netlink
import Policy

/// What the kernel has of the three chains, and of what makes bridged frames go through them: all that there is to know of
/// the engine. No file says more.
public struct FilterState: Sendable, Hashable {
    public var chains: [Filter: ForwardChain]
    /// Ports whose rules `attach` has put in: `apply` leaves those alone. Each has an empty chain in iptables that nothing
    /// leads to, named after it, so that the kernel itself remembers it.
    public var attached: Set<String>
    /// Settings of br_netfilter that are off.
    public var settingsOff: Set<Filter>
    /// Whether the kernel can send bridged frames through iptables at all.
    public var hasBridgeNetfilter: Bool

    public init(
        chains: [Filter: ForwardChain], attached: Set<String> = [], settingsOff: Set<Filter> = [], hasBridgeNetfilter: Bool = true
    ) {
        self.chains = chains
        self.attached = attached
        self.settingsOff = settingsOff
        self.hasBridgeNetfilter = hasBridgeNetfilter
    }

    private static let prefix = "vifguard-"

    /// At most 24 bytes; a chain's name may have 28 (XT_EXTENSION_MAXNAMELEN in the kernel's x_tables.h).
    static func mark(of port: String) -> String { prefix + port }

    /// The ports whose marks `iptables -S` lists.
    static func attached(inListing listing: String) -> Set<String> {
        Set(
            listing.split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard words.count == 2, words[0] == "-N", words[1].hasPrefix(prefix) else { return nil }
                return String(words[1].dropFirst(prefix.count))
            })
    }

    public var rules: [Rule] { Filter.allCases.flatMap { chains[$0]?.rules ?? [] } }

    /// Whether a port's rules name one of a bridge's uplinks: by that a port is told that isn't on a bridge.
    func names(anUplinkOf bridge: BridgePolicy, for port: String) -> Bool {
        rules.contains { rule in rule.port == port && rule.uplink.map(bridge.uplinks.contains) == true }
    }

    /// Whether the engine is in force, or was: there are rules or marks of its own, or the three chains are as it leaves them
    /// where there is no guest. A chain that is shut may be anybody's.
    var isOurs: Bool {
        !rules.isEmpty || !attached.isEmpty || Filter.allCases.allSatisfy { chains[$0] == ForwardChain(policy: "DROP") }
    }

    /// Whether what no rule accepts is dropped, in all three.
    public var isGuarding: Bool { hasBridgeNetfilter && settingsOff.isEmpty && Filter.allCases.allSatisfy { chains[$0]?.policy == "DROP" } }
}
