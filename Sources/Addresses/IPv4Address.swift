/// An IPv4 address (RFC 791).
public struct IPv4Address: InternetAddress {
    /// a.b.c.d as the number a·2²⁴ + b·2¹⁶ + c·2⁸ + d, in the machine's own byte order.
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        rawValue = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
    }

    /// 0.0.0.0: this host, which has no address yet (RFC 1122 3.2.1.3).
    public static let any = IPv4Address(rawValue: 0)
    /// 255.255.255.255: everybody on this network (RFC 919).
    public static let broadcast = IPv4Address(rawValue: .max)

    public var isAny: Bool { rawValue == 0 }
    /// In 224.0.0.0/4 (RFC 5771).
    public var isMulticast: Bool { rawValue >> 28 == 0xe }
    /// In 127.0.0.0/8 (RFC 1122 3.2.1.3).
    public var isLoopback: Bool { rawValue >> 24 == 127 }

    /// The group MAC that a multicast address maps to: 01:00:5e and the low 23 bits (RFC 1112 6.4).
    public var multicastMAC: MACAddress { MACAddress(rawValue: 0x0100_5e00_0000 | UInt64(rawValue & 0x7f_ffff)) }

    public var asIPAddress: IPAddress { .v4(self) }
    public static func asIPPrefix(_ prefix: IPv4Prefix) -> IPPrefix { .v4(prefix) }
}

extension IPv4Address {
    /// Reads four decimal numbers 0...255 with dots between. A leading zero is refused: to some readers `010` is 8.
    public init(parsing text: String) throws(AddressError) {
        guard let value = Self.value(of: text.utf8) else {
            throw .malformed(text: text, expected: "an IPv4 address such as 192.0.2.1 (four numbers 0 to 255, no leading zeros)")
        }
        self.init(rawValue: value)
    }

    static func value(of text: some Collection<UInt8>) -> UInt32? {
        guard text.count <= 15 else { return nil }
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard let number = decimal(part, maximum: 255) else { return nil }
            value = value << 8 | UInt32(number)
        }
        return value
    }

    public var description: String {
        "\(rawValue >> 24).\(rawValue >> 16 & 0xff).\(rawValue >> 8 & 0xff).\(rawValue & 0xff)"
    }
}

/// A decimal number without sign or leading zeros, at most three digits and `maximum`; nil for anything else.
func decimal(_ digits: some Collection<UInt8>, maximum: Int) -> Int? {
    guard (1...3).contains(digits.count) else { return nil }
    if digits.count > 1, digits.first == UInt8(ascii: "0") { return nil }
    var value = 0
    for digit in digits {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
        value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return value <= maximum ? value : nil
}

/// A hexadecimal number of one to four digits; nil for anything else.
func hexadecimal(_ digits: some Collection<UInt8>) -> UInt16? {
    guard (1...4).contains(digits.count) else { return nil }
    var value: UInt16 = 0
    for digit in digits {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt16(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt16(digit - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt16(digit - UInt8(ascii: "A") + 10)
        default: return nil
        }
    }
    return value
}
