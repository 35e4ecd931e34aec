import Addresses

/// An option of a neighbour discovery message (RFC 4861 4.6).
public struct NeighbourDiscoveryOption: Hashable, Sendable {
    public static let sourceLinkLayer: UInt8 = 1, targetLinkLayer: UInt8 = 2, prefixInformation: UInt8 = 3
    public static let redirectedHeader: UInt8 = 4, mtu: UInt8 = 5, nonce: UInt8 = 14, routeInformation: UInt8 = 24, dnsServers: UInt8 = 25

    public let type: UInt8
    /// The whole option with type and length: a multiple of eight bytes, at least eight.
    public let bytes: Bytes

    /// The MAC that a source or target link-layer option of eight bytes holds (RFC 2464 6); nil for others.
    public var linkLayerAddress: MACAddress? {
        guard type == Self.sourceLinkLayer || type == Self.targetLinkLayer, bytes.count == 8 else { return nil }
        return bytes.mac(at: 2)
    }

    /// Walks a message from its type on, whose options begin at `start`. A zero length, or one beyond the end, breaks the walk.
    static func walk(_ bytes: Bytes, from start: Int) -> OptionWalk<NeighbourDiscoveryOption> {
        OptionWalk(over: bytes, from: start) { offset in
            guard let type = bytes.uint8(at: offset), let units = bytes.uint8(at: offset + 1), units > 0,
                let option = bytes.slice(at: offset, length: Int(units) * 8)
            else { return .broken }
            return .option(NeighbourDiscoveryOption(type: type, bytes: option), length: option.count)
        }
    }
}
