import Addresses
import CLinux

/// A network interface as the kernel describes it (RTM_NEWLINK), at the moment it was asked.
public struct Link: Hashable, Sendable {
    public let index: InterfaceIndex
    public let name: String
    /// nil for interfaces without an Ethernet-sized address (tunnels).
    public let macAddress: MACAddress?
    /// The bridge, bond or team this interface is enslaved to.
    public let master: InterfaceIndex?
    /// "bridge", "veth", "tun", "macvlan"…; nil for a physical device.
    public let kind: String?
    /// The kind of the master ("bridge", "bond"…); nil without one.
    public let portKind: String?
    /// In bytes.
    public let mtu: UInt32
    /// IFF_… of net_device_flags.
    public let flags: UInt32
    /// The other end of a veth, the parent of a macvlan; in `peerNamespace` if that is set.
    public let peer: InterfaceIndex?
    /// This namespace's number for the one the peer lives in (IFLA_LINK_NETNSID); nil for the same.
    public let peerNamespace: Int32?
    /// The settings of the kind, and of the port under its master: IFLA_INFO_DATA, IFLA_INFO_SLAVE_DATA.
    let kindData: ArraySlice<UInt8>
    let portData: ArraySlice<UInt8>

    /// An interface made by hand, for functions of values and their tests: no kernel has told of it.
    package init(index: InterfaceIndex, name: String, macAddress: MACAddress? = nil, bridge: InterfaceIndex? = nil) {
        (self.index, self.name, self.macAddress, master) = (index, name, macAddress, bridge)
        portKind = bridge == nil ? nil : "bridge"
        (kind, mtu, flags, peer, peerNamespace, kindData, portData) = (nil, 1500, 0, nil, nil, [], [])
    }

    /// Set up by the operator.
    public var isUp: Bool { flags & UInt32(IFF_UP) != 0 }
    /// Up, and with a carrier.
    public var isRunning: Bool { flags & UInt32(IFF_RUNNING) != 0 }
    public var isLoopback: Bool { flags & UInt32(IFF_LOOPBACK) != 0 }
    public var isBridge: Bool { kind == "bridge" }
    /// Whether `master` is a bridge.
    public var isBridgePort: Bool { bridge != nil }
    /// The bridge it is a port of.
    public var bridge: InterfaceIndex? { portKind == "bridge" ? master : nil }

    public static func == (left: Link, right: Link) -> Bool { left.identity == right.identity }
    public func hash(into hasher: inout Hasher) { hasher.combine(identity) }

    /// What makes two readings the same: all but the raw settings, and flags that come and go by themselves
    /// (promiscuous mode).
    private var identity: [AnyHashable?] { ownProperties + [master, portKind] }

    /// Those that joining or leaving a bridge doesn't change.
    var ownProperties: [AnyHashable?] { [index, name, macAddress, kind, mtu, isUp, isRunning, peer, peerNamespace] }
}

extension Link {
    /// Every interface of the calling thread's namespace (`ip link`).
    public static func all() throws(NetlinkError) -> [Link] {
        try all(on: NetlinkSocket())
    }

    static func all(on socket: NetlinkSocket) throws(NetlinkError) -> [Link] {
        var message = NetlinkMessage(type: RTM_GETLINK, header: ifinfomsg())
        message.append(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
        return try socket.dump(NetlinkRequest(message, action: "list the interfaces")).compactMap(Link.init)
    }

    /// The ports of a bridge, or of any other master (`ip link show master …`).
    public static func ports(of master: InterfaceIndex) throws(NetlinkError) -> [Link] {
        try all().filter { $0.master == master }
    }

    /// The interface of that name.
    ///
    /// - Throws: `NetlinkError`, with errno ENODEV if there is none here.
    public static func named(_ name: String) throws(NetlinkError) -> Link {
        let action = "look at interface"
        try checkName(name, action: action)
        var message = NetlinkMessage(type: RTM_GETLINK, header: ifinfomsg())
        message.append(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
        message.append(IFLA_IFNAME, string: name)
        return try one(NetlinkRequest(message, action: action, interface: name))
    }

    /// The interface of that number.
    ///
    /// - Throws: `NetlinkError`, with errno ENODEV if there is none here.
    public static func numbered(_ index: InterfaceIndex) throws(NetlinkError) -> Link {
        var message = NetlinkMessage(type: RTM_GETLINK, header: header(for: index))
        message.append(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
        return try one(NetlinkRequest(message, action: "look at", interface: label(index)))
    }

    private static func one(_ request: NetlinkRequest) throws(NetlinkError) -> Link {
        guard let link = Link(try NetlinkSocket().get(request)) else {
            throw request.failure(.malformedAnswer("it describes no interface"))
        }
        return link
    }

    /// "interface 7", for what is known by number alone.
    static func label(_ index: InterfaceIndex) -> String { "interface \(index)" }

    static func header(for index: InterfaceIndex, family: Int32 = AF_UNSPEC) -> ifinfomsg {
        var header = ifinfomsg()
        header.ifi_family = UInt8(family)
        header.ifi_index = Int32(bitPattern: index)
        return header
    }

    /// The kernel's own rule for names (dev_valid_name): 1 to 15 bytes, no '/', ':' or white space, not "." or "..".
    static func checkName(_ name: String, action: String) throws(NetlinkError) {
        let bytes = Array(name.utf8)
        let forbidden: Set<UInt8> = [0, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0xa0, 0x2f, 0x3a]
        guard (1..<Int(IFNAMSIZ)).contains(bytes.count), name != ".", name != "..", forbidden.isDisjoint(with: bytes) else {
            let why = "that is no interface's name; it has 1 to 15 bytes and no '/', ':' or white space"
            throw NetlinkError(action: action, interface: "'\(name)'", cause: .invalid(why))
        }
    }

    /// Reads an RTM_NEWLINK or RTM_DELLINK message; nil if it is another kind or holds no interface.
    init?(_ reply: NetlinkReply) {
        let type = Int(reply.type)
        guard type == RTM_NEWLINK || type == RTM_DELLINK, let header = reply.header(ifinfomsg.self), header.ifi_index > 0
        else { return nil }
        var name = ""
        var macAddress: MACAddress?
        var master: InterfaceIndex?
        var mtu: UInt32 = 0
        var peer: InterfaceIndex?
        var peerNamespace: Int32?
        var information = NetlinkAttributes([])
        for attribute in reply.attributes(after: ifinfomsg.self) {
            switch attribute.type {
            case IFLA_IFNAME: name = attribute.string
            case IFLA_ADDRESS: macAddress = MACAddress(bytes: attribute.bytes)
            case IFLA_MASTER: master = attribute.uint32.flatMap { $0 == 0 ? nil : $0 }
            case IFLA_MTU: mtu = attribute.uint32 ?? 0
            case IFLA_LINK: peer = attribute.uint32.flatMap { $0 == 0 ? nil : $0 }
            case IFLA_LINK_NETNSID: peerNamespace = attribute.int32
            case IFLA_LINKINFO: information = attribute.nested
            default: break
            }
        }
        guard !name.isEmpty else { return nil }
        self.index = InterfaceIndex(header.ifi_index)
        self.name = name
        self.macAddress = macAddress
        self.master = master
        self.mtu = mtu
        self.flags = header.ifi_flags
        self.peer = peer
        self.peerNamespace = peerNamespace
        self.kind = information[IFLA_INFO_KIND]?.string
        self.portKind = information[IFLA_INFO_SLAVE_KIND]?.string
        self.kindData = information[IFLA_INFO_DATA]?.bytes ?? []
        self.portData = information[IFLA_INFO_SLAVE_DATA]?.bytes ?? []
    }
}
