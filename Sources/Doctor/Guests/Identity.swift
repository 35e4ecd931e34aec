import Addresses
import Packets
import Policy

/// A MAC or an address that a frame says is its sender's.
enum Identity: Sendable, Hashable, Comparable, CustomStringConvertible {
    case mac(MACAddress)
    case address(IPAddress)

    var description: String {
        switch self {
        case .mac(let mac): mac.description
        case .address(let address): address.description
        }
    }

    /// Those reasons that are the use of an identity.
    static let reasons: Set<Reason> = [
        .macSource, .uplinkGuestMAC, .arpSenderIP, .arpProbeTarget, .ip4Source, .ip6Source, .ndSolicitation, .ndAdvertisement, .llClaimed,
        .uplinkGuestAddress,
    ]

    /// What the frame was dropped for using; nil where the reason is no use of an identity, or the frame doesn't show it.
    init?(_ frame: Frame, _ reason: Reason) {
        let found: Identity? =
            switch reason {
            case .macSource, .uplinkGuestMAC: frame.ethernet.map { .mac($0.source) }
            case .arpSenderIP: frame.arp?.sender.map { .address(.v4($0.ip)) }
            case .arpProbeTarget: frame.arp?.target.map { .address(.v4($0.ip)) }
            case .ip4Source: frame.ipv4.map { .address(.v4($0.source)) }
            case .ip6Source: frame.ipv6.map { .address(.v6($0.source)) }
            case .ndSolicitation, .ndAdvertisement: Self.target(frame)
            case .llClaimed: Self.linkLocal(frame)
            case .uplinkGuestAddress:
                frame.arp?.sender.map { .address(.v4($0.ip)) } ?? frame.ipv4.map { .address(.v4($0.source)) } ?? Self.target(frame)
                    ?? frame.ipv6.map { .address(.v6($0.source)) }
            default: nil
            }
        guard let found, found.isSomebodys else { return nil }
        self = found
    }

    /// An advertisement's target, and that of a solicitation in duplicate address detection (RFC 4862, 5.4): other
    /// solicitations ask for somebody else's.
    private static func target(_ frame: Frame) -> Identity? {
        guard let packet = frame.ipv6, packet.nextHeader == .icmpv6, let message = ICMPv6Message(packet.payloadPresent), let target = message.target
        else { return nil }
        let isClaim = message.type == .neighbourAdvertisement || message.type == .neighbourSolicitation && packet.source == .unspecified
        return isClaim ? .address(.v6(target)) : nil
    }

    private static func linkLocal(_ frame: Frame) -> Identity? {
        guard let packet = frame.ipv6 else { return nil }
        return packet.source.isLinkLocal ? .address(.v6(packet.source)) : target(frame)
    }

    /// Not one that any machine uses before it has its own, and none that is nobody's.
    private var isSomebodys: Bool {
        switch self {
        case .mac(let mac): !mac.isZero && !mac.isGroup
        case .address(.v4(let address)):
            !address.isMulticast && address.rawValue >> 24 != 0 && address.rawValue >> 24 != 127 && address.rawValue < 0xe000_0000
        case .address(.v6(let address)): address != .unspecified && !address.isMulticast && address.rawValue != 1
        }
    }

    /// 169.254.0.0/16: what a machine takes that found no DHCP server (RFC 3927).
    var isSelfAssigned: Bool {
        if case .address(.v4(let address)) = self { address.rawValue >> 16 == 0xa9fe } else { false }
    }

    var isLinkLocal6: Bool {
        if case .address(.v6(let address)) = self { address.isLinkLocal } else { false }
    }
}
