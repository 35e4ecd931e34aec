import Addresses

/// An ICMPv6 message (RFC 4443), of which the type alone must be there.
public struct ICMPv6Message: Hashable, Sendable {
    /// A message's type (IANA ICMPv6 parameters).
    public struct Kind: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt8

        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let echoRequest = Kind(rawValue: 128), echoReply = Kind(rawValue: 129)
        public static let multicastQuery = Kind(rawValue: 130), multicastReport = Kind(rawValue: 131)
        public static let multicastDone = Kind(rawValue: 132), multicastReportV2 = Kind(rawValue: 143)
        public static let routerSolicitation = Kind(rawValue: 133), routerAdvertisement = Kind(rawValue: 134)
        public static let neighbourSolicitation = Kind(rawValue: 135), neighbourAdvertisement = Kind(rawValue: 136)
        public static let redirect = Kind(rawValue: 137)
        public static let inverseSolicitation = Kind(rawValue: 141), inverseAdvertisement = Kind(rawValue: 142)
    }

    public let type: Kind
    /// Nil if the message ends before it.
    public let code: UInt8?
    public let checksum: UInt16?
    /// The whole message from its type on.
    public let bytes: Bytes

    /// Nil for no bytes at all.
    public init?(_ bytes: Bytes) {
        guard let type = bytes.uint8(at: 0) else { return nil }
        self.type = Kind(rawValue: type)
        code = bytes.uint8(at: 1)
        checksum = bytes.uint16(at: 2)
        self.bytes = bytes
    }

    /// Neighbour discovery (RFC 4861) and its inverse (RFC 3122).
    public var isNeighbourDiscovery: Bool { fixedLength != nil }

    /// How many bytes precede the options of a neighbour discovery message; nil for other messages.
    public var fixedLength: Int? {
        switch type {
        case .routerSolicitation, .inverseSolicitation, .inverseAdvertisement: 8
        case .routerAdvertisement: 16
        case .neighbourSolicitation, .neighbourAdvertisement: 24
        case .redirect: 40
        default: nil
        }
    }

    /// The target of a neighbour solicitation, advertisement or redirect; nil for others or if cut short.
    public var target: IPv6Address? {
        switch type {
        case .neighbourSolicitation, .neighbourAdvertisement, .redirect: bytes.ipv6(at: 8)
        default: nil
        }
    }

    /// The address that a redirect is about (RFC 4861 4.5); nil for others or if cut short.
    public var redirectDestination: IPv6Address? { type == .redirect ? bytes.ipv6(at: 24) : nil }

    /// A neighbour advertisement's flags (RFC 4861 4.4): from a router, in answer to a solicitation, to override what is cached.
    public var isFromRouter: Bool { advertisementFlags & 0x80 != 0 }
    public var isSolicited: Bool { advertisementFlags & 0x40 != 0 }
    public var isOverride: Bool { advertisementFlags & 0x20 != 0 }

    private var advertisementFlags: UInt8 { type == .neighbourAdvertisement ? bytes.uint8(at: 4) ?? 0 : 0 }

    /// A neighbour discovery message's options; nil for other messages or if the fixed part isn't whole.
    public var options: OptionWalk<NeighbourDiscoveryOption>? {
        guard let fixedLength, bytes.count >= fixedLength else { return nil }
        return NeighbourDiscoveryOption.walk(bytes, from: fixedLength)
    }
}
