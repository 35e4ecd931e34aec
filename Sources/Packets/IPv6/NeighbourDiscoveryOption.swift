import Addresses

/// An option of a neighbour discovery message (RFC 4861 4.6).
public struct NeighbourDiscoveryOption: Hashable, Sendable {
    /// An option's type (IANA IPv6 neighbour discovery option formats).
    public struct Kind: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt8

        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let sourceLinkLayer = Kind(rawValue: 1), targetLinkLayer = Kind(rawValue: 2)
        public static let prefixInformation = Kind(rawValue: 3), redirectedHeader = Kind(rawValue: 4), mtu = Kind(rawValue: 5)
        public static let nonce = Kind(rawValue: 14), routeInformation = Kind(rawValue: 24), dnsServers = Kind(rawValue: 25)
    }

    public let type: Kind
    /// The whole option with type and length; in a walk always a multiple of eight bytes, at least eight.
    public let bytes: Bytes

    /// The MAC that a source or target link-layer option of eight bytes holds (RFC 2464 6); nil for others.
    public var linkLayerAddress: MACAddress? {
        guard type == .sourceLinkLayer || type == .targetLinkLayer, bytes.count == 8 else { return nil }
        return bytes.mac(at: 2)
    }

    /// Walks a message from its type on, whose options begin at `start`. A zero length, or one beyond the end, breaks the walk.
    static func walk(_ bytes: Bytes, from start: Int) -> OptionWalk<NeighbourDiscoveryOption> {
        OptionWalk(over: bytes, from: start) { offset in
            guard let type = bytes.uint8(at: offset), let units = bytes.uint8(at: offset + 1), units > 0,
                let option = bytes.slice(at: offset, length: Int(units) * 8)
            else { return .broken }
            return .option(NeighbourDiscoveryOption(type: Kind(rawValue: type), bytes: option), length: option.count)
        }
    }
}
