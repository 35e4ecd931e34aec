/// An IPv6 packet's extension headers, from the fixed header to the upper layer (RFC 8200 4), within policy's limits.
public struct ExtensionHeaderChain: Hashable, Sendable {
    /// One extension header; offsets count from the end of the fixed header.
    public struct Header: Hashable, Sendable {
        public let kind: IPProtocol
        public let offset: Int
        /// All of it, from its next-header byte on.
        public let bytes: Bytes
    }

    /// A fragment header's fields (RFC 8200 4.5).
    public struct Fragment: Hashable, Sendable {
        public let nextHeader: IPProtocol
        /// In units of eight bytes, 0...8191.
        public let offset: UInt16
        public let moreFragments: Bool
        public let identification: UInt32

        /// The only fragment of its packet (RFC 6946).
        public var isAtomic: Bool { offset == 0 && !moreFragments }
    }

    /// What follows the extension headers.
    public struct UpperLayer: Hashable, Sendable {
        public let proto: IPProtocol
        public let offset: Int
        public let bytes: Bytes
    }

    /// Why a chain couldn't be followed, in the order in which a header is checked.
    public enum Break: Hashable, Sendable {
        /// A hop-by-hop header behind another header (RFC 8200 4.1).
        case hopByHopNotFirst
        case secondFragment
        /// More than `maximumHeaders`.
        case tooManyHeaders
        /// A header isn't whole before the payload's end.
        case cutShort
        /// A routing header of type 0 (RFC 5095).
        case routingType0
        /// More than `maximumBytes`.
        case tooLong
    }

    public static let maximumHeaders = 8
    public static let maximumBytes = 512

    /// The headers before the upper layer, or before the break.
    public private(set) var headers: [Header] = []
    /// The fragment header's fields, if there is one.
    public private(set) var fragment: Fragment?
    /// Nil if the chain breaks, or in a fragment other than the first, which has none.
    public private(set) var upperLayer: UpperLayer?
    public private(set) var breakage: Break?

    /// A fragment whose offset isn't 0: what follows its header is the middle of something.
    public var isLaterFragment: Bool { fragment.map { $0.offset != 0 } ?? false }

    /// Walks `payload`, what lies between the fixed header and the packet's end; `first` is the fixed header's next header.
    public init(_ payload: Bytes, startingWith first: IPProtocol) {
        var kind = first
        var offset = 0
        while kind.isExtensionHeader, !isLaterFragment {
            switch check(kind, at: offset, in: payload) {
            case .failure(let reason):
                breakage = reason
                return
            case .success(let header):
                headers.append(header)
                if kind == .fragment { fragment = Fragment(header.bytes) }
                offset += header.bytes.count
                kind = IPProtocol(rawValue: header.bytes.uint8(at: 0) ?? IPProtocol.noNextHeader.rawValue)
            }
        }
        if !isLaterFragment {
            upperLayer = UpperLayer(proto: kind, offset: offset, bytes: payload.dropFirst(offset))
        }
    }

    private enum Checked {
        case success(Header)
        case failure(Break)
    }

    /// The header at `offset`, or the first of its limits that it exceeds.
    private func check(_ kind: IPProtocol, at offset: Int, in payload: Bytes) -> Checked {
        if kind == .hopByHop, offset != 0 { return .failure(.hopByHopNotFirst) }
        if kind == .fragment, fragment != nil { return .failure(.secondFragment) }
        if headers.count == Self.maximumHeaders { return .failure(.tooManyHeaders) }
        guard let units = payload.uint8(at: offset + 1), let bytes = payload.slice(at: offset, length: Self.length(kind, units: units))
        else { return .failure(.cutShort) }
        if kind == .routing, bytes.uint8(at: 2) == 0 { return .failure(.routingType0) }
        if offset + bytes.count > Self.maximumBytes { return .failure(.tooLong) }
        return .success(Header(kind: kind, offset: offset, bytes: bytes))
    }

    /// A header's length in bytes from the value of its second byte: AH counts in fours (RFC 4302 2.2), a fragment header is fixed.
    private static func length(_ kind: IPProtocol, units: UInt8) -> Int {
        switch kind {
        case .fragment: 8
        case .authentication: (Int(units) + 2) * 4
        default: (Int(units) + 1) * 8
        }
    }
}

extension ExtensionHeaderChain.Fragment {
    /// Nil for fewer than eight bytes.
    init?(_ bytes: Bytes) {
        guard let next = bytes.uint8(at: 0), let field = bytes.uint16(at: 2), let identification = bytes.uint32(at: 4) else { return nil }
        self.init(nextHeader: IPProtocol(rawValue: next), offset: field >> 3, moreFragments: field & 1 != 0, identification: identification)
    }
}
