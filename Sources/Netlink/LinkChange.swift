import Addresses
import CLinux

extension Link {
    /// What can be changed of an interface, or given to a new one.
    public enum Change: Hashable, Sendable {
        case up
        case down
        case name(String)
        case macAddress(MACAddress)
        /// Enslaves it to a bridge.
        case master(InterfaceIndex)
        /// Takes it out of its bridge.
        case noMaster
        /// In bytes.
        case mtu(UInt32)
    }

    /// What can be made. A tap is made by opening it: see `Tap`.
    public enum Kind: Hashable, Sendable {
        case bridge
        case dummy
        /// A pair: the other end has the name `peer`, or one that the kernel chooses, and lives in the network namespace
        /// of the descriptor `namespace` (of /proc/…/ns/net), or in this one.
        case veth(peer: String? = nil, namespace: Int32? = nil, macAddress: MACAddress? = nil)
        /// A card of its own on top of `parent`, in bridge mode.
        case macvlan(parent: InterfaceIndex)
    }

    /// Carries out the changes in one request (`ip link set … master … up`).
    ///
    /// - Throws: `NetlinkError`; the kernel may have carried out some of them.
    public func change(_ changes: Change...) throws(NetlinkError) {
        try NetlinkSocket().perform(Link.request(changing: index, named: name, changes))
    }

    /// As the method of that name, for an interface known by number alone.
    public static func change(_ index: InterfaceIndex, _ changes: Change...) throws(NetlinkError) {
        try NetlinkSocket().perform(request(changing: index, named: label(index), changes))
    }

    /// Makes an interface and gives it as it then is (`ip link add …`).
    ///
    /// - Throws: `NetlinkError`, with errno EEXIST if the name is taken.
    @discardableResult
    public static func create(_ name: String, _ kind: Kind, _ changes: Change...) throws(NetlinkError) -> Link {
        try checkName(name, action: "make interface")
        if case .veth(let peer?, _, _) = kind { try checkName(peer, action: "make interface") }
        try NetlinkSocket().perform(request(creating: name, kind, changes))
        return try named(name)
    }

    /// Removes the interface, and its peer if it is one of a pair (`ip link delete`).
    public func delete() throws(NetlinkError) {
        let message = NetlinkMessage(type: RTM_DELLINK, header: Link.header(for: index))
        try NetlinkSocket().perform(NetlinkRequest(message, action: "remove interface", interface: name))
    }

    /// Moves the interface into another network namespace, where it arrives down, with another number and without
    /// its addresses (`ip link set … netns …`).
    ///
    /// - Parameter namespace: a descriptor of that namespace (/proc/…/ns/net).
    public func move(toNamespace namespace: Int32) throws(NetlinkError) {
        var message = NetlinkMessage(type: RTM_SETLINK, header: Link.header(for: index))
        message.append(IFLA_NET_NS_FD, namespace)
        let action = "move to another network namespace the interface"
        try NetlinkSocket().perform(NetlinkRequest(message, action: action, interface: name))
    }

    /// The request behind `change`, for `NetlinkSocket.performAll`.
    public static func request(changing index: InterfaceIndex, named name: String, _ changes: [Change]) -> NetlinkRequest {
        var message = NetlinkMessage(type: RTM_SETLINK, header: header(for: index, applying: changes))
        message.append(changes)
        let words = changes.map(\.words).joined(separator: " and ")
        return NetlinkRequest(message, action: words, interface: name)
    }

    /// The request behind `create`, for `NetlinkSocket.performAll`.
    public static func request(creating name: String, _ kind: Kind, _ changes: [Change] = []) -> NetlinkRequest {
        var message = NetlinkMessage(
            type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, header: header(for: 0, applying: changes))
        message.append(IFLA_IFNAME, string: name)
        message.append(changes)
        if case .macvlan(let parent) = kind { message.append(IFLA_LINK, parent) }
        message.nest(IFLA_LINKINFO) { information in
            information.append(IFLA_INFO_KIND, string: kind.name)
            switch kind {
            case .bridge, .dummy: break
            case .veth(let peer, let namespace, let macAddress):
                information.nest(IFLA_INFO_DATA) { data in
                    data.nest(Int(VETH_INFO_PEER)) { end in
                        end.appendHeader(ifinfomsg())
                        if let peer { end.append(IFLA_IFNAME, string: peer) }
                        if let namespace { end.append(IFLA_NET_NS_FD, namespace) }
                        if let macAddress { end.append(IFLA_ADDRESS, bytes: macAddress.bytes) }
                    }
                }
            case .macvlan:
                information.nest(IFLA_INFO_DATA) { $0.append(Int(IFLA_MACVLAN_MODE), MACVLAN_MODE_BRIDGE.rawValue) }
            }
        }
        return NetlinkRequest(message, action: "make the \(kind.name)", interface: name)
    }

    private static func header(for index: InterfaceIndex, applying changes: [Change]) -> ifinfomsg {
        var header = header(for: index)
        let up = UInt32(IFF_UP)
        for change in changes {
            switch change {
            case .up: (header.ifi_flags, header.ifi_change) = (up, up)
            case .down: (header.ifi_flags, header.ifi_change) = (0, up)
            default: break
            }
        }
        return header
    }
}

extension Link.Kind {
    var name: String {
        switch self {
        case .bridge: "bridge"
        case .dummy: "dummy"
        case .veth: "veth"
        case .macvlan: "macvlan"
        }
    }
}

extension Link.Change {
    var words: String {
        switch self {
        case .up: "set up"
        case .down: "set down"
        case .name(let name): "rename to \(name)"
        case .macAddress(let address): "set to \(address) the MAC address of"
        case .master(let index): "make a port of interface \(index)"
        case .noMaster: "take out of its bridge"
        case .mtu(let bytes): "set to \(bytes) the MTU of"
        }
    }
}

extension NetlinkMessage {
    fileprivate mutating func append(_ changes: [Link.Change]) {
        for change in changes {
            switch change {
            case .up, .down: break  // said in the fixed header
            case .name(let name): append(IFLA_IFNAME, string: name)
            case .macAddress(let address): append(IFLA_ADDRESS, bytes: address.bytes)
            case .master(let index): append(IFLA_MASTER, index)
            case .noMaster: append(IFLA_MASTER, UInt32(0))
            case .mtu(let bytes): append(IFLA_MTU, bytes)
            }
        }
    }
}
