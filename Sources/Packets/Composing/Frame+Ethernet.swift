import Addresses

extension Frame {
    /// A frame with an Ethernet header, `tags` in its bytes (outermost first), and a packet. `type` is the EtherType in
    /// place of the packet's own; zeros are added up to `minimumLength` bytes (60 on a real wire).
    public static func ethernet(
        from source: MACAddress, to destination: MACAddress, tags: [VLANTag] = [], offloadedTag: VLANTag? = nil, type: EtherType? = nil,
        minimumLength: Int = 0, _ packet: NetworkPacket
    ) -> Frame {
        var bytes = destination.bytes + source.bytes
        for tag in tags { bytes += bigEndian(tag.tpid.rawValue) + bigEndian(tag.tci) }
        bytes += bigEndian((type ?? packet.etherType).rawValue) + packet.bytes
        bytes += repeatElement(0, count: max(0, minimumLength - bytes.count))
        return Frame(bytes: bytes, offloadedTag: offloadedTag)
    }

    /// An IEEE 802.3 frame with a length and an LLC header (IEEE 802.2).
    public static func llc(
        from source: MACAddress, to destination: MACAddress, tags: [VLANTag] = [], destinationSAP: UInt8, sourceSAP: UInt8,
        control: UInt8 = 3, length: UInt16? = nil, payload: [UInt8] = []
    ) -> Frame {
        let body = [destinationSAP, sourceSAP, control] + payload
        let type = EtherType(rawValue: length ?? UInt16(truncatingIfNeeded: body.count))
        return .ethernet(from: source, to: destination, tags: tags, .raw(type, body))
    }

    /// An IEEE 802.3 frame whose SNAP extension names the packet's type (RFC 1042).
    public static func snap(
        from source: MACAddress, to destination: MACAddress, tags: [VLANTag] = [], oui: UInt32 = 0, _ packet: NetworkPacket
    ) -> Frame {
        let snap = bigEndian(oui).dropFirst() + bigEndian(packet.etherType.rawValue)
        return .llc(from: source, to: destination, tags: tags, destinationSAP: 0xaa, sourceSAP: 0xaa, payload: snap + packet.bytes)
    }
}
