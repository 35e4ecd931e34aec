/// A prefix of either family. IPv4 sorts before IPv6.
public enum IPPrefix: Hashable, Comparable, Sendable, LosslessStringConvertible {
    case v4(IPv4Prefix)
    case v6(IPv6Prefix)

    /// The prefix that holds this address alone.
    public init(_ address: IPAddress) {
        switch address {
        case .v4(let address): self = .v4(IPv4Prefix(address))
        case .v6(let address): self = .v6(IPv6Prefix(address))
        }
    }

    /// Reads `address/length` or a plain address of either family; text with a colon is taken for IPv6.
    public init(parsing text: String) throws(AddressError) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            self = .v6(try IPv6Prefix(parsing: text))
            return
        }
        do throws(AddressError) {
            self = .v4(try IPv4Prefix(parsing: text))
        } catch .malformed {
            throw .malformed(text: text, expected: "an IP address or prefix such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/64")
        }
    }

    /// The prefix that `description` holds; nil where `init(parsing:)` throws.
    public init?(_ description: String) {
        guard let prefix = try? Self(parsing: description) else { return nil }
        self = prefix
    }

    /// The first address of the range.
    public var address: IPAddress {
        switch self {
        case .v4(let prefix): .v4(prefix.address)
        case .v6(let prefix): .v6(prefix.address)
        }
    }

    public var length: Int {
        switch self {
        case .v4(let prefix): prefix.length
        case .v6(let prefix): prefix.length
        }
    }

    /// Whether this is one address, a /32 or /128.
    public var isSingle: Bool {
        switch self {
        case .v4(let prefix): prefix.isSingle
        case .v6(let prefix): prefix.isSingle
        }
    }

    public func contains(_ address: IPAddress) -> Bool { contains(IPPrefix(address)) }

    /// Whether all of `other` lies within; never across families.
    public func contains(_ other: IPPrefix) -> Bool {
        switch (self, other) {
        case (.v4(let mine), .v4(let theirs)): mine.contains(theirs)
        case (.v6(let mine), .v6(let theirs)): mine.contains(theirs)
        default: false
        }
    }

    /// Whether some address lies in both; never across families.
    public func overlaps(_ other: IPPrefix) -> Bool { contains(other) || other.contains(self) }

    public var description: String {
        switch self {
        case .v4(let prefix): prefix.description
        case .v6(let prefix): prefix.description
        }
    }
}
