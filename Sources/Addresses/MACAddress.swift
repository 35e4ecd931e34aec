/// A 48-bit Ethernet address (IEEE 802 8.2).
public struct MACAddress: Hashable, Comparable, Sendable, LosslessStringConvertible {
    /// The address as a number whose most significant of 48 bits is the first on the wire; the upper 16 bits are 0.
    public let rawValue: UInt64

    /// Takes the low 48 bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue & 0xffff_ffff_ffff }

    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8, _ e: UInt8, _ f: UInt8) {
        let high = UInt64(a) << 40 | UInt64(b) << 32 | UInt64(c) << 24
        rawValue = high | UInt64(d) << 16 | UInt64(e) << 8 | UInt64(f)
    }

    /// The address whose bytes, in the order of the wire, these are; nil unless there are six.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 6 else { return nil }
        rawValue = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    public static let zero = MACAddress(rawValue: 0)
    /// ff:ff:ff:ff:ff:ff.
    public static let broadcast = MACAddress(rawValue: .max)

    /// The six bytes in the order of the wire.
    public var bytes: [UInt8] { stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: rawValue >> $0) } }
    /// Multicast or broadcast: the I/G bit, lowest of the first byte, is set. No frame comes from such an address.
    public var isGroup: Bool { rawValue & 0x0100_0000_0000 != 0 }
    public var isZero: Bool { rawValue == 0 }
    public var isBroadcast: Bool { self == .broadcast }

    /// The IPv6 link-local address that a host derives from this MAC: fe80::/64 and the modified EUI-64 identifier
    /// (RFC 4291 appendix A: universal/local bit inverted, ff:fe in the middle).
    public var eui64LinkLocal: IPv6Address {
        let upper = (rawValue >> 24) ^ 0x02_0000
        return IPv6Address(high: 0xfe80 << 48, low: upper << 40 | 0xff_fe00_0000 | rawValue & 0xff_ffff)
    }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension MACAddress {
    /// Reads six pairs of hexadecimal digits with `:` or `-` between, such as `00:16:3e:38:b4:ac`.
    public init(parsing text: String) throws(AddressError) {
        guard let address = Self(text) else {
            throw .malformed(text: text, expected: "a MAC address such as 00:16:3e:38:b4:ac (six pairs of hexadecimal digits)")
        }
        self = address
    }

    /// The address that `description` holds; nil where `init(parsing:)` throws.
    public init?(_ description: String) {
        let text = Array(description.utf8.prefix(18))
        guard text.count == 17, text[2] == UInt8(ascii: ":") || text[2] == UInt8(ascii: "-") else { return nil }
        var value: UInt64 = 0
        for pair in text.split(separator: text[2], omittingEmptySubsequences: false) {
            guard pair.count == 2, let byte = hexadecimal(pair) else { return nil }
            value = value << 8 | UInt64(byte)
        }
        rawValue = value
    }

    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
