import Addresses

/// The first 14 bytes of a frame (IEEE 802.3 3.1).
public struct EthernetHeader: Hashable, Sendable {
    public static let length = 14

    public let destination: MACAddress
    public let source: MACAddress
    /// What follows: a payload, a tag, or (`isLength`) an LLC header.
    public let type: EtherType

    /// Nil for fewer than 14 bytes.
    public init?(_ bytes: Bytes) {
        guard let destination = bytes.mac(at: 0), let source = bytes.mac(at: 6), let type = bytes.uint16(at: 12) else { return nil }
        self.destination = destination
        self.source = source
        self.type = EtherType(rawValue: type)
    }
}
