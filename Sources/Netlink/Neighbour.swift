import Addresses
import CLinux
import Glibc

/// An entry of the ARP or neighbour cache (`ip neighbour`): who this host believes has an address.
public struct Neighbour: Hashable, Sendable {
    public let interface: InterfaceIndex
    public let address: IPAddress
    /// nil while it isn't known.
    public let macAddress: MACAddress?
    public let state: State
    /// It has said that it is a router (IPv6).
    public let isRouter: Bool

    /// RFC 4861's states, and the kernel's own (NUD_…).
    public enum State: Hashable, Sendable {
        case incomplete, reachable, stale, delay, probe, failed, noARP, permanent
        case other(UInt16)
    }

    /// The caches of both families, for one interface or all.
    public static func all(on interface: InterfaceIndex? = nil) throws(NetlinkError) -> [Neighbour] {
        var message = NetlinkMessage(type: RTM_GETNEIGH, header: ndmsg())
        if let interface { message.append(NDA_IFINDEX, interface) }
        let request = NetlinkRequest(
            message, action: "read the neighbour cache of", interface: interface.map(Link.label) ?? "all interfaces")
        let all = try NetlinkSocket().dump(request).compactMap(Neighbour.init)
        return interface == nil ? all : all.filter { $0.interface == interface }
    }

    /// Enters a neighbour for good (`ip neighbour replace … nud permanent`).
    public static func set(
        _ address: IPAddress, to macAddress: MACAddress, on interface: InterfaceIndex
    ) throws(NetlinkError) {
        var header = header(address, interface)
        header.ndm_state = UInt16(NUD_PERMANENT)
        var message = NetlinkMessage(type: RTM_NEWNEIGH, flags: NLM_F_CREATE | NLM_F_REPLACE, header: header)
        message.append(NDA_DST, bytes: address.bytes)
        message.append(NDA_LLADDR, bytes: macAddress.bytes)
        try NetlinkSocket().perform(
            NetlinkRequest(message, action: "enter neighbour \(address) on", interface: Link.label(interface)))
    }

    /// Forgets all neighbours of the interface but the permanent ones (`ip neighbour flush dev …`).
    public static func forgetAll(on interface: InterfaceIndex) throws(NetlinkError) {
        let requests = try all(on: interface).filter { $0.state != .permanent && $0.state != .noARP }.map { neighbour in
            var message = NetlinkMessage(type: RTM_DELNEIGH, header: header(neighbour.address, interface))
            message.append(NDA_DST, bytes: neighbour.address.bytes)
            return NetlinkRequest(message, action: "forget neighbour \(neighbour.address) on", interface: Link.label(interface))
        }
        let errors = try NetlinkSocket().performAll(requests).compactMap(\.self).filter { $0.errno != ENOENT }
        if let error = errors.first { throw error }
    }

    private static func header(_ address: IPAddress, _ interface: InterfaceIndex) -> ndmsg {
        var header = ndmsg()
        header.ndm_family = address.family
        header.ndm_ifindex = Int32(bitPattern: interface)
        return header
    }

    init?(_ reply: NetlinkReply) {
        guard Int(reply.type) == RTM_NEWNEIGH, let header = reply.header(ndmsg.self), header.ndm_ifindex > 0 else { return nil }
        let attributes = reply.attributes(after: ndmsg.self)
        guard let address = (attributes[NDA_DST]?.bytes).flatMap({ IPAddress(bytes: $0) }), address.family == header.ndm_family
        else { return nil }
        interface = InterfaceIndex(header.ndm_ifindex)
        self.address = address
        macAddress = (attributes[NDA_LLADDR]?.bytes).flatMap(MACAddress.init(bytes:))
        isRouter = UInt32(header.ndm_flags) & UInt32(CLINUX_NTF_ROUTER) != 0
        state =
            switch Int32(header.ndm_state) {
            case NUD_INCOMPLETE: .incomplete
            case NUD_REACHABLE: .reachable
            case NUD_STALE: .stale
            case NUD_DELAY: .delay
            case NUD_PROBE: .probe
            case NUD_FAILED: .failed
            case NUD_NOARP: .noARP
            case NUD_PERMANENT: .permanent
            default: .other(header.ndm_state)
            }
    }
}
