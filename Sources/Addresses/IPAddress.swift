/// An address of either family. IPv4 sorts before IPv6.
public enum IPAddress: Hashable, Comparable, Sendable, LosslessStringConvertible {
    case v4(IPv4Address)
    case v6(IPv6Address)

    /// Reads either notation; text with a colon is taken for IPv6.
    public init(parsing text: String) throws(AddressError) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            self = .v6(try IPv6Address(parsing: text))
        } else if let address = IPv4Address(text) {
            self = .v4(address)
        } else {
            throw .malformed(text: text, expected: "an IP address such as 192.0.2.1 or 2001:db8::1")
        }
    }

    /// The address that `description` holds; nil where `init(parsing:)` throws.
    public init?(_ description: String) {
        guard let address = try? Self(parsing: description) else { return nil }
        self = address
    }

    /// The address of 4 or 16 bytes in the order of the wire; nil for any other number of them.
    public init?(bytes: some Collection<UInt8>) {
        if let address = IPv4Address(bytes: bytes) {
            self = .v4(address)
        } else if let address = IPv6Address(bytes: bytes) {
            self = .v6(address)
        } else {
            return nil
        }
    }

    /// The bytes in the order of the wire: 4 or 16.
    public var bytes: [UInt8] {
        switch self {
        case .v4(let address): address.bytes
        case .v6(let address): address.bytes
        }
    }

    public var isMulticast: Bool {
        switch self {
        case .v4(let address): address.isMulticast
        case .v6(let address): address.isMulticast
        }
    }

    public var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }
}
