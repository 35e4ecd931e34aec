import Addresses

extension UpperLayer {
    /// An ICMPv6 message (RFC 4443 2.1); `rest` is all that follows the checksum.
    public static func icmpv6(
        _ type: ICMPv6Message.Kind, code: UInt8 = 0, rest: [UInt8] = [0, 0, 0, 0], checksum: UInt16? = nil, hopLimit: UInt8 = 64
    ) -> UpperLayer {
        let bytes = [type.rawValue, code] + bigEndian(checksum ?? 0) + rest
        return UpperLayer(.icmpv6, bytes: bytes, checksumOffset: checksum == nil ? 2 : nil, hopLimit: hopLimit)
    }

    /// RFC 4861 4.3.
    public static func neighbourSolicitation(
        target: IPv6Address, options: [NeighbourDiscoveryOption] = [], code: UInt8 = 0
    ) -> UpperLayer {
        icmpv6(.neighbourSolicitation, code: code, rest: [0, 0, 0, 0] + target.bytes + options.joinedBytes, hopLimit: 255)
    }

    /// RFC 4861 4.4.
    public static func neighbourAdvertisement(
        target: IPv6Address, router: Bool = false, solicited: Bool = true, override: Bool = true,
        options: [NeighbourDiscoveryOption] = [], code: UInt8 = 0
    ) -> UpperLayer {
        let flags: UInt8 = (router ? 0x80 : 0) | (solicited ? 0x40 : 0) | (override ? 0x20 : 0)
        return icmpv6(.neighbourAdvertisement, code: code, rest: [flags, 0, 0, 0] + target.bytes + options.joinedBytes, hopLimit: 255)
    }

    /// RFC 4861 4.1.
    public static func routerSolicitation(options: [NeighbourDiscoveryOption] = [], code: UInt8 = 0) -> UpperLayer {
        icmpv6(.routerSolicitation, code: code, rest: [0, 0, 0, 0] + options.joinedBytes, hopLimit: 255)
    }

    /// RFC 4861 4.2; `lifetime` in seconds, 0 from a router that is none by default.
    public static func routerAdvertisement(
        lifetime: UInt16 = 1800, flags: UInt8 = 0, options: [NeighbourDiscoveryOption] = [], code: UInt8 = 0
    ) -> UpperLayer {
        let fixed = [64, flags] + bigEndian(lifetime) + [0, 0, 0, 0, 0, 0, 0, 0]
        return icmpv6(.routerAdvertisement, code: code, rest: fixed + options.joinedBytes, hopLimit: 255)
    }

    /// RFC 4861 4.5: packets to `destination` should go to `target`.
    public static func redirect(
        target: IPv6Address, destination: IPv6Address, options: [NeighbourDiscoveryOption] = [], code: UInt8 = 0
    ) -> UpperLayer {
        let fixed = [0, 0, 0, 0] + target.bytes + destination.bytes
        return icmpv6(.redirect, code: code, rest: fixed + options.joinedBytes, hopLimit: 255)
    }

    /// A multicast listener query; a general one for `::`, version 2 if sources and limits follow (RFC 2710 3, 3810 5.1).
    public static func mldQuery(group: IPv6Address = .unspecified, version: Int = 1) -> UpperLayer {
        let second: [UInt8] = version == 2 ? [2, 125, 0, 0] : []
        return icmpv6(.multicastQuery, rest: bigEndian(UInt16(10_000)) + [0, 0] + group.bytes + second, hopLimit: 1)
    }

    /// RFC 2710 3.
    public static func mldReport(group: IPv6Address) -> UpperLayer {
        icmpv6(.multicastReport, rest: [0, 0, 0, 0] + group.bytes, hopLimit: 1)
    }

    /// RFC 2710 3.
    public static func mldDone(group: IPv6Address) -> UpperLayer {
        icmpv6(.multicastDone, rest: [0, 0, 0, 0] + group.bytes, hopLimit: 1)
    }

    /// A version 2 report that joins each group from any source (RFC 3810 5.2).
    public static func mldReportV2(groups: [IPv6Address]) -> UpperLayer {
        let count = bigEndian(UInt16(truncatingIfNeeded: groups.count))
        let records: [UInt8] = groups.flatMap { [4, 0, 0, 0] + $0.bytes }
        return icmpv6(.multicastReportV2, rest: [0, 0] + count + records, hopLimit: 1)
    }
}

extension NeighbourDiscoveryOption {
    /// Any bytes at all, for options that are wrong on purpose; a walk would refuse some.
    public static func raw(_ bytes: [UInt8]) -> NeighbourDiscoveryOption {
        NeighbourDiscoveryOption(type: Kind(rawValue: bytes.first ?? 0), bytes: Bytes(bytes))
    }

    /// An option of a whole number of eight bytes (RFC 4861 4.6), zeros added at the end.
    public static func option(_ type: Kind, _ data: [UInt8]) -> NeighbourDiscoveryOption {
        var bytes = ([type.rawValue, 0] + data).padded(to: 8)
        bytes[1] = UInt8(truncatingIfNeeded: bytes.count / 8)
        return .raw(bytes)
    }

    public static func sourceLinkLayer(_ mac: MACAddress) -> NeighbourDiscoveryOption { .option(.sourceLinkLayer, mac.bytes) }
    public static func targetLinkLayer(_ mac: MACAddress) -> NeighbourDiscoveryOption { .option(.targetLinkLayer, mac.bytes) }

    /// RFC 4861 4.6.2, for on-link use and autonomous configuration; lifetimes in seconds.
    public static func prefixInformation(_ prefix: IPv6Prefix, lifetime: UInt32 = 86_400) -> NeighbourDiscoveryOption {
        let fixed = [UInt8(prefix.length), 0xc0] + bigEndian(lifetime) + bigEndian(lifetime) + [0, 0, 0, 0]
        return .option(.prefixInformation, fixed + prefix.address.bytes)
    }
}

extension [NeighbourDiscoveryOption] {
    fileprivate var joinedBytes: [UInt8] { flatMap(\.bytes.array) }
}
