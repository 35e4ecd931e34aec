import Addresses

/// The Internet checksum: the ones' complement of the ones' complement sum of 16-bit words (RFC 1071).
public struct InternetChecksum: Sendable {
    private var sum: UInt64 = 0

    public init() {}

    /// Adds bytes as big-endian words; an odd last byte counts as the upper half of a word. At most 2⁴⁸ bytes.
    public mutating func add(_ bytes: some Sequence<UInt8>) {
        var isUpper = true
        for byte in bytes {
            sum &+= isUpper ? UInt64(byte) << 8 : UInt64(byte)
            isUpper.toggle()
        }
    }

    /// Adds the pseudo-header that TCP, UDP and ICMPv6 are summed with (RFC 9293 3.1, RFC 768, RFC 8200 8.1).
    public mutating func addPseudoHeader(source: IPAddress, destination: IPAddress, proto: IPProtocol, length: Int) {
        add(source.bytes)
        add(destination.bytes)
        sum &+= UInt64(truncatingIfNeeded: length) & 0xffff_ffff
        sum &+= UInt64(proto.rawValue)
    }

    /// The value for the checksum field; 0 if the bytes added hold a correct one.
    public var value: UInt16 {
        var folded = sum
        while folded > 0xffff { folded = folded & 0xffff + folded >> 16 }
        return ~UInt16(truncatingIfNeeded: folded)
    }
}
