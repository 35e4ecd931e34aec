/// A VLAN tag (IEEE 802.1Q 9.6): what kind it is, and its control information.
public struct VLANTag: Hashable, Sendable, CustomStringConvertible {
    /// The tag protocol identifier: 0x8100, 0x88a8 or 0x9100.
    public var tpid: EtherType
    /// Priority (3 bits), drop eligible indicator (1) and VLAN id (12).
    public var tci: UInt16

    public init(tpid: EtherType = .vlan, tci: UInt16) {
        self.tpid = tpid
        self.tci = tci
    }

    /// Takes the low 12 bits of `vid` and the low 3 of `pcp`.
    public init(tpid: EtherType = .vlan, vid: UInt16, pcp: UInt8 = 0, dei: Bool = false) {
        self.init(tpid: tpid, tci: UInt16(pcp & 7) << 13 | (dei ? 0x1000 : 0) | vid & 0xfff)
    }

    /// The priority code point, 0...7.
    public var pcp: UInt8 { UInt8(tci >> 13) }
    /// Whether the frame may be dropped first.
    public var dei: Bool { tci & 0x1000 != 0 }
    /// The VLAN id, 0...4095; 0 means priority only.
    public var vid: UInt16 { tci & 0xfff }

    public var description: String { tpid == .vlan ? "vlan \(vid)" : "vlan \(vid) (0x\(hexDigits(UInt64(tpid.rawValue), width: 4)))" }
}

/// A frame's tags, outermost first: the one that travels out of band, then those at the start of its bytes.
public struct TagStack: Hashable, Sendable {
    public private(set) var tags: [VLANTag] = []
    /// A tag's EtherType is there but the tag's four bytes aren't. Policy counts it as a tag.
    public private(set) var isCutShort = false
    /// The type of what follows the tags; nil if a tag is cut short or the frame has no whole Ethernet header.
    public private(set) var etherType: EtherType?
    /// Where in the frame's bytes what follows the tags begins: 14 if there is no tag among them.
    public private(set) var payloadOffset = EthernetHeader.length

    /// Reads the tags of a frame that begins at its Ethernet header.
    public init(_ bytes: Bytes, offloaded: VLANTag? = nil) {
        if let offloaded { tags.append(offloaded) }
        guard let header = EthernetHeader(bytes) else { return }
        var type = header.type
        while type.isTag {
            guard let tci = bytes.uint16(at: payloadOffset), let inner = bytes.uint16(at: payloadOffset + 2) else {
                isCutShort = true
                return
            }
            tags.append(VLANTag(tpid: type, tci: tci))
            type = EtherType(rawValue: inner)
            payloadOffset += 4
        }
        etherType = type
    }

    /// No tag at all, not even one cut short.
    public var isUntagged: Bool { tags.isEmpty && !isCutShort }
}
