import Addresses
import Packets

/// Section 6: from the uplink. Trusted, but what it says of local guests is noticed, and it teaches whose link-local
/// addresses are out there.
struct UplinkJudge {
    private let frame: Frame
    private let bytes: Bytes
    private let bridge: BridgeState

    init(_ frame: Frame, bridge: BridgeState) {
        self.frame = frame
        bytes = Bytes(frame.bytes)
        self.bridge = bridge
    }

    /// - Parameter buckets: the port's, given back as they are.
    func judge(buckets: Buckets) -> Judgement {
        if let reason = ruleThatNames() {
            return Judgement(reason: reason, isDropped: bridge.uplinkMode == .enforce, buckets: buckets)
        }
        return Judgement(reason: nil, isDropped: false, lesson: lesson(), buckets: buckets)
    }

    /// U1 and U2.
    private func ruleThatNames() -> Reason? {
        if let source = bytes.mac(at: 6), let owner = bridge.ownerMACs[source], owner.isGuarded { return .uplinkGuestMAC }
        switch etherType {
        case .arp where payload.isIPv4OverEthernet: return rule(payload.ipv4(at: 14))
        case .ipv4: return rule(IPv4Packet(payload, isSegmentationOffload: false)?.source)
        case .ipv6:
            guard let packet = ipv6 else { return nil }
            return rule(packet.source) ?? rule(advertisedTarget(packet))
        default: return nil
        }
    }

    private func rule(_ address: IPv4Address?) -> Reason? {
        guard let address, let owner = bridge.owners4[address], owner.isGuarded else { return nil }
        return .uplinkGuestAddress
    }

    private func rule(_ address: IPv6Address?) -> Reason? {
        guard let address, let owner = bridge.owners6[address], owner.isGuarded else { return nil }
        return .uplinkGuestAddress
    }

    private func advertisedTarget(_ packet: IPv6Packet) -> IPv6Address? {
        guard packet.nextHeader == 58, packet.present.uint8(at: 0) == 136 else { return nil }
        return packet.present.ipv6(at: 8)
    }

    /// U3.
    private func lesson() -> Lesson? {
        guard etherType == .ipv6, let packet = ipv6, packet.nextHeader == 58, packet.source.isLinkLocal,
            let mac = bytes.mac(at: 6), let type = packet.present.uint8(at: 0), let code = packet.present.uint8(at: 1)
        else { return nil }
        guard type == 134 else {
            return ControlMessage.fixedLength(type) == nil ? nil : .neighbour(packet.source, mac)
        }
        guard packet.hopLimit == 255, code == 0, bridge.canHold(router: packet.source) else { return nil }
        return .router(packet.source)
    }

    /// Nil for a frame with an offloaded tag; a tag in the bytes is a type of its own.
    private var etherType: EtherType? { frame.offloadedTag == nil ? bytes.etherType(at: 12) : nil }

    private var payload: Bytes { bytes.dropFirst(14) }
    private var ipv6: IPv6Packet? { IPv6Packet(payload, isSegmentationOffload: false) }
}
