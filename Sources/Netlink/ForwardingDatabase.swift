import Addresses
import CLinux
import Glibc

/// A bridge's forwarding database: which MAC lives behind which port (`bridge fdb`).
public enum ForwardingDatabase {
    public struct Entry: Hashable, Sendable {
        public let bridge: InterfaceIndex
        /// The port, or the bridge itself for its own addresses.
        public let port: InterfaceIndex
        public let macAddress: MACAddress
        /// nil outside of any VLAN.
        public let vlan: UInt16?
        public let lifetime: Lifetime
        /// Stays on its port whatever source addresses others see (NTF_STICKY).
        public let isSticky: Bool
        /// Another program keeps this entry up to date (NTF_EXT_LEARNED).
        public let isExternallyLearned: Bool
    }

    public enum Lifetime: Hashable, Sendable {
        /// The address of the port or the bridge itself: frames to it go to the host (NUD_PERMANENT).
        case local
        /// Doesn't age, but moves to another learning port unless sticky (NUD_NOARP).
        case fixed
        /// Learned; ages (NUD_REACHABLE, NUD_STALE).
        case learned
    }

    /// The entries of one bridge.
    ///
    /// - Parameter port: those of this port alone. The kernel walks through all entries once for every port it is asked
    ///   about (net/core/rtnetlink.c, rtnl_fdb_dump), so a large bridge takes a thousand times as long as one of its ports.
    public static func entries(of bridge: InterfaceIndex, on port: InterfaceIndex? = nil) throws(NetlinkError) -> [Entry] {
        // bridge fdb show br … [brport …]
        var message = NetlinkMessage(type: RTM_GETNEIGH, header: header(for: port ?? 0))
        message.append(NDA_MASTER, bridge)
        let request = NetlinkRequest(message, action: "read the forwarding database of bridge", interface: Link.label(bridge))
        // What was asked for, checked once more: an older kernel ignores the filters.
        return try NetlinkSocket().dump(request).compactMap(Entry.init).filter { $0.bridge == bridge && (port == nil || $0.port == port) }
    }

    /// Writes a static, sticky entry for each MAC on the port, in place of any that is there, on whichever port
    /// (`bridge fdb replace … dev … master static sticky`).
    ///
    /// - Throws: the first `NetlinkError`; the others were tried.
    public static func replaceSticky(_ addresses: [MACAddress], on port: InterfaceIndex) throws(NetlinkError) {
        let requests = addresses.map { request(replacing: $0, on: port) }
        if let error = try NetlinkSocket().performAll(requests).compactMap(\.self).first { throw error }
    }

    /// Removes the entry of a MAC from the port. None there is fine.
    public static func remove(_ address: MACAddress, from port: InterfaceIndex, vlan: UInt16? = nil) throws(NetlinkError) {
        var message = NetlinkMessage(type: RTM_DELNEIGH, header: header(for: port, flags: UInt32(CLINUX_NTF_MASTER)))
        message.append(NDA_LLADDR, bytes: address.bytes)
        if let vlan { message.append(NDA_VLAN, vlan) }
        let request = NetlinkRequest(message, action: "remove forwarding entry \(address) from", interface: Link.label(port))
        do throws(NetlinkError) {
            try NetlinkSocket().perform(request)
        } catch  where error.errno == ENOENT {
        }
    }

    /// The request behind `replaceSticky`, for `NetlinkSocket.performAll`.
    public static func request(replacing address: MACAddress, on port: InterfaceIndex) -> NetlinkRequest {
        let flags = UInt32(CLINUX_NTF_MASTER) | UInt32(CLINUX_NTF_STICKY)
        var message = NetlinkMessage(
            type: RTM_NEWNEIGH, flags: NLM_F_CREATE | NLM_F_REPLACE, header: header(for: port, state: NUD_NOARP, flags: flags))
        message.append(NDA_LLADDR, bytes: address.bytes)
        return NetlinkRequest(message, action: "write forwarding entry \(address) on", interface: Link.label(port))
    }

    private static func header(for port: InterfaceIndex, state: Int32 = 0, flags: UInt32 = 0) -> ndmsg {
        var header = ndmsg()
        header.ndm_family = UInt8(AF_BRIDGE)
        header.ndm_ifindex = Int32(bitPattern: port)
        header.ndm_state = UInt16(state)
        header.ndm_flags = UInt8(flags)
        return header
    }
}

extension ForwardingDatabase.Entry {
    /// nil for what isn't a bridge's entry: a card's own filter list comes in the same dump (NTF_SELF).
    init?(_ reply: NetlinkReply) {
        guard Int(reply.type) == RTM_NEWNEIGH, let header = reply.header(ndmsg.self), header.ndm_ifindex > 0,
            Int32(header.ndm_family) == AF_BRIDGE
        else { return nil }
        let attributes = reply.attributes(after: ndmsg.self)
        guard let address = (attributes[NDA_LLADDR]?.bytes).flatMap(MACAddress.init(bytes:)),
            let bridge = attributes[NDA_MASTER]?.uint32
        else { return nil }
        self.bridge = bridge
        port = InterfaceIndex(header.ndm_ifindex)
        macAddress = address
        vlan = attributes[NDA_VLAN]?.uint16
        lifetime =
            switch Int32(header.ndm_state) {
            case NUD_PERMANENT: .local
            case NUD_NOARP: .fixed
            default: .learned
            }
        isSticky = UInt32(header.ndm_flags) & UInt32(CLINUX_NTF_STICKY) != 0
        isExternallyLearned = UInt32(header.ndm_flags) & UInt32(CLINUX_NTF_EXT_LEARNED) != 0
    }
}
