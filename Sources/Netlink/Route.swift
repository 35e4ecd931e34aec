import Addresses
import CLinux

/// A unicast route of the main table (`ip route`).
public struct Route: Hashable, Sendable {
    /// Where it leads; nil for the default route.
    public let destination: IPPrefix?
    /// nil where the destination is on the link itself.
    public let gateway: IPAddress?
    /// nil for a route with several next hops.
    public let interface: InterfaceIndex?
    /// Whether it is an IPv6 route, which a default route without gateway doesn't show.
    public let isIPv6: Bool

    /// The unicast routes of the calling thread's namespace, of both families.
    public static func all() throws(NetlinkError) -> [Route] {
        let request = NetlinkRequest(NetlinkMessage(type: RTM_GETROUTE, header: rtmsg()), action: "list the routes")
        return try NetlinkSocket().dump(request).compactMap(Route.init)
    }

    /// Adds a route by a gateway (`ip route replace … via …`), in place of one there is.
    ///
    /// - Parameters:
    ///   - destination: nil for the default route.
    ///   - interface: needed where the gateway is a link-local address.
    /// - Throws: `NetlinkError`, with errno ENETUNREACH if the gateway is in no subnet of this host.
    public static func add(
        to destination: IPPrefix? = nil, via gateway: IPAddress, on interface: InterfaceIndex? = nil
    ) throws(NetlinkError) {
        var message = NetlinkMessage(
            type: RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_REPLACE, header: header(destination, family: gateway.family))
        if let destination { message.append(Int(RTA_DST.rawValue), bytes: destination.address.bytes) }
        message.append(Int(RTA_GATEWAY.rawValue), bytes: gateway.bytes)
        if let interface { message.append(Int(RTA_OIF.rawValue), interface) }
        let what = destination.map { "the route to \($0)" } ?? "the default route"
        try NetlinkSocket().perform(
            NetlinkRequest(message, action: "add \(what) via \(gateway)", interface: interface.map { "on \(Link.label($0))" }))
    }

    private static func header(_ destination: IPPrefix?, family: UInt8) -> rtmsg {
        var header = rtmsg()
        header.rtm_family = family
        header.rtm_dst_len = UInt8(destination?.length ?? 0)
        header.rtm_table = UInt8(RT_TABLE_MAIN.rawValue)
        header.rtm_protocol = UInt8(RTPROT_STATIC)
        header.rtm_scope = UInt8(RT_SCOPE_UNIVERSE.rawValue)
        header.rtm_type = UInt8(RTN_UNICAST)
        return header
    }

    init?(_ reply: NetlinkReply) {
        guard Int(reply.type) == RTM_NEWROUTE, let header = reply.header(rtmsg.self),
            UInt32(header.rtm_table) == RT_TABLE_MAIN.rawValue, Int(header.rtm_type) == Int(RTN_UNICAST)
        else { return nil }
        let attributes = reply.attributes(after: rtmsg.self)
        let length = Int(header.rtm_dst_len)
        isIPv6 = Int32(header.rtm_family) == AF_INET6
        switch (attributes[Int(RTA_DST.rawValue)]?.bytes).flatMap({ IPAddress(bytes: $0) }) {
        case .v4(let address): destination = IPv4Prefix(masking: address, length: length).map(IPPrefix.v4)
        case .v6(let address): destination = IPv6Prefix(masking: address, length: length).map(IPPrefix.v6)
        case nil: destination = nil
        }
        guard destination != nil || length == 0 else { return nil }
        gateway = (attributes[Int(RTA_GATEWAY.rawValue)]?.bytes).flatMap { IPAddress(bytes: $0) }
        interface = attributes[Int(RTA_OIF.rawValue)]?.uint32
    }
}
