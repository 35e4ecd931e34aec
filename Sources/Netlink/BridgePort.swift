import CLinux

/// A port as its bridge sees it: IFLA_BRPORT_… (`bridge -d link show dev …`).
public struct BridgePort: Hashable, Sendable {
    public let index: InterfaceIndex
    public let name: String
    public let bridge: InterfaceIndex
    public let settings: Settings

    /// Every field is optional: when read, nil means that this kernel doesn't know it; when written, leave it alone.
    public struct Settings: Hashable, Sendable {
        /// Learn where source MACs live.
        public var learning: Bool?
        /// Send out of this port what is for MACs that nobody knows.
        public var unicastFlood: Bool?
        public var multicastFlood: Bool?
        public var broadcastFlood: Bool?
        /// Shut the port when a spanning tree message comes in.
        public var bpduGuard: Bool?
        /// Never become the root port.
        public var rootBlock: Bool?
        /// Frames between two isolated ports aren't forwarded.
        public var isolated: Bool?
        /// Frames may leave by the port they came in.
        public var hairpin: Bool?
        public var multicastFastLeave: Bool?
        public var multicastToUnicast: Bool?
        public var proxyARP: Bool?
        public var neighbourSuppression: Bool?
        /// Only source MACs with an entry on this port get in.
        public var locked: Bool?
        public var multicastRouter: MulticastRouter?
        public var state: State?

        public init() {}
    }

    /// The spanning tree's states (BR_STATE_…).
    public enum State: UInt8, Hashable, Sendable {
        case disabled, listening, learning, forwarding, blocking
    }

    /// Whether all multicast traffic goes to the port (MDB_RTR_TYPE_…).
    public enum MulticastRouter: UInt8, Hashable, Sendable {
        case never, whereQueried, always, temporarily
    }

    /// Every port of every bridge, or of one.
    public static func all(of bridge: InterfaceIndex? = nil) throws(NetlinkError) -> [BridgePort] {
        try Link.all().compactMap(BridgePort.init).filter { bridge == nil || $0.bridge == bridge }
    }

    /// - Throws: `NetlinkError` if there is no such interface or it is no bridge's port.
    public static func numbered(_ index: InterfaceIndex) throws(NetlinkError) -> BridgePort {
        let link = try Link.numbered(index)
        guard let port = BridgePort(link) else {
            throw NetlinkError(action: "look at the bridge port", interface: link.name, cause: .invalid("it is in no bridge"))
        }
        return port
    }

    /// nil if the interface was in no bridge.
    public init?(_ link: Link) {
        guard let master = link.bridge else { return nil }
        index = link.index
        name = link.name
        bridge = master
        settings = Settings(NetlinkAttributes(link.portData))
    }

    /// Writes those of the wanted settings that differ from what this port was read with, if any.
    ///
    /// - Returns: what was written; empty if all was as wanted.
    /// - Throws: `NetlinkError`; the kernel may have taken over some.
    @discardableResult
    public func write(_ wanted: Settings) throws(NetlinkError) -> Settings {
        let differing = wanted.subtracting(settings)
        guard let request = request(writing: differing) else { return differing }
        try NetlinkSocket().perform(request)
        return differing
    }

    /// The request that writes these settings, for `NetlinkSocket.performAll`; nil if there is nothing to write.
    public func request(writing settings: Settings) -> NetlinkRequest? {
        settings == Settings() ? nil : Self.request(writing: settings, to: index, named: name)
    }

    /// As the method of that name, for a port known by its number; `name` is for messages.
    public static func request(writing settings: Settings, to index: InterfaceIndex, named name: String) -> NetlinkRequest {
        var message = NetlinkMessage(type: RTM_SETLINK, header: Link.header(for: index, family: AF_BRIDGE))
        message.nest(IFLA_PROTINFO) { settings.encode(into: &$0) }
        return NetlinkRequest(message, action: "change the settings of bridge port", interface: name)
    }
}

extension BridgePort.Settings {
    typealias Switch = WritableKeyPath<Self, Bool?> & Sendable

    /// One byte each, 0 or 1.
    private static let switches: [(attribute: Int, field: any Switch)] = [
        (IFLA_BRPORT_LEARNING, \.learning), (IFLA_BRPORT_UNICAST_FLOOD, \.unicastFlood),
        (IFLA_BRPORT_MCAST_FLOOD, \.multicastFlood), (IFLA_BRPORT_BCAST_FLOOD, \.broadcastFlood),
        (IFLA_BRPORT_GUARD, \.bpduGuard), (IFLA_BRPORT_PROTECT, \.rootBlock), (IFLA_BRPORT_ISOLATED, \.isolated),
        (IFLA_BRPORT_MODE, \.hairpin), (IFLA_BRPORT_FAST_LEAVE, \.multicastFastLeave),
        (IFLA_BRPORT_MCAST_TO_UCAST, \.multicastToUnicast), (IFLA_BRPORT_PROXYARP, \.proxyARP),
        (IFLA_BRPORT_NEIGH_SUPPRESS, \.neighbourSuppression), (IFLA_BRPORT_LOCKED, \.locked),
    ]

    init(_ attributes: NetlinkAttributes) {
        for attribute in attributes {
            if let field = Self.switches.first(where: { $0.attribute == attribute.type })?.field {
                self[keyPath: field] = attribute.uint8.map { $0 != 0 }
            } else if attribute.type == IFLA_BRPORT_MULTICAST_ROUTER {
                multicastRouter = attribute.uint8.flatMap(BridgePort.MulticastRouter.init)
            } else if attribute.type == IFLA_BRPORT_STATE {
                state = attribute.uint8.flatMap(BridgePort.State.init)
            }
        }
    }

    func encode(into message: inout NetlinkMessage) {
        for (attribute, field) in Self.switches {
            if let value = self[keyPath: field] { message.append(attribute, UInt8(value ? 1 : 0)) }
        }
        if let multicastRouter { message.append(IFLA_BRPORT_MULTICAST_ROUTER, multicastRouter.rawValue) }
        if let state { message.append(IFLA_BRPORT_STATE, state.rawValue) }
    }

    /// Those that are set here and differ from `present`. What this kernel doesn't know (nil in `present`) stays, so
    /// that writing it fails where it was asked for.
    public func subtracting(_ present: Self) -> Self {
        var difference = self
        for (_, field) in Self.switches where self[keyPath: field] == present[keyPath: field] {
            difference[keyPath: field] = nil
        }
        if multicastRouter == present.multicastRouter { difference.multicastRouter = nil }
        if state == present.state { difference.state = nil }
        return difference
    }
}
