import Addresses
import Datapath
import Netlink
import Policy

extension HostState {
    /// Looks at the calling thread's network namespace.
    ///
    /// - Parameter datapath: nil where nothing is loaded.
    /// - Throws: `EnforcementError`.
    public static func observe(datapath: Datapath?) throws(EnforcementError) -> HostState {
        let links = try EnforcementError.wrap(Link.all)
        let guarded = try EnforcementError.wrap { () throws(DatapathError) in try datapath.map(guardedPorts) ?? [] }
        let addresses = try EnforcementError.wrap { () throws(NetlinkError) in try InterfaceAddress.all() }
        let isBorn = try EnforcementError.wrap { () throws(NetlinkError) in try InterfaceSetting.disableIPv6.value(for: "default") }
        let numbers = Set(guarded.map(\.port.index))
        var state = HostState(guarded: guarded, isBornWithoutIPv6: isBorn ?? 0 != 0, time: Datapath.bootTime)
        for link in links {
            // Every other interface's setting is nobody's business here, and a thousand of them take time to read.
            let isOfInterest = link.bridge != nil || numbers.contains(link.index)
            state.interfaces[link.index] = try Interface(link, readingIPv6: isOfInterest)
        }
        for link in links where link.isBridge {
            state.bridges[link.index] = try BridgeDevice(link, links, addresses, datapath)
        }
        return state
    }

    private static func guardedPorts(_ datapath: Datapath) throws(DatapathError) -> [GuardedPort] {
        try datapath.ports().map { status throws(DatapathError) in try GuardedPort(status, datapath) }
    }
}

extension Datapath {
    /// One guarded interface; nil if it has no record.
    func guardedPort(_ index: InterfaceIndex) throws(DatapathError) -> HostState.GuardedPort? {
        try port(index, withTraffic: false).map { status throws(DatapathError) in try HostState.GuardedPort(status, self) }
    }
}

extension HostState.GuardedPort {
    fileprivate init(_ status: PortStatus, _ datapath: Datapath) throws(DatapathError) {
        self.init(
            port: status.port, kind: status.kind, binding: status.binding, leases: status.leases, mode: status.mode,
            broadcasts: status.broadcasts, hooks: Set(try datapath.attachments(of: status.port.index).keys))
    }
}

extension HostState.Interface {
    init(_ link: Link, readingIPv6: Bool) throws(EnforcementError) {
        self.init(
            index: link.index, name: link.name, macAddress: link.macAddress, bridge: link.bridge,
            settings: BridgePort(link)?.settings ?? BridgePort.Settings())
        guard readingIPv6 else { return }
        isWithoutIPv6 = try EnforcementError.wrap { () throws(NetlinkError) in
            try InterfaceSetting.disableIPv6.value(for: link.name).map { $0 != 0 }
        }
    }
}

extension HostState.BridgeDevice {
    init(_ link: Link, _ links: [Link], _ addresses: [InterfaceAddress], _ datapath: Datapath?) throws(EnforcementError) {
        // What the host speaks with on this bridge: the bridge's own interface, and VLANs and the like on top of it.
        let stack = links.filter { $0.index == link.index || ($0.peer == link.index && $0.peerNamespace == nil && $0.kind != "veth") }
        let numbers = Set(stack.map(\.index))
        self.init(
            index: link.index, name: link.name, hasNoLinkLocalLearning: Bridge(link)?.settings.noLinkLocalLearning,
            hostAddresses: addresses.filter { numbers.contains($0.interface) }.map(\.address),
            hostMACs: Array(Set(stack.compactMap(\.macAddress))).sorted())
        forwarding = try Self.forwarding(of: link.index)
        guard let datapath else { return }
        owners = try EnforcementError.wrap { () throws(DatapathError) in try datapath.owners(bridge: link.index) }
    }

    /// A bridge as far as one interface goes, which may be a port of it.
    ///
    /// - Parameter owners: those entries that matter to it.
    init(_ link: Link, with port: Link, owners: BridgeOwners) throws(EnforcementError) {
        self.init(
            index: link.index, name: link.name, hasNoLinkLocalLearning: Bridge(link)?.settings.noLinkLocalLearning,
            forwarding: port.bridge == link.index ? try Self.forwarding(of: link.index, on: port.index) : [], owners: owners)
    }

    static func forwarding(
        of bridge: InterfaceIndex, on port: InterfaceIndex? = nil
    ) throws(EnforcementError) -> Set<HostState.ForwardingEntry> {
        let entries = try EnforcementError.wrap { () throws(NetlinkError) in try ForwardingDatabase.entries(of: bridge, on: port) }
        return Set(entries.compactMap(HostState.ForwardingEntry.init))
    }
}

extension HostState.ForwardingEntry {
    fileprivate init?(_ entry: ForwardingDatabase.Entry) {
        guard entry.lifetime != .local, entry.vlan == nil, !entry.isExternallyLearned else { return nil }
        self.init(
            mac: entry.macAddress, port: entry.port, entry.lifetime == .learned ? .learned : entry.isSticky ? .sticky : .fixed)
    }
}
