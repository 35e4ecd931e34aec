import Addresses
import Enforcement
import Netlink
import Policy

/// What makes the three FORWARD chains hold a policy's rules and nothing else: a function of the policy and of what was
/// observed. Where all matches there is nothing to do.
///
/// A chain that isn't shut yet is shut and emptied first, as the article does; one that is keeps whatever rule it is to
/// have. What is to go goes before what is to come, so no address has two ports at any moment. Bridged frames are sent
/// through the chains last of all: known guests lose nothing when a bridge is guarded for the first time.
public struct ClassicPlan: Sendable, Hashable, Encodable {
    public var commands: [FilterCommand] = []
    /// The settings of br_netfilter that are to be turned on.
    public var settings: [BridgeNetfilter] = []
    /// What can't be carried out; a guest's leaves its port without rules, and so shut.
    public var faults: [Fault] = []
    /// What is carried out, but may not be meant.
    public var warnings: [String] = []

    public var isEmpty: Bool { commands.isEmpty && settings.isEmpty }

    init() {}

    /// - Parameters:
    ///   - policy: one without what the engine can't do (`ClassicLimitation`): guests that ask for it are faults.
    ///   - host: as `HostState.observe(datapath: nil)` gives it.
    public init(_ policy: HostPolicy, on host: HostState, _ filters: FilterState) {
        let attached = filters.attached.filter { host.interface(named: $0) != nil }
        // Theirs are wanted as they are: also in a chain that is emptied.
        var seen: Set<Rule> = []
        let kept = filters.rules.filter { attached.contains($0.port) && seen.insert($0).inserted }
        warnings += Self.stripped(attached, kept)
        var wanted = kept
        for bridge in policy.bridges {
            let held = Self.deliveries(of: attached, on: bridge, host, filters)
            for (port, interface) in plugs(bridge, policy, on: host, attached) where !attached.contains(port) {
                if let limitation = interface.classicRefusal(on: bridge, port: port) {
                    faults.append(Fault(.guest(interface.binding.guest), "\(limitation.message): write \(limitation.suggestion)"))
                    continue
                }
                let rules = Rule.all(of: port, interface.binding, uplinks: bridge.uplinks)
                if let conflict = Self.conflict(rules, held, interface.binding.guest) {
                    faults.append(conflict)
                } else {
                    wanted += rules
                }
            }
        }
        for filter in Filter.allCases { makeRoom(filters.chains[filter], filter, for: Set(wanted)) }
        commands += filters.attached.subtracting(attached).sorted().map { .unmark($0) }
        let present = Set(Filter.allCases.filter { filters.chains[$0]?.policy == "DROP" }.flatMap { filters.chains[$0]?.rules ?? [] })
        commands += wanted.filter { !present.contains($0) }.map { .append($0) }
        settings = Filter.allCases.filter(filters.settingsOff.contains).map(\.setting)
    }

    /// Each of a bridge's interfaces that has a port, with that port's name. One that the policy names has its rules whether
    /// or not it is there yet.
    private mutating func plugs(
        _ bridge: BridgePolicy, _ policy: HostPolicy, on host: HostState, _ attached: Set<String>
    ) -> [(port: String, GuestInterface)] {
        let interfaces = policy.interfaces.filter { $0.bridge == bridge.name }
        guard let device = host.bridge(named: bridge.name) else {
            warnings.append("bridge \(bridge.name): \(Plan.missing(bridge.name, on: host))")
            return interfaces.compactMap { one in one.port.map { ($0, one) } }
        }
        let candidates = host.ports(of: device.index).filter { !bridge.uplinks.contains($0.name) }
        let taken = candidates.filter { attached.contains($0.name) }.map { ($0.index, "") }
        let plugs = Plugs(interfaces, candidates, device, host, occupied: Dictionary(taken, uniquingKeysWith: { $1 }))
        faults += plugs.faults
        warnings += plugs.warnings
        return zip(interfaces, plugs.ports).compactMap { interface, index in
            (interface.port ?? index.flatMap { host.interfaces[$0]?.name }).map { ($0, interface) }
        }
    }

    /// Tells of attached ports whose rules somebody has taken away in part: only who attached them knows which they were.
    private static func stripped(_ attached: Set<String>, _ kept: [Rule]) -> [String] {
        let delivered = Set(kept.compactMap { if case .delivery(let port, _) = $0 { port } else { nil } })
        let asking = Set(kept.compactMap { if case .requestsFrom(let port) = $0 { port } else { nil } })
        return attached.subtracting(delivered.intersection(asking)).sorted().map {
            "attached port \($0) has lost rules: attach it again, or 'vifguard detach \($0)' and leave it to the policy"
        }
    }

    /// What attached ports hold on a bridge.
    private static func deliveries(
        of attached: Set<String>, on bridge: BridgePolicy, _ host: HostState, _ filters: FilterState
    ) -> [(port: String, address: IPPrefix)] {
        let ports = attached.filter { name in
            guard let master = host.interface(named: name)?.bridge else { return filters.names(anUplinkOf: bridge, for: name) }
            return host.bridges[master]?.name == bridge.name
        }
        return filters.rules.compactMap {
            if case .delivery(let port, let address) = $0, ports.contains(port) { (port, address) } else { nil }
        }
    }

    /// Why a guest can't have its rules: an attached port has one of its addresses.
    private static func conflict(_ rules: [Rule], _ held: [(port: String, address: IPPrefix)], _ guest: String) -> Fault? {
        for case .delivery(_, let address) in rules {
            guard let holder = held.first(where: { $0.address.overlaps(address) }) else { continue }
            return Fault(
                .guest(guest), "\(address) is attached port \(holder.port)'s: 'vifguard detach \(holder.port)' first, or give it another address")
        }
        return nil
    }

    /// Shuts a chain, and takes out of it what isn't wanted.
    private mutating func makeRoom(_ chain: ForwardChain?, _ filter: Filter, for wanted: Set<Rule>) {
        guard let chain, chain.policy == "DROP" else {
            if let count = chain?.entries.count, count > 0 {
                let rules = "\(count) rule\(count == 1 ? "" : "s")"
                warnings.append("FORWARD of \(filter.rawValue) had \(rules): the chain is the engine's own, and is emptied")
            }
            commands += [.policy(filter, "DROP"), .flush(filter)]
            return
        }
        // By their numbers, from the end: the others keep theirs.
        for (number, text) in chain.foreign.reversed() {
            warnings.append("FORWARD of \(filter.rawValue) has a rule that isn't the engine's, which is removed: \(text)")
            commands.append(.delete(filter, number: number))
        }
        var seen: Set<Rule> = []
        commands += chain.rules.filter { !seen.insert($0).inserted || !wanted.contains($0) }.map { .delete($0) }
    }

    /// Takes a port's rules away.
    mutating func remove(_ port: String, from filters: FilterState) {
        commands += filters.rules.filter { $0.port == port }.map { .delete($0) }
        if filters.attached.contains(port) { commands.append(.unmark(port)) }
    }

    private enum CodingKeys: String, CodingKey { case commands, settings, faults, warnings }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(commands, forKey: .commands)
        try container.encode(settings.map(\.name), forKey: .settings)
        try container.encode(faults, forKey: .faults)
        try container.encode(warnings, forKey: .warnings)
    }
}
