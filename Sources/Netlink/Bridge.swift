import CLinux

/// A bridge's own settings: IFLA_BR_… (`ip -d link show dev br0`).
public struct Bridge: Hashable, Sendable {
    public let index: InterfaceIndex
    public let name: String
    public let settings: Settings

    /// Every field is optional: when read, nil means that this kernel doesn't know it; when written, leave it alone.
    public struct Settings: Hashable, Sendable {
        public var spanningTree: Bool?
        public var vlanFiltering: Bool?
        public var multicastSnooping: Bool?
        public var multicastQuerier: Bool?
        /// Whether bridged frames run through iptables, ip6tables and arptables (br_netfilter).
        public var callsIPTables: Bool?
        public var callsIP6Tables: Bool?
        public var callsARPTables: Bool?
        /// Which of the groups 01:80:c2:00:00:0X are forwarded, one bit each.
        public var groupForwardMask: UInt16?
        /// Learn no MAC from frames to 01:80:c2:00:00:0x (BR_BOOLOPT_NO_LL_LEARN).
        public var noLinkLocalLearning: Bool?
        /// How long a port stays in each of listening and learning, in hundredths of a second; with the spanning
        /// tree on, the kernel takes 200 to 3000.
        public var forwardDelay: UInt32?
        /// How long a learned entry lives without traffic, in hundredths of a second.
        public var ageingTime: UInt32?

        public init() {}
    }

    /// Every bridge of the calling thread's namespace.
    public static func all() throws(NetlinkError) -> [Bridge] {
        try Link.all().compactMap(Bridge.init)
    }

    /// - Throws: `NetlinkError` if there is no such interface or it is no bridge.
    public static func named(_ name: String) throws(NetlinkError) -> Bridge {
        guard let bridge = Bridge(try Link.named(name)) else {
            let why = "it is no bridge; 'ip link show type bridge' lists those here"
            throw NetlinkError(action: "look at the bridge", interface: name, cause: .invalid(why))
        }
        return bridge
    }

    /// nil if the interface is no bridge.
    public init?(_ link: Link) {
        guard link.isBridge else { return nil }
        index = link.index
        name = link.name
        settings = Settings(NetlinkAttributes(link.kindData))
    }

    /// Writes those of the wanted settings that differ from what this bridge was read with, if any.
    ///
    /// - Returns: what was written; empty if all was as wanted.
    /// - Throws: `NetlinkError`; the kernel may have taken over some.
    @discardableResult
    public func write(_ wanted: Settings) throws(NetlinkError) -> Settings {
        let differing = wanted.subtracting(settings)
        guard differing != Settings() else { return differing }
        var message = NetlinkMessage(type: RTM_NEWLINK, header: Link.header(for: index))
        message.nest(IFLA_LINKINFO) {
            $0.append(IFLA_INFO_KIND, string: "bridge")
            $0.nest(IFLA_INFO_DATA) { differing.encode(into: &$0) }
        }
        try NetlinkSocket().perform(NetlinkRequest(message, action: "change the settings of bridge", interface: name))
        return differing
    }
}

extension Bridge.Settings {
    typealias ByteSwitch = WritableKeyPath<Self, Bool?> & Sendable
    typealias Duration = WritableKeyPath<Self, UInt32?> & Sendable

    private static let byteSwitches: [(attribute: Int, field: any ByteSwitch)] = [
        (IFLA_BR_VLAN_FILTERING, \.vlanFiltering), (IFLA_BR_MCAST_SNOOPING, \.multicastSnooping),
        (IFLA_BR_MCAST_QUERIER, \.multicastQuerier), (IFLA_BR_NF_CALL_IPTABLES, \.callsIPTables),
        (IFLA_BR_NF_CALL_IP6TABLES, \.callsIP6Tables), (IFLA_BR_NF_CALL_ARPTABLES, \.callsARPTables),
    ]
    private static let durations: [(attribute: Int, field: any Duration)] = [
        (IFLA_BR_FORWARD_DELAY, \.forwardDelay), (IFLA_BR_AGEING_TIME, \.ageingTime),
    ]
    private static let noLinkLocalLearningBit = UInt32(1) << UInt32(BR_BOOLOPT_NO_LL_LEARN.rawValue)

    init(_ attributes: NetlinkAttributes) {
        for attribute in attributes {
            if let field = Self.byteSwitches.first(where: { $0.attribute == attribute.type })?.field {
                self[keyPath: field] = attribute.uint8.map { $0 != 0 }
            } else if let field = Self.durations.first(where: { $0.attribute == attribute.type })?.field {
                self[keyPath: field] = attribute.uint32
            } else if attribute.type == IFLA_BR_STP_STATE {
                spanningTree = attribute.uint32.map { $0 != 0 }
            } else if attribute.type == IFLA_BR_GROUP_FWD_MASK {
                groupForwardMask = attribute.uint16
            } else if attribute.type == IFLA_BR_MULTI_BOOLOPT, let options = attribute.value(as: br_boolopt_multi.self),
                options.optmask & Self.noLinkLocalLearningBit != 0
            {
                noLinkLocalLearning = options.optval & Self.noLinkLocalLearningBit != 0
            }
        }
    }

    func encode(into message: inout NetlinkMessage) {
        for (attribute, field) in Self.byteSwitches {
            if let value = self[keyPath: field] { message.append(attribute, UInt8(value ? 1 : 0)) }
        }
        for (attribute, field) in Self.durations {
            if let value = self[keyPath: field] { message.append(attribute, value) }
        }
        if let groupForwardMask { message.append(IFLA_BR_GROUP_FWD_MASK, groupForwardMask) }
        if let spanningTree { message.append(IFLA_BR_STP_STATE, UInt32(spanningTree ? 1 : 0)) }
        if let noLinkLocalLearning {
            let bit = Self.noLinkLocalLearningBit
            message.append(IFLA_BR_MULTI_BOOLOPT, br_boolopt_multi(optval: noLinkLocalLearning ? bit : 0, optmask: bit))
        }
    }

    /// Those that are set here and differ from `present`.
    public func subtracting(_ present: Self) -> Self {
        var difference = self
        for (_, field) in Self.byteSwitches where self[keyPath: field] == present[keyPath: field] {
            difference[keyPath: field] = nil
        }
        for (_, field) in Self.durations where self[keyPath: field] == present[keyPath: field] {
            difference[keyPath: field] = nil
        }
        if groupForwardMask == present.groupForwardMask { difference.groupForwardMask = nil }
        if spanningTree == present.spanningTree { difference.spanningTree = nil }
        if noLinkLocalLearning == present.noLinkLocalLearning { difference.noLinkLocalLearning = nil }
        return difference
    }
}
