/// A UDP header (RFC 768).
public struct UDPHeader: Hashable, Sendable {
    public static let length = 8

    public let sourcePort: UInt16
    public let destinationPort: UInt16
    /// As written, in bytes: the header and what follows it.
    public let datagramLength: UInt16
    /// 0 if the sender made none (IPv4 only).
    public let checksum: UInt16
    /// What follows the header, as far as it is there; the length field doesn't bound it.
    public let payload: Bytes

    /// Nil for fewer than eight bytes.
    public init?(_ bytes: Bytes) {
        guard let source = bytes.uint16(at: 0), let destination = bytes.uint16(at: 2), let length = bytes.uint16(at: 4),
            let checksum = bytes.uint16(at: 6)
        else { return nil }
        sourcePort = source
        destinationPort = destination
        datagramLength = length
        self.checksum = checksum
        payload = bytes.dropFirst(Self.length)
    }
}
