import Addresses
import Packets

/// An ICMPv6 message as far as rules ask for it (RFC 4443 2.1, RFC 4861 4).
struct ControlMessage {
    let type: UInt8
    /// From the type to the payload's end.
    let bytes: Bytes
    /// Whether extension headers lie in front of it.
    let hasExtensionHeaders: Bool

    /// Nil unless the chain leads to a message with a type in it.
    init?(_ chain: ExtensionHeaderWalk) {
        guard let (proto, bytes) = chain.upperLayer, proto == 58, let type = bytes.uint8(at: 0) else { return nil }
        self.type = type
        self.bytes = bytes
        hasExtensionHeaders = chain.count > 0
    }

    var isNeighborDiscovery: Bool { Self.fixedLength(type) != nil }

    /// The bytes of a neighbour discovery message in front of its options (RFC 4861 4.1-4.5, RFC 3122 2.1); nil for other types.
    static func fixedLength(_ type: UInt8) -> Int? {
        switch type {
        case 133, 141, 142: 8
        case 134: 16
        case 135, 136: 24
        case 137: 40
        default: nil
        }
    }

    /// The target of a solicitation or an advertisement.
    var target: IPv6Address? { bytes.ipv6(at: 8) }

    /// What follows the fixed part of a neighbour discovery message.
    var options: NDOptions { NDOptions(bytes.dropFirst(Self.fixedLength(type) ?? bytes.count)) }

    /// S5.
    func isWellFormed(hopLimit: UInt8) -> Bool {
        guard let fixedLength = Self.fixedLength(type), !hasExtensionHeaders, hopLimit == 255 else { return false }
        return bytes.uint8(at: 1) == 0 && bytes.count >= fixedLength && options.isSound
    }

    /// S2: what a host without an address sends.
    func mayBeFromUnspecified(to destination: IPv6Address) -> Bool {
        switch type {
        case 135: true
        case 133: options.source.count == 0
        case 131, 132, 143: destination.high >> 48 == 0xff02
        default: false
        }
    }
}

/// The options of a neighbour discovery message (RFC 4861 4.6), walked to their end or to the first that is broken.
struct NDOptions {
    static let maximum = 32

    /// The link-layer address options of one kind.
    struct LinkLayer {
        var count = 0
        /// The last one's address; nil unless it is 8 bytes long.
        var mac: MACAddress?
    }

    /// Option 1.
    private(set) var source = LinkLayer()
    /// Option 2.
    private(set) var target = LinkLayer()
    /// At most `maximum` options, none of zero length, that walk exactly to the end.
    private(set) var isSound = true

    init(_ bytes: Bytes) {
        var rest = bytes
        var walked = 0
        while !rest.isEmpty {
            guard walked < Self.maximum, let type = rest.uint8(at: 0), let units = rest.uint8(at: 1), units > 0,
                Int(units) * 8 <= rest.count
            else {
                isSound = false
                return
            }
            let mac = units == 1 ? rest.mac(at: 2) : nil
            if type == 1 { source = LinkLayer(count: source.count + 1, mac: mac) }
            if type == 2 { target = LinkLayer(count: target.count + 1, mac: mac) }
            rest = rest.dropFirst(Int(units) * 8)
            walked += 1
        }
    }
}
