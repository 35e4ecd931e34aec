/// What an Ethernet frame carries; below 0x0600 the field is an IEEE 802.3 length instead (IEEE 802.3 3.2.6).
public struct EtherType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let ipv4 = EtherType(rawValue: 0x0800)
    public static let arp = EtherType(rawValue: 0x0806)
    public static let rarp = EtherType(rawValue: 0x8035)
    public static let ipv6 = EtherType(rawValue: 0x86dd)
    /// The customer's VLAN tag (IEEE 802.1Q).
    public static let vlan = EtherType(rawValue: 0x8100)
    /// The provider's VLAN tag (IEEE 802.1ad).
    public static let serviceVLAN = EtherType(rawValue: 0x88a8)
    /// What was used for outer tags before 802.1ad.
    public static let oldServiceVLAN = EtherType(rawValue: 0x9100)
    public static let mpls = EtherType(rawValue: 0x8847)
    public static let pppoeDiscovery = EtherType(rawValue: 0x8863)
    public static let pppoeSession = EtherType(rawValue: 0x8864)
    public static let eapol = EtherType(rawValue: 0x888e)
    public static let lldp = EtherType(rawValue: 0x88cc)

    /// Whether a VLAN tag follows.
    public var isTag: Bool { self == .vlan || self == .serviceVLAN || self == .oldServiceVLAN }
    /// Whether this is a length, so that an LLC header follows.
    public var isLength: Bool { rawValue < 0x0600 }

    public var description: String {
        switch self {
        case .ipv4: "IPv4"
        case .arp: "ARP"
        case .rarp: "RARP"
        case .ipv6: "IPv6"
        case .vlan: "802.1Q"
        case .serviceVLAN: "802.1ad"
        case .mpls: "MPLS"
        case .pppoeDiscovery: "PPPoE discovery"
        case .pppoeSession: "PPPoE session"
        case .eapol: "802.1X"
        case .lldp: "LLDP"
        default: "ethertype 0x" + hexDigits(UInt64(rawValue), width: 4)
        }
    }
}

/// The number in lower-case hexadecimal, with zeros in front up to `width` digits.
func hexDigits(_ number: UInt64, width: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
