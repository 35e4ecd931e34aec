import Addresses
import Policy

/// A guest of the measured bridge: one IPv4 address, one IPv6 address, one IPv6 /64.
struct Guest: Sendable, Hashable {
    /// From 1.
    let number: Int

    var mac: MACAddress { MACAddress(rawValue: 0x0200_0000_0000 | UInt64(number)) }
    var address4: IPv4Address { IPv4Address(rawValue: 0x0a00_0100 + UInt32(number)) }
    var address6: IPv6Address { IPv6Address(high: 0x2001_0db8_0000_0001, low: UInt64(number)) }
    var prefix6: IPv6Prefix { IPv6Prefix(masking: addressInPrefix6, length: 64)! }
    /// One of the 2^64 that the prefix gives it.
    var addressInPrefix6: IPv6Address { IPv6Address(high: 0x2001_0db8_0001_0000 | UInt64(number), low: 0x1234_5678_9abc_def0) }

    var binding: Binding {
        Binding(
            guest: "guest-\(number)", macs: [mac], addresses4: [IPv4Prefix(address4)], addresses6: [IPv6Prefix(address6), prefix6],
            // Their buckets are asked, and never empty: ARP is measured, not what is too much of it.
            limits: Limits(broadcastRate: 1_000_000_000, broadcastBurst: 1_000_000_000, neighborRate: 1_000_000_000, neighborBurst: 1_000_000_000))
    }

    /// The guests that a network of that size has.
    static func all(_ count: Int) -> [Guest] { (1...max(count, 1)).map(Guest.init(number:)) }
}

/// What is beyond the uplink. No card has this MAC: the end of the cable that gets such a frame throws it away at once.
enum Outside {
    static let mac = MACAddress(0x02, 0x00, 0x5e, 0, 0, 0xfe)
    /// Of the bridge in each of the networks.
    static let hostMAC = MACAddress(0x02, 0x00, 0x5e, 0, 0, 0xbb)
    static let address4 = IPv4Address(198, 51, 100, 1)
    static let address6 = IPv6Address(high: 0x2001_0db8_ffff_0000, low: 1)
}
