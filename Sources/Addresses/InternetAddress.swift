/// What IPv4 and IPv6 addresses have in common: a number of fixed width, written as text.
public protocol InternetAddress: Hashable, Comparable, Sendable, LosslessStringConvertible {
    /// `UInt32` for IPv4, `UInt128` for IPv6.
    associatedtype RawValue: FixedWidthInteger & UnsignedInteger & Sendable

    /// The address as a number whose most significant byte is the first on the wire.
    var rawValue: RawValue { get }
    init(rawValue: RawValue)

    /// Reads the family's notation, and throws what is wrong with it.
    init(parsing text: String) throws(AddressError)

    /// The address as one of either family.
    var asIPAddress: IPAddress { get }
    /// The prefix as one of either family.
    static func asIPPrefix(_ prefix: Prefix<Self>) -> IPPrefix
}

extension InternetAddress {
    /// The address that `description` holds; nil where `init(parsing:)` throws.
    public init?(_ description: String) {
        guard let address = try? Self(parsing: description) else { return nil }
        self = address
    }

    /// The address whose bytes, in the order of the wire, these are; nil unless there are as many as the family's addresses have.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == RawValue.bitWidth / 8 else { return nil }
        self.init(rawValue: bytes.reduce(0) { $0 << 8 | RawValue($1) })
    }

    /// The bytes in the order of the wire: 4 or 16.
    public var bytes: [UInt8] {
        stride(from: RawValue.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: rawValue >> $0) }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
