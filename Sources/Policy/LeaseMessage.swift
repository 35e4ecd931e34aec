import Addresses
import Packets

/// A DHCP message between a guest and a server, out of the frame that carried it.
public struct LeaseMessage: Sendable, Hashable {
    enum Content: Hashable {
        case v4(DHCPv4Message)
        case v6(DHCPv6Message)
    }

    let content: Content
    /// The packet's.
    let source: IPAddress
    let destination: IPAddress
    /// DHCPv4's chaddr; of DHCPv6 the Ethernet source, which is the client's in what a client sends.
    let mac: MACAddress

    /// Nil for another frame, or one where it doesn't stand right behind the fixed header of IPv6, or in a fragment.
    public init?(_ frame: Frame) {
        if let ip = frame.ipv4 {
            guard ip.version == 4, ip.headerLength >= IPv4Header.fixedLength, !ip.isFragment, ip.proto == .udp,
                let datagram = UDPHeader(ip.payload), let message = DHCPv4Message(datagram.message), message.hardwareType == 1,
                message.hardwareLength == 6
            else { return nil }
            (content, source, destination, mac) = (.v4(message), .v4(ip.source), .v4(ip.destination), message.clientMAC)
        } else if let ip = frame.ipv6, let ethernet = frame.ethernet {
            guard ip.version == 6, ip.nextHeader == .udp, let datagram = UDPHeader(ip.payload), let message = DHCPv6Message(datagram.message)
            else { return nil }
            (content, source, destination, mac) = (.v6(message), .v6(ip.source), .v6(ip.destination), ethernet.source)
        } else {
            return nil
        }
    }

    /// What an answer gives: the prefixes whose owners decide about it.
    public var granted: [IPPrefix] {
        switch content {
        case .v4(let message):
            message.messageType == DHCPv4Message.acknowledgement && !message.yourAddress.isAny ? [.v4(IPv4Prefix(message.yourAddress))] : []
        case .v6(let message):
            message.type == DHCPv6Message.reply ? message.associations.flatMap(\.grants).map { .v6($0.prefix) } : []
        }
    }

    /// Whether an answer was sent in a way that nobody beyond the link's routers can send it to a guest, unless to what is
    /// the guest's already: to everybody, or to the very address that it gives (RFC 2131 4.1); of DHCPv6 to a link-local
    /// address (RFC 8415 18.4).
    var isAtHand: Bool {
        switch (content, destination) {
        case (.v4(let message), .v4(let destination)): destination == .broadcast || !destination.isAny && destination == message.yourAddress
        case (.v6, .v6(let destination)): destination.isLinkLocal
        default: false
        }
    }

    /// Whether it is DHCPv4's.
    public var isV4: Bool {
        switch content {
        case .v4: true
        case .v6: false
        }
    }
}

extension UDPHeader {
    /// What the length field says is there, as far as it is.
    fileprivate var message: Bytes { payload.prefix(Int(datagramLength) - Self.length) }
}
