/// A range of addresses that share their first `length` bits (RFC 4632, RFC 4291 2.3). Host bits are always zero, so
/// that two equal prefixes are one value; text with host bits set is refused with `AddressError.hostBits`.
public struct Prefix<Address: InternetAddress>: Hashable, Comparable, Sendable, LosslessStringConvertible {
    /// The first address of the range.
    public let address: Address
    /// The number of bits that are given: 0...32 or 0...128.
    public let length: Int

    /// The prefix at `address`; nil if the length isn't one of the family's or a host bit is set.
    public init?(_ address: Address, length: Int) {
        guard let prefix = Self(masking: address, length: length), prefix.address == address else { return nil }
        self = prefix
    }

    /// The prefix that `address` lies in, its host bits cleared; nil if the length isn't one of the family's.
    public init?(masking address: Address, length: Int) {
        guard (0...Self.width).contains(length) else { return nil }
        self.address = Address(rawValue: address.rawValue & Self.mask(length))
        self.length = length
    }

    /// The prefix that holds this address alone.
    public init(_ address: Address) {
        self.address = address
        length = Self.width
    }

    private static var width: Int { Address.RawValue.bitWidth }
    private static func mask(_ length: Int) -> Address.RawValue { Address.RawValue.max << (width - length) }

    /// An address with the first `length` bits set.
    public var mask: Address { Address(rawValue: Self.mask(length)) }
    public var first: Address { address }
    public var last: Address { Address(rawValue: address.rawValue | ~Self.mask(length)) }
    /// Whether this is one address, a /32 or /128.
    public var isSingle: Bool { length == Self.width }

    public func contains(_ other: Address) -> Bool { other.rawValue & Self.mask(length) == address.rawValue }
    /// Whether all of `other` lies within.
    public func contains(_ other: Self) -> Bool { other.length >= length && contains(other.address) }
    /// Whether some address lies in both: of two prefixes that overlap, one contains the other.
    public func overlaps(_ other: Self) -> Bool { contains(other) || other.contains(self) }

    /// By address, then the wider first.
    public static func < (left: Self, right: Self) -> Bool {
        (left.address, left.length) < (right.address, right.length)
    }
}

extension Prefix {
    /// Reads `address/length`, or a plain address as the prefix that holds it alone.
    public init(parsing text: String) throws(AddressError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let address = try Address(parsing: String(parts[0]))
        guard parts.count == 2 else {
            self.init(address)
            return
        }
        guard let length = decimal(parts[1].utf8, maximum: Self.width), let prefix = Self(masking: address, length: length)
        else { throw .length(text: text, maximum: Self.width) }
        guard prefix.address == address else { throw .hostBits(text: text, suggestion: Address.asIPPrefix(prefix)) }
        self = prefix
    }

    /// The prefix that `description` holds; nil where `init(parsing:)` throws.
    public init?(_ description: String) {
        guard let prefix = try? Self(parsing: description) else { return nil }
        self = prefix
    }

    /// `address/length`; a single address is written alone.
    public var description: String { isSingle ? address.description : "\(address)/\(length)" }
}

public typealias IPv4Prefix = Prefix<IPv4Address>
public typealias IPv6Prefix = Prefix<IPv6Address>

extension Prefix<IPv4Address> {
    /// The subnet's broadcast address (RFC 919); nil for /31 and /32, which have none (RFC 3021).
    public var broadcast: IPv4Address? { length < 31 ? last : nil }
}
