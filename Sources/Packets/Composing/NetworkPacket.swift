import Addresses

/// What an Ethernet frame to be composed carries. Lengths and checksums come out right unless they are given.
public struct NetworkPacket: Hashable, Sendable {
    public var etherType: EtherType
    public var bytes: [UInt8]

    /// Any bytes at all.
    public init(_ etherType: EtherType, bytes: [UInt8]) {
        self.etherType = etherType
        self.bytes = bytes
    }

    /// Any bytes at all.
    public static func raw(_ etherType: EtherType, _ bytes: [UInt8] = []) -> NetworkPacket { NetworkPacket(etherType, bytes: bytes) }

    /// An ARP packet (RFC 826), or with EtherType `.rarp` a RARP one (RFC 903).
    public static func arp(
        _ operation: ARPPacket.Operation, sender: ARPPacket.Party, target: ARPPacket.Party, etherType: EtherType = .arp,
        hardwareType: UInt16 = 1, protocolType: EtherType = .ipv4, hardwareLength: UInt8 = 6, protocolLength: UInt8 = 4
    ) -> NetworkPacket {
        var bytes = bigEndian(hardwareType) + bigEndian(protocolType.rawValue) + [hardwareLength, protocolLength]
        bytes += bigEndian(operation.rawValue) + sender.mac.bytes + sender.ip.bytes + target.mac.bytes + target.ip.bytes
        return NetworkPacket(etherType, bytes: bytes)
    }

    /// An IPv4 packet (RFC 791 3.1). `options` are padded with zeros to a multiple of four; `fragmentOffset` counts in eights;
    /// `headerLength` is in bytes. A total length above 65,535 is written as 0, as the kernel does for super-packets.
    public static func ipv4(
        from source: IPv4Address, to destination: IPv4Address, _ upper: UpperLayer, options: [UInt8] = [], fragmentOffset: UInt16 = 0,
        moreFragments: Bool = false, dontFragment: Bool = false, identification: UInt16 = 0, timeToLive: UInt8? = nil,
        typeOfService: UInt8 = 0, version: UInt8 = 4, headerLength: Int? = nil, totalLength: UInt16? = nil, proto: IPProtocol? = nil,
        checksum: UInt16? = nil
    ) -> NetworkPacket {
        let options = options.padded(to: 4)
        let payload = upper.bytes(from: .v4(source), to: .v4(destination))
        let length = 20 + options.count + payload.count
        let headerWords = UInt8(truncatingIfNeeded: (headerLength ?? 20 + options.count) / 4) & 0xf
        let fragment: UInt16 = (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0) | fragmentOffset & 0x1fff
        var header = [version << 4 | headerWords, typeOfService] + bigEndian(totalLength ?? UInt16(exactly: length) ?? 0)
        header += bigEndian(identification) + bigEndian(fragment) + [timeToLive ?? upper.hopLimit, (proto ?? upper.proto).rawValue, 0, 0]
        header += source.bytes + destination.bytes + options
        var sum = InternetChecksum()
        sum.add(header)
        header.write(checksum ?? sum.value, at: 10)
        return NetworkPacket(.ipv4, bytes: header + payload)
    }

    /// An IPv6 packet (RFC 8200 3). A payload length above 65,535 is written as 0, as the kernel does for super-packets.
    public static func ipv6(
        from source: IPv6Address, to destination: IPv6Address, extensionHeaders: [ExtensionHeader] = [], _ upper: UpperLayer,
        hopLimit: UInt8? = nil, trafficClass: UInt8 = 0, flowLabel: UInt32 = 0, version: UInt8 = 6, payloadLength: UInt16? = nil,
        nextHeader: IPProtocol? = nil
    ) -> NetworkPacket {
        let followers = extensionHeaders.dropFirst().map(\.kind) + [upper.proto]
        var payload: [UInt8] = []
        for (header, follower) in zip(extensionHeaders, followers) {
            payload += [(header.nextHeader ?? follower).rawValue] + header.bytes.dropFirst()
        }
        payload += upper.bytes(from: .v6(source), to: .v6(destination))
        let first = UInt32(version) << 28 | UInt32(trafficClass) << 20 | flowLabel & 0xf_ffff
        let next = nextHeader ?? extensionHeaders.first?.kind ?? upper.proto
        var bytes = bigEndian(first) + bigEndian(payloadLength ?? UInt16(exactly: payload.count) ?? 0)
        bytes += [next.rawValue, hopLimit ?? upper.hopLimit] + source.bytes + destination.bytes + payload
        return NetworkPacket(.ipv6, bytes: bytes)
    }
}
