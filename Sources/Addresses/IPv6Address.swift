/// An IPv6 address (RFC 4291).
public struct IPv6Address: InternetAddress {
    /// The first 64 bits, usually the subnet's.
    public let high: UInt64
    /// The last 64 bits, usually the interface identifier.
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public init(rawValue: UInt128) {
        self.init(high: UInt64(truncatingIfNeeded: rawValue >> 64), low: UInt64(truncatingIfNeeded: rawValue))
    }

    public var rawValue: UInt128 { UInt128(high) << 64 | UInt128(low) }

    /// `::`, a host that has no address yet.
    public static let unspecified = IPv6Address(high: 0, low: 0)
    /// `::1`.
    public static let loopback = IPv6Address(high: 0, low: 1)
    /// `ff02::1`, every node on the link.
    public static let allNodes = IPv6Address(high: 0xff02 << 48, low: 1)
    /// `ff02::2`, every router on the link.
    public static let allRouters = IPv6Address(high: 0xff02 << 48, low: 2)

    public var isUnspecified: Bool { self == .unspecified }
    public var isLoopback: Bool { self == .loopback }
    /// In ff00::/8.
    public var isMulticast: Bool { high >> 56 == 0xff }
    /// In fe80::/10 (RFC 4291 2.4).
    public var isLinkLocal: Bool { high >> 54 == 0x3fa }

    /// ff02::1:ffXX:XXXX, where neighbour solicitations for this address go (RFC 4291 2.7.1).
    public var solicitedNodeGroup: IPv6Address { IPv6Address(high: 0xff02 << 48, low: 0x1_ff00_0000 | low & 0xff_ffff) }

    /// The group MAC that a multicast address maps to: 33:33 and the last 32 bits (RFC 2464 7).
    public var multicastMAC: MACAddress { MACAddress(rawValue: 0x3333_0000_0000 | low & 0xffff_ffff) }

    public var asIPAddress: IPAddress { .v6(self) }
    public static func asIPPrefix(_ prefix: IPv6Prefix) -> IPPrefix { .v6(prefix) }
}

extension IPv6Address {
    /// Reads every form of RFC 4291 2.2: eight groups, `::` for one or more zero groups, an IPv4 address as the last two.
    public init(parsing text: String) throws(AddressError) {
        if text.utf8.contains(UInt8(ascii: "%")) { throw .zone(text: text) }
        guard let groups = Self.groups(of: Array(text.utf8.prefix(46))) else {
            throw .malformed(text: text, expected: "an IPv6 address such as 2001:db8::1")
        }
        self.init(rawValue: groups.reduce(0) { $0 << 16 | UInt128($1) })
    }

    /// The eight 16-bit groups that the text stands for.
    private static func groups(of text: [UInt8]) -> [UInt16]? {
        let colon = UInt8(ascii: ":")
        guard text.count <= 45 else { return nil }
        var groups: [UInt16] = []
        var gap: Int?
        var rest = text[...]
        if rest.starts(with: [colon, colon]) {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let piece = rest.prefix { $0 != colon }
            rest = rest[piece.endIndex...]
            if rest.isEmpty, piece.contains(UInt8(ascii: ".")) {
                guard let value = IPv4Address.value(of: piece) else { return nil }
                groups += [UInt16(value >> 16), UInt16(value & 0xffff)]
                break
            }
            guard let group = hexadecimal(piece) else { return nil }
            groups.append(group)
            if rest.isEmpty { break }
            rest = rest.dropFirst()
            if rest.first == colon, gap == nil {
                gap = groups.count
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        guard let gap else { return groups.count == 8 ? groups : nil }
        guard groups.count < 8 else { return nil }
        groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        return groups
    }

    /// The canonical text (RFC 5952): lower case, no leading zeros, the first longest run of two or more zero groups
    /// as `::`, and IPv4-mapped addresses with their IPv4 address in dots (section 5).
    public var description: String {
        if high == 0, low >> 32 == 0xffff {
            return "::ffff:\(IPv4Address(rawValue: UInt32(truncatingIfNeeded: low)))"
        }
        let groups = stride(from: 112, through: 0, by: -16).map { UInt16(truncatingIfNeeded: rawValue >> $0) }
        let texts = groups.map { String($0, radix: 16) }
        let gap = Self.longestZeroRun(groups)
        guard gap.count >= 2 else { return texts.joined(separator: ":") }
        return texts[..<gap.lowerBound].joined(separator: ":") + "::" + texts[gap.upperBound...].joined(separator: ":")
    }

    /// The first of the longest runs of zeros, possibly empty.
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 {
                start = index + 1
            } else if index + 1 - start > longest.count {
                longest = start..<index + 1
            }
        }
        return longest
    }
}
