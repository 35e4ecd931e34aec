import Addresses
import Datapath
import Glibc
import Netlink
import Policy

/// What a hypervisor's hot-plug script does with a port that it is given bare, as one: nothing comes between the steps.
extension Hotplug {
    /// A port as the hypervisor has made it, and what it is to be.
    public struct Plug: Sendable, Hashable {
        /// The interface's name now.
        public var port: String
        /// The name it is to have; nil: it keeps its own.
        public var name: String?
        /// In bytes; nil: the bridge's.
        public var mtu: UInt32?

        public init(_ port: String, renamedTo name: String? = nil, mtu: UInt32? = nil) {
            self.port = port
            self.name = name
            self.mtu = mtu
        }
    }

    /// What came of it.
    public struct Plugged: Sendable, Hashable {
        /// The interface's name from now on.
        public var port: String
        /// In bytes.
        public var mtu: UInt32
        /// What wasn't as it was asked for, and doesn't matter to the guard.
        public var warnings: [String]
    }

    /// Numerically the largest address that is no group's: the bridge, which takes the smallest of its ports', never
    /// chooses it.
    static let portMAC = MACAddress(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff)

    /// Binds a port and puts it into its bridge. From when it is looked at until all is in place it is down and in no
    /// bridge: frames that its guest has queued wait, and the first of them is judged by the binding.
    ///
    /// The order: down and out of any bridge; name; address; no IPv6 on the port itself; programs, record and owners; into
    /// the bridge; forwarding entries and the port's flags; MTU; up.
    ///
    /// - Parameters:
    ///   - bridge: as the policy has it; guarded already.
    /// - Throws: `EnforcementError`; the port is down then, in no bridge, and bound to nobody.
    public static func plug(
        _ plug: Plug, into bridge: BridgePolicy, _ binding: Binding, datapath: Datapath, way: AttachmentWay? = nil
    ) throws(EnforcementError) -> Plugged {
        try HostLock.run(datapath.pins) { () throws(EnforcementError) in
            try refuseUplink(plug.name ?? plug.port, of: bridge)
            let link = try find(plug, binding, datapath)
            try refuseTrusted(link, datapath)
            do throws(EnforcementError) {
                return try put(link, plug, into: bridge.name) { link throws(EnforcementError) in
                    try demandSuccess(of: bind(link, to: bridge, binding, datapath, way))
                }
            } catch {
                shut(link.index)
                try? letGo(of: link.index, datapath)
                throw error
            }
        }
    }

    /// The same for another engine than ours.
    ///
    /// - Parameters:
    ///   - bridge: as the policy has it.
    ///   - guarding: holds the guest to its binding; called while the port has its name, is down and in no bridge.
    ///   - letting: takes that back.
    /// - Throws: `EnforcementError`; the port is down then, in no bridge, and guarded no more.
    public static func plug(
        _ plug: Plug, into bridge: BridgePolicy, guarding: (_ port: String) throws(EnforcementError) -> Void,
        letting: (_ port: String) -> Void
    ) throws(EnforcementError) -> Plugged {
        try refuseUplink(plug.name ?? plug.port, of: bridge)
        guard let link = try present(plug.port) else { throw missing(plug) }
        try refuseOthers(link)
        if let name = plug.name, let other = try present(name), other.index != link.index { throw collision(plug.port, other) }
        do throws(EnforcementError) {
            return try put(link, plug, into: bridge.name) { link throws(EnforcementError) in
                if link.bridge == nil { try guarding(link.name) }
            }
        } catch {
            shut(link.index)
            // By the name that it has now: another interface may have the one that it was to get.
            letting((try? Link.numbered(link.index))?.name ?? plug.port)
            throw error
        }
    }

    /// Takes a port down and out of its bridge. One that is gone already is fine.
    public static func shut(_ name: String) throws(EnforcementError) {
        guard let link = try present(name) else { return }
        try refuseOthers(link)
        shut(link.index)
    }

    /// Takes a port down, out of its bridge, and its binding away. One that is gone already is fine: what is known of it by
    /// its name is forgotten.
    ///
    /// - Parameter datapath: nil where nothing is loaded.
    public static func unplug(_ name: String, datapath: Datapath?) throws(EnforcementError) {
        guard let datapath else {
            if let link = try present(name) { shut(link.index) }
            return
        }
        try HostLock.run(datapath.pins) { () throws(EnforcementError) in
            guard let link = try present(name) else {
                _ = try forget(name, of: nil, datapath)
                return
            }
            try refuseTrusted(link, datapath)
            shut(link.index)
            try letGo(of: link.index, datapath)
        }
    }

    // MARK: Steps

    private static func put(
        _ link: Link, _ plug: Plug, into bridge: String, bind: (Link) throws(EnforcementError) -> Void
    ) throws(EnforcementError) -> Plugged {
        let index = link.index
        let device = try EnforcementError.wrap { () throws(NetlinkError) in try Link.named(bridge) }
        try change(index, plug.port, [.down])
        if link.master != nil { try change(index, plug.port, [.noMaster]) }
        if let name = plug.name, name != link.name { try change(index, plug.port, [.name(name)]) }
        try change(index, plug.name ?? plug.port, [.macAddress(portMAC)])
        let bare = try EnforcementError.wrap { () throws(NetlinkError) in try Link.numbered(index) }
        try EnforcementError.wrap { () throws(NetlinkError) in
            guard try InterfaceSetting.disableIPv6.value(for: bare.name) == 0 else { return }
            try InterfaceSetting.disableIPv6.set(1, for: bare.name)
        }
        try bind(bare)
        try change(index, bare.name, [.master(device.index)])
        let enslaved = try EnforcementError.wrap { () throws(NetlinkError) in try Link.numbered(index) }
        try bind(enslaved)
        var plugged = Plugged(port: bare.name, mtu: plug.mtu ?? device.mtu, warnings: [])
        do throws(EnforcementError) {
            try change(index, bare.name, [.mtu(plugged.mtu)])
        } catch {
            plugged.warnings.append("\(error)")
            plugged.mtu = enslaved.mtu
        }
        try change(index, bare.name, [.up])
        return plugged
    }

    /// The port, which an earlier call may have renamed already: it is that guest's by the record then.
    private static func find(_ plug: Plug, _ binding: Binding, _ datapath: Datapath) throws(EnforcementError) -> Link {
        let renamed = try plug.name.flatMap { name throws(EnforcementError) in try present(name) }
        if let link = try present(plug.port) {
            guard let renamed, renamed.index != link.index else { return link }
            throw collision(plug.port, renamed)
        }
        let record = try EnforcementError.wrap { () throws(DatapathError) in
            try renamed.flatMap { link throws(DatapathError) in try datapath.guardedPort(link.index) }
        }
        guard let renamed, let record, record.isCompanion(of: binding, on: record.port.bridgeIndex) else {
            throw missing(plug)
        }
        return renamed
    }

    private static func collision(_ port: String, _ other: Link) -> EnforcementError {
        .refused("\(port) can't be called \(other.name): another interface is already; give the guest's card another vifname")
    }

    private static func missing(_ plug: Plug) -> EnforcementError {
        .refused("there is no interface \(plug.port): the hypervisor makes it before it calls; 'ip link' lists those here")
    }

    private static func present(_ name: String) throws(EnforcementError) -> Link? {
        try present { () throws(NetlinkError) in try Link.named(name) }
    }

    /// A name that a hypervisor's files give mustn't lead to what isn't a guest's.
    private static func refuseTrusted(_ link: Link, _ datapath: Datapath) throws(EnforcementError) {
        let record = try EnforcementError.wrap { () throws(DatapathError) in try datapath.port(link.index, withTraffic: false) }
        if let record, record.kind != .guest {
            throw .refused("\(link.name) is the \(record.kind.name)'s side of bridge \(record.port.bridgeName), and no guest's port")
        }
        try refuseOthers(link)
    }

    private static func refuseOthers(_ link: Link) throws(EnforcementError) {
        guard !link.isBridge, !link.isLoopback else { throw .refused("\(link.name) is a \(link.kind ?? "loopback") interface, and no guest's port") }
    }

    private static func change(_ index: InterfaceIndex, _ name: String, _ changes: [Link.Change]) throws(EnforcementError) {
        try EnforcementError.wrap { () throws(NetlinkError) in
            try NetlinkSocket().perform(Link.request(changing: index, named: name, changes))
        }
    }

    private static func demandSuccess(of report: Report) throws(EnforcementError) {
        let reasons = (report.failures + report.departed).map(\.description) + report.plan.faults.map(\.description)
        if let reason = reasons.first { throw .refused(reason) }
    }

    /// Whatever else goes wrong, each of the two is tried: down, nothing passes.
    private static func shut(_ index: InterfaceIndex) {
        try? Link.change(index, .down)
        try? Link.change(index, .noMaster)
    }

    private static func letGo(of index: InterfaceIndex, _ datapath: Datapath) throws(EnforcementError) {
        let record = try EnforcementError.wrap { () throws(DatapathError) in try datapath.port(index, withTraffic: false) }
        guard let record else { return }
        let steps = try disown([record], datapath) + [.release(record.port, kind: .guest, .left)]
        let report = try Apply.carryOut(Plan(steps: steps), on: HostState(), datapath: datapath)
        try demandSuccess(of: report)
        try pinLast(besides: record, datapath)
    }
}
