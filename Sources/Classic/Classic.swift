import Addresses
import Enforcement
import Foundation
import Netlink
import Policy

/// The engine `classic`: the rules of the 2008 article in the FORWARD chains of iptables, ip6tables and arptables
/// (Documentation/classic.md). All that it knows is in the kernel. Each call takes a lock on the calling thread's network
/// namespace, looks, and changes what differs.
public enum Classic {
    /// Makes the chains match a policy. What `attach` has put in for a port that is there stays.
    ///
    /// - Throws: `ClassicError` where nothing could be looked at: a tool or br_netfilter is missing. Nothing is changed then.
    public static func apply(_ policy: HostPolicy, reportedMACs: [InterfaceIndex: MACAddress] = [:]) throws(ClassicError) -> ClassicReport {
        try change { filters throws(ClassicError) in
            try requireBridgeNetfilter(filters)
            return ClassicPlan(policy, on: try observeHost(reportedMACs), filters)
        }
    }

    /// What `apply` would do.
    public static func plan(_ policy: HostPolicy) throws(ClassicError) -> ClassicPlan {
        let filters = try observe()
        try requireBridgeNetfilter(filters)
        return ClassicPlan(policy, on: try observeHost([:]), filters)
    }

    /// What is in force.
    public static func observe() throws(ClassicError) -> FilterState { try FilterTools().observe() }

    /// Whether rules of the engine are there, as far as can be said without root or tools: for whoever puts the other engine in
    /// force. A kernel that has no table of arptables has none.
    public static var isInUse: Bool {
        guard let tables = try? String(contentsOfFile: "/proc/thread-self/net/arp_tables_names", encoding: .utf8), tables.contains("filter"),
            let filters = try? observe()
        else { return false }
        return !filters.rules.isEmpty || !filters.attached.isEmpty
    }

    /// Puts a guest's rules in for its port, in place of those that the port has. Call it before the port is up, so that it
    /// never has another's.
    ///
    /// - Parameter bridge: as the policy has it: its uplinks are named in rules, and what it reserves is refused.
    /// - Throws: `ClassicError.refused` where the bridge isn't guarded, for a port that is something else, for what the
    ///   engine can't do, and for an address that another port has, the policy keeps for one, or nobody may have; the port
    ///   keeps what it had then. Where a command failed the port is left without rules, and so shut.
    public static func attach(_ port: String, to bridge: BridgePolicy, _ binding: Binding) throws(ClassicError) -> ClassicReport {
        try change(orShut: port) { filters throws(ClassicError) in
            try refuse(port, bridge)
            let interface = GuestInterface(port: port, bridge: bridge.name, binding: binding)
            if let limitation = interface.classicRefusal(on: bridge, port: port) {
                throw .refused("\(limitation.message): write \(limitation.suggestion)")
            }
            try requireBridgeNetfilter(filters)
            guard filters.isGuarding else {
                throw .refused("nothing is guarded: FORWARD lets frames pass that no rule accepts; 'vifguard apply' first")
            }
            let wanted = Rule.all(of: port, binding, uplinks: bridge.uplinks)
            let present = filters.rules.filter { $0.port == port }
            var plan = ClassicPlan()
            for other in try Conflicts(port, bridge, binding, filters).departed { plan.remove(other, from: filters) }
            plan.commands += present.filter { !wanted.contains($0) }.map { .delete($0) }
            if !filters.attached.contains(port) { plan.commands.append(.mark(port)) }
            plan.commands += wanted.filter { !present.contains($0) }.map { .append($0) }
            return plan
        }
    }

    /// Takes a port's rules away, whoever put them in. A port that is gone already is fine.
    public static func detach(_ port: String) throws(ClassicError) -> ClassicReport {
        try change { filters in
            var plan = ClassicPlan()
            plan.remove(port, from: filters)
            return plan
        }
    }

    /// Takes the rules away that `attach` put in for ports that are gone: for hypervisors that don't say which port it was.
    public static func detachDeparted() throws(ClassicError) -> ClassicReport {
        try change { filters throws(ClassicError) in
            var plan = ClassicPlan()
            for port in filters.attached.sorted() where try Conflicts.link(port) == nil { plan.remove(port, from: filters) }
            return plan
        }
    }

    /// Opens the chains again, and takes the engine's rules out of them. Where nothing of it is there nothing is done:
    /// a chain that somebody else has shut stays shut.
    /// br_netfilter goes on sending bridged frames through iptables: who turned that on isn't known.
    public static func uninstall() throws(ClassicError) -> ClassicReport {
        try change { filters in
            var plan = ClassicPlan()
            guard filters.isOurs else { return plan }
            // First, so that nobody who may speak is cut off meanwhile.
            plan.commands = Filter.allCases.filter { filters.chains[$0]?.policy != "ACCEPT" }.map { .policy($0, "ACCEPT") }
            plan.commands += filters.rules.map { .delete($0) } + filters.attached.sorted().map { .unmark($0) }
            return plan
        }
    }

    // MARK: Under the lock

    /// - Parameter port: loses its rules where something failed.
    private static func change(
        orShut port: String? = nil, _ plan: (FilterState) throws(ClassicError) -> ClassicPlan
    ) throws(ClassicError) -> ClassicReport {
        let tools = try FilterTools()
        return try NamespaceLock.run { () throws(ClassicError) in
            let report = ClassicReport(carryingOut: try plan(try tools.observe()), with: tools)
            if !report.failures.isEmpty, let port {
                var shutting = ClassicPlan()
                shutting.remove(port, from: try tools.observe())
                _ = ClassicReport(carryingOut: shutting, with: tools)
            }
            return report
        }
    }

    private static func requireBridgeNetfilter(_ filters: FilterState) throws(ClassicError) {
        guard filters.hasBridgeNetfilter else {
            throw .refused(
                "the kernel has no br_netfilter, so bridged frames pass by iptables: 'modprobe br_netfilter', and name it in a file in /etc/modules-load.d for the next boot"
            )
        }
    }

    private static func observeHost(_ reportedMACs: [InterfaceIndex: MACAddress]) throws(ClassicError) -> HostState {
        do throws(EnforcementError) {
            var host = try HostState.observe(datapath: nil)
            host.reportedMACs = reportedMACs
            return host
        } catch { throw .enforcement(error) }
    }

    // MARK: What is refused

    private static func refuse(_ port: String, _ bridge: BridgePolicy) throws(ClassicError) {
        let link = try ClassicError.wrap { () throws(NetlinkError) in try Link.named(port) }
        if bridge.uplinks.contains(port) || link.isBridge {
            throw .refused("\(port) is \(link.isBridge ? "a bridge" : "an uplink of bridge \(bridge.name)"): only guests' ports are attached")
        }
        guard let master = link.bridge else { return }
        let device = try ClassicError.wrap { () throws(NetlinkError) in try Link.numbered(master) }
        guard device.name == bridge.name else { throw .refused("\(port) is a port of bridge \(device.name), not of \(bridge.name)") }
    }
}
