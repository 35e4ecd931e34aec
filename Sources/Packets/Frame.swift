/// An Ethernet frame as the kernel hands it to a tc program: its bytes, and what travels beside them.
public struct Frame: Hashable, Sendable {
    /// From the destination MAC on, without the frame check sequence. Any bytes at all, also none.
    public var bytes: [UInt8]
    /// The tag that the kernel keeps out of the bytes (`skb->vlan_tci`, `vlan_proto`); outside of those in the bytes.
    public var offloadedTag: VLANTag?
    /// Whether this is a super-packet that is yet to be segmented (`gso_size` > 0).
    public var isSegmentationOffload: Bool

    public init(bytes: [UInt8], offloadedTag: VLANTag? = nil, isSegmentationOffload: Bool = false) {
        self.bytes = bytes
        self.offloadedTag = offloadedTag
        self.isSegmentationOffload = isSegmentationOffload
    }

    /// Nil for fewer than 14 bytes.
    public var ethernet: EthernetHeader? { EthernetHeader(Bytes(bytes)) }

    /// All tags, out of band and in the bytes.
    public var tags: TagStack { TagStack(Bytes(bytes), offloaded: offloadedTag) }

    /// The type of what the frame carries, behind any tags; nil if it is cut short before that.
    public var etherType: EtherType? { tags.etherType }

    /// What the frame carries behind its Ethernet header and tags.
    public var payload: Bytes { Bytes(bytes).dropFirst(tags.payloadOffset) }

    /// The LLC header of an IEEE 802.3 frame; nil for others.
    public var llc: LLCHeader? { payload { $0.isLength }.flatMap(LLCHeader.init) }

    /// The ARP packet, behind any tags; nil for another EtherType or fewer than 8 bytes.
    public var arp: ARPPacket? { payload { $0 == .arp }.flatMap(ARPPacket.init) }

    /// The IPv4 header, behind any tags; nil for another EtherType or fewer than 20 bytes.
    public var ipv4: IPv4Header? {
        payload { $0 == .ipv4 }.flatMap { IPv4Header($0, isSegmentationOffload: isSegmentationOffload) }
    }

    /// The IPv6 header, behind any tags; nil for another EtherType or fewer than 40 bytes.
    public var ipv6: IPv6Header? {
        payload { $0 == .ipv6 }.flatMap { IPv6Header($0, isSegmentationOffload: isSegmentationOffload) }
    }

    /// The payload if its type is one that is asked for.
    private func payload(where isWanted: (EtherType) -> Bool) -> Bytes? {
        let tags = tags
        guard let type = tags.etherType, isWanted(type) else { return nil }
        return Bytes(bytes).dropFirst(tags.payloadOffset)
    }
}
