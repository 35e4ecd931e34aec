/// The start of a TCP header (RFC 9293 3.1): its ports, and the rest if it is there.
public struct TCPHeader: Hashable, Sendable {
    public let sourcePort: UInt16
    public let destinationPort: UInt16
    public let sequenceNumber: UInt32
    /// CWR, ECE, URG, ACK, PSH, RST, SYN, FIN from the highest bit down; nil if cut short, as in a small first fragment.
    public let flags: UInt8?

    /// Nil for fewer than eight bytes.
    public init?(_ bytes: Bytes) {
        guard let source = bytes.uint16(at: 0), let destination = bytes.uint16(at: 2), let sequence = bytes.uint32(at: 4) else { return nil }
        sourcePort = source
        destinationPort = destination
        sequenceNumber = sequence
        flags = bytes.uint8(at: 13)
    }
}
