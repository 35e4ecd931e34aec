import Addresses
import CLinux
import Glibc

/// An address of an interface of this host (`ip address`), link-local ones included.
public struct InterfaceAddress: Hashable, Sendable {
    public let interface: InterfaceIndex
    public let address: IPAddress
    /// In bits: how much of the address names the subnet.
    public let prefixLength: Int
    /// Not usable yet: duplicate address detection is running, or has found another owner.
    public let isTentative: Bool
    /// Duplicate address detection has found another owner.
    public let isDuplicate: Bool

    /// The addresses of one interface, or of all.
    public static func all(on interface: InterfaceIndex? = nil) throws(NetlinkError) -> [InterfaceAddress] {
        var header = ifaddrmsg()
        header.ifa_index = interface ?? 0
        let request = NetlinkRequest(
            NetlinkMessage(type: RTM_GETADDR, header: header), action: "list the addresses of",
            interface: interface.map(Link.label) ?? "all interfaces")
        let all = try NetlinkSocket().dump(request).compactMap(InterfaceAddress.init)
        return interface == nil ? all : all.filter { $0.interface == interface }
    }

    /// Gives the interface an address (`ip address add … nodad`). It is there already: fine.
    ///
    /// - Parameters:
    ///   - prefixLength: in bits; nil for the address alone (/32, /128).
    ///   - detectDuplicates: IPv6 only: ask first whether another has it, a second or so.
    public static func add(
        _ address: IPAddress, prefixLength: Int? = nil, to interface: InterfaceIndex, detectDuplicates: Bool = false
    ) throws(NetlinkError) {
        var message = try message(
            RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_REPLACE, address, prefixLength, interface, action: "add")
        if case .v6 = address, !detectDuplicates { message.append(Int(IFA_FLAGS), UInt32(IFA_F_NODAD)) }
        try NetlinkSocket().perform(
            NetlinkRequest(message, action: "add address \(address) to", interface: Link.label(interface)))
    }

    /// Takes an address from the interface (`ip address del`).
    ///
    /// - Throws: `NetlinkError`, with errno EADDRNOTAVAIL if it doesn't have it.
    public static func remove(
        _ address: IPAddress, prefixLength: Int? = nil, from interface: InterfaceIndex
    ) throws(NetlinkError) {
        let message = try message(RTM_DELADDR, flags: 0, address, prefixLength, interface, action: "remove")
        try NetlinkSocket().perform(
            NetlinkRequest(message, action: "remove address \(address) from", interface: Link.label(interface)))
    }

    private static func message(
        _ type: Int, flags: Int32, _ address: IPAddress, _ prefixLength: Int?, _ interface: InterfaceIndex, action: String
    ) throws(NetlinkError) -> NetlinkMessage {
        let width = address.bytes.count * 8
        let length = prefixLength ?? width
        guard (0...width).contains(length) else {
            throw NetlinkError(
                action: "\(action) address \(address) with", interface: Link.label(interface),
                cause: .invalid("a prefix has 0 to \(width) bits, not \(length)"))
        }
        var header = ifaddrmsg()
        header.ifa_family = address.family
        header.ifa_prefixlen = UInt8(length)
        header.ifa_index = interface
        var message = NetlinkMessage(type: type, flags: flags, header: header)
        message.append(Int(IFA_LOCAL), bytes: address.bytes)
        message.append(Int(IFA_ADDRESS), bytes: address.bytes)
        return message
    }

    init?(_ reply: NetlinkReply) {
        guard Int(reply.type) == RTM_NEWADDR, let header = reply.header(ifaddrmsg.self) else { return nil }
        let attributes = reply.attributes(after: ifaddrmsg.self)
        // On a point-to-point link IFA_ADDRESS is the peer's, and IFA_LOCAL ours.
        guard let own = attributes[Int(IFA_LOCAL)] ?? attributes[Int(IFA_ADDRESS)],
            let address = IPAddress(bytes: own.bytes), address.family == header.ifa_family
        else { return nil }
        interface = header.ifa_index
        self.address = address
        prefixLength = Int(header.ifa_prefixlen)
        let flags = attributes[Int(IFA_FLAGS)]?.uint32 ?? UInt32(header.ifa_flags)
        isDuplicate = flags & UInt32(IFA_F_DADFAILED) != 0
        isTentative = flags & UInt32(IFA_F_TENTATIVE | IFA_F_DADFAILED) != 0
    }
}

extension IPAddress {
    /// AF_INET or AF_INET6.
    var family: UInt8 {
        switch self {
        case .v4: UInt8(AF_INET)
        case .v6: UInt8(AF_INET6)
        }
    }
}
