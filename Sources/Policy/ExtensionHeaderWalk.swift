import Packets

/// What lies between an IPv6 packet's fixed header and its upper layer (RFC 8200 4), followed as far as rules S3 and S4
/// let it be.
struct ExtensionHeaderWalk {
    static let maximumHeaders = 8
    static let maximumBytes = 512

    /// The rule that the chain breaks; nil if it is sound.
    private(set) var fault: Reason?
    /// How many extension headers there are.
    private(set) var count = 0
    /// There is a fragment header with an offset other than 0: what follows it is the middle of something.
    private(set) var isLaterFragment = false
    /// What the last header says follows it.
    private(set) var nextHeader: UInt8
    /// What follows the last header, to the payload's end.
    private(set) var rest: Bytes
    private var bytes = 0
    private var hasFragmentHeader = false

    init(_ packet: IPv6Packet) {
        nextHeader = packet.nextHeader
        rest = packet.payload
        fault = walk()
    }

    /// The upper layer's number and bytes, where types and ports may be read: in a sound chain, not in a later fragment.
    var upperLayer: (proto: UInt8, bytes: Bytes)? { fault == nil && !isLaterFragment ? (nextHeader, rest) : nil }

    private mutating func walk() -> Reason? {
        while let kind = Kind(rawValue: nextHeader) {
            if isLaterFragment { return .ip6Fragment }
            if let reason = enter(kind) { return reason }
        }
        return hasFragmentHeader && !isLaterFragment && rest.count < 8 ? .ip6Fragment : nil
    }

    /// Checks a header and moves behind it, in the order of section 5: kind, number, whole, routing type, bytes.
    private mutating func enter(_ kind: Kind) -> Reason? {
        if kind == .hopByHop, count > 0 { return .ip6HeaderChain }
        if kind == .fragment, hasFragmentHeader { return .ip6HeaderChain }
        count += 1
        if count > Self.maximumHeaders { return .ip6HeaderChain }
        guard let following = rest.uint8(at: 0), let units = rest.uint8(at: 1), kind.length(units) <= rest.count else {
            return hasFragmentHeader ? .ip6Fragment : .ip6HeaderChain
        }
        if kind == .routing, rest.uint8(at: 2) == 0 { return .ip6HeaderChain }
        bytes += kind.length(units)
        if bytes > Self.maximumBytes { return .ip6HeaderChain }
        if kind == .fragment {
            hasFragmentHeader = true
            isLaterFragment = (rest.uint16(at: 2) ?? 0) >> 3 != 0
        }
        rest = rest.dropFirst(kind.length(units))
        nextHeader = following
        return nil
    }

    private enum Kind: UInt8 {
        case hopByHop = 0
        case routing = 43
        case fragment = 44
        case authentication = 51
        case destinationOptions = 60

        /// In bytes, for what the header's second byte says (RFC 8200 4.3-4.6, RFC 4302 2.2).
        func length(_ units: UInt8) -> Int {
            switch self {
            case .fragment: 8
            case .authentication: (Int(units) + 2) * 4
            case .hopByHop, .routing, .destinationOptions: (Int(units) + 1) * 8
            }
        }
    }
}
