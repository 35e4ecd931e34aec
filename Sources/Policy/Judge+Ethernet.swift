import Addresses
import Packets

/// Section 2: Ethernet.
extension Judge {
    /// E0 to E6, and then the section of what the frame carries.
    mutating func ethernetRules() -> Reason? {
        guard let destination = bytes.mac(at: 0), let source = bytes.mac(at: 6), bytes.count >= 14 else { return .truncated }
        guard entitlement.macs.contains(source) else { return .macSource }
        if destination.isLinkControl { return .l2Control }
        guard let (type, payload) = untagged() else { return .vlanTag }
        switch type {
        case .arp:
            guard payload.count >= 8 else { return .truncated }
            return entitlement.allowsIPv4 ? arpRules(payload, source: source) : .noIPv4
        case .ipv4:
            guard let packet = IPv4Packet(payload, isSegmentationOffload: frame.isSegmentationOffload) else { return .truncated }
            let isAllowed = entitlement.allowsIPv4 || binding.usesDHCP && packet.isDHCPClientMessage
            return isAllowed ? ipv4Rules(packet, destination: destination) : .noIPv4
        case .ipv6:
            guard let packet = IPv6Packet(payload, isSegmentationOffload: frame.isSegmentationOffload) else { return .truncated }
            return entitlement.allowsIPv6 ? ipv6Rules(packet, source: source) : .noIPv6
        case _ where binding.etherTypes.contains(type.rawValue):
            return nil
        case .rarp:
            return isSelfAnnouncement(payload, source: source) ? nil : .etherType
        default:
            return .etherType
        }
    }

    /// E3: the EtherType behind the tag that the role `vlan` allows, if there is one, and what follows it. Nil where
    /// there is a tag that the binding doesn't allow. A tag without the EtherType behind it is cut short.
    func untagged() -> (EtherType, Bytes)? {
        guard var type = bytes.etherType(at: 12) else { return nil }
        var tag = frame.offloadedTag
        var end = 14
        if type.isTag {
            guard tag == nil, let tci = bytes.uint16(at: 14), let inner = bytes.etherType(at: 16) else { return nil }
            tag = VLANTag(tpid: type, tci: tci)
            type = inner
            end = 18
        }
        guard !type.isTag else { return nil }
        if let tag {
            guard tag.tpid == .vlan, binding.vlans.contains(tag.vid) else { return nil }
        }
        return (type, bytes.dropFirst(end))
    }

    /// E4: what QEMU sends for a guest that has arrived here, so that bridges learn where it is (net/announce.c).
    private func isSelfAnnouncement(_ rarp: Bytes, source: MACAddress) -> Bool {
        rarp.isIPv4OverEthernet && rarp.uint16(at: 6) == 3
            && rarp.mac(at: 8) == source && rarp.ipv4(at: 14) == .any
            && rarp.mac(at: 18) == source && rarp.ipv4(at: 24) == .any
    }
}

extension MACAddress {
    /// E2: 01:80:c2:00:00:00-0f (IEEE 802.1Q table 8-1: bridges, and what they keep to one link), 01:00:0c:cc:cc:cc
    /// (CDP, VTP) and :cd (PVST+).
    var isLinkControl: Bool {
        rawValue & ~0xf == 0x0180_c200_0000 || rawValue & ~1 == 0x0100_0ccc_cccc
    }
}

extension Bytes {
    func etherType(at offset: Int) -> EtherType? { uint16(at: offset).map(EtherType.init(rawValue:)) }

    /// A1: an ARP or RARP packet of at least 28 bytes that speaks of MACs and IPv4 addresses.
    var isIPv4OverEthernet: Bool {
        count >= 28 && uint16(at: 0) == 1 && uint16(at: 2) == 0x0800 && uint8(at: 4) == 6 && uint8(at: 5) == 4
    }
}
