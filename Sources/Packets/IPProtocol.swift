/// What an IP packet carries: IPv4's protocol and IPv6's next header, one number space (IANA protocol numbers).
public struct IPProtocol: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let hopByHop = IPProtocol(rawValue: 0)
    public static let icmp = IPProtocol(rawValue: 1)
    public static let igmp = IPProtocol(rawValue: 2)
    public static let tcp = IPProtocol(rawValue: 6)
    public static let udp = IPProtocol(rawValue: 17)
    public static let routing = IPProtocol(rawValue: 43)
    public static let fragment = IPProtocol(rawValue: 44)
    public static let gre = IPProtocol(rawValue: 47)
    public static let esp = IPProtocol(rawValue: 50)
    public static let authentication = IPProtocol(rawValue: 51)
    public static let icmpv6 = IPProtocol(rawValue: 58)
    public static let noNextHeader = IPProtocol(rawValue: 59)
    public static let destinationOptions = IPProtocol(rawValue: 60)
    public static let vrrp = IPProtocol(rawValue: 112)

    /// Whether this is one of the extension headers that policy walks: hop-by-hop, routing, fragment, AH, destination options.
    public var isExtensionHeader: Bool {
        switch self {
        case .hopByHop, .routing, .fragment, .authentication, .destinationOptions: true
        default: false
        }
    }

    public var description: String {
        switch self {
        case .hopByHop: "hop-by-hop"
        case .icmp: "ICMP"
        case .igmp: "IGMP"
        case .tcp: "TCP"
        case .udp: "UDP"
        case .routing: "routing"
        case .fragment: "fragment"
        case .gre: "GRE"
        case .esp: "ESP"
        case .authentication: "AH"
        case .icmpv6: "ICMPv6"
        case .noNextHeader: "no next header"
        case .destinationOptions: "destination options"
        case .vrrp: "VRRP"
        default: "protocol \(rawValue)"
        }
    }
}
