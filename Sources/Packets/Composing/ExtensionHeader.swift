/// An IPv6 extension header to be composed into a packet, which fills in its next-header byte.
public struct ExtensionHeader: Hashable, Sendable {
    public var kind: IPProtocol
    /// The whole header; the first byte is overwritten with what follows, unless `nextHeader` is given.
    public var bytes: [UInt8]
    /// What the next-header byte says instead of the truth.
    public var nextHeader: IPProtocol?

    /// Any bytes at all, for headers that are wrong on purpose.
    public init(_ kind: IPProtocol, bytes: [UInt8], nextHeader: IPProtocol? = nil) {
        self.kind = kind
        self.bytes = bytes
        self.nextHeader = nextHeader
    }

    /// RFC 8200 4.3; `options` are padded to a multiple of eight bytes with the header's first two.
    public static func hopByHop(options: [UInt8] = []) -> ExtensionHeader { ExtensionHeader(.hopByHop, options: options) }
    /// RFC 8200 4.6.
    public static func destinationOptions(options: [UInt8] = []) -> ExtensionHeader { ExtensionHeader(.destinationOptions, options: options) }

    /// The hop-by-hop header of MLD (RFC 2710 3): router alert, value 0.
    public static var routerAlert: ExtensionHeader { .hopByHop(options: [5, 2, 0, 0]) }

    /// RFC 8200 4.4; `data` follows the first eight bytes and is padded with zeros to a multiple of eight.
    public static func routing(type: UInt8, segmentsLeft: UInt8 = 0, data: [UInt8] = []) -> ExtensionHeader {
        let bytes = ([0, 0, type, segmentsLeft, 0, 0, 0, 0] + data).padded(to: 8)
        return ExtensionHeader(.routing, counted: bytes)
    }

    /// RFC 8200 4.5; `offset` in units of eight bytes.
    public static func fragment(offset: UInt16 = 0, moreFragments: Bool = false, identification: UInt32 = 1) -> ExtensionHeader {
        let field = offset << 3 | (moreFragments ? 1 : 0)
        return ExtensionHeader(.fragment, bytes: [0, 0] + bigEndian(field) + bigEndian(identification))
    }

    /// RFC 4302 2; `check` is padded with zeros to a multiple of four bytes.
    public static func authentication(index: UInt32 = 256, sequence: UInt32 = 1, check: [UInt8] = [UInt8](repeating: 0, count: 12)) -> ExtensionHeader
    {
        var bytes = [0, 0, 0, 0] + bigEndian(index) + bigEndian(sequence) + check.padded(to: 4)
        bytes[1] = UInt8(truncatingIfNeeded: bytes.count / 4 - 2)
        return ExtensionHeader(.authentication, bytes: bytes)
    }

    /// Fills up with one Pad1 or PadN option (RFC 8200 4.2).
    private init(_ kind: IPProtocol, options: [UInt8]) {
        let missing = (8 - (options.count + 2) % 8) % 8
        let padding: [UInt8] = missing < 2 ? Array(repeating: 0, count: missing) : [1, UInt8(missing - 2)] + Array(repeating: 0, count: missing - 2)
        self.init(kind, counted: [0, 0] + options + padding)
    }

    /// Writes the length in units of eight bytes, not counting the first eight.
    private init(_ kind: IPProtocol, counted bytes: [UInt8]) {
        var bytes = bytes
        bytes[1] = UInt8(truncatingIfNeeded: bytes.count / 8 - 1)
        self.init(kind, bytes: bytes)
    }
}
