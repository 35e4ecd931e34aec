/// An option in an IPv4 header (RFC 791 3.1); no-operations and the end of the list aren't among them.
public struct IPv4Option: Hashable, Sendable {
    /// Copied flag, class and number in one byte.
    public let type: UInt8
    /// What follows type and length.
    public let data: Bytes

    public static let looseSourceRoute: UInt8 = 131, strictSourceRoute: UInt8 = 137, recordRoute: UInt8 = 7
    public static let timestamp: UInt8 = 68, routerAlert: UInt8 = 148

    public var isSourceRoute: Bool { type == Self.looseSourceRoute || type == Self.strictSourceRoute }

    /// Walks the bytes between the fixed header and the header's end.
    static func walk(_ bytes: Bytes) -> OptionWalk<IPv4Option> {
        OptionWalk(over: bytes) { offset in
            guard let type = bytes.uint8(at: offset) else { return .broken }
            if type == 0 { return .end }
            if type == 1 { return .padding }
            guard let length = bytes.uint8(at: offset + 1).map(Int.init), length >= 2,
                let data = bytes.slice(at: offset + 2, length: length - 2)
            else { return .broken }
            return .option(IPv4Option(type: type, data: data), length: length)
        }
    }
}
