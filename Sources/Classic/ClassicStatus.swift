import Addresses
import Netlink

/// What is in force, port by port, as far as the rules tell.
public struct ClassicStatus: Sendable, Encodable {
    public struct Port: Sendable, Encodable {
        public var port: String
        /// MACs that its ARP replies may name.
        public var macs: [String]
        public var addresses: [String]
        public var uplinks: [String]
        public var rules: Int
        /// Whether `attach` put them in, and not the policy.
        public var isAttached: Bool

        private enum CodingKeys: String, CodingKey {
            case port, macs, addresses, uplinks, rules
            case isAttached = "attached"
        }
    }

    public var engine = "classic"
    /// Whether what no rule accepts is dropped.
    public var isGuarding: Bool
    /// What keeps it from that, in words.
    public var gaps: [String]
    public var ports: [Port]

    private enum CodingKeys: String, CodingKey {
        case engine, gaps, ports
        case isGuarding = "guarding"
    }

    public init(_ filters: FilterState) {
        isGuarding = filters.isGuarding
        gaps = filters.gaps
        let rules = Dictionary(grouping: filters.rules, by: \.port)
        ports = Set(rules.keys).union(filters.attached).sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }.map { name in
            let own = rules[name] ?? []
            return Port(
                port: name, macs: Set(own.compactMap(\.mac)).sorted().map(\.description),
                addresses: Set(own.compactMap(\.address)).sorted().map(\.description), uplinks: Set(own.compactMap(\.uplink)).sorted(),
                rules: own.count, isAttached: filters.attached.contains(name))
        }
    }
}

extension FilterState {
    /// Why not everything is dropped that no rule accepts, and what else accepts something.
    var gaps: [String] {
        var gaps: [String] = []
        if !hasBridgeNetfilter { gaps.append("the kernel has no br_netfilter: 'modprobe br_netfilter'") }
        for filter in Filter.allCases {
            if settingsOff.contains(filter) { gaps.append("\(filter.setting.name) is 0: bridged frames pass by \(filter.rawValue)") }
            guard let chain = chains[filter] else { continue }
            if chain.policy != "DROP" { gaps.append("FORWARD of \(filter.rawValue) has the policy \(chain.policy)") }
            for (number, text) in chain.foreign {
                gaps.append("FORWARD of \(filter.rawValue) has a rule that isn't the engine's, number \(number): \(text)")
            }
        }
        return gaps
    }
}

extension Rule {
    fileprivate var mac: MACAddress? { if case .repliesFrom(_, _, let mac) = self { mac } else { nil } }

    fileprivate var address: IPPrefix? {
        switch self {
        case .repliesFrom(_, let address, _): .v4(address)
        case .delivery(_, let address), .departure(_, _, let address): address
        case .requestsFrom, .requestsTo, .repliesTo: nil
        }
    }

    /// The uplink that it names.
    var uplink: String? {
        switch self {
        case .repliesTo(_, let uplink), .departure(_, let uplink, _): uplink
        case .requestsFrom, .requestsTo, .repliesFrom, .delivery: nil
        }
    }
}
