/// An ICMP message (RFC 792): type and code, of which the type alone must be there.
public struct ICMPMessage: Hashable, Sendable {
    public static let echoReply: UInt8 = 0, unreachable: UInt8 = 3, redirect: UInt8 = 5, echoRequest: UInt8 = 8
    public static let routerAdvertisement: UInt8 = 9, routerSolicitation: UInt8 = 10, timeExceeded: UInt8 = 11
    public static let addressMaskRequest: UInt8 = 17, addressMaskReply: UInt8 = 18

    public let type: UInt8
    /// Nil if the message ends behind its type.
    public let code: UInt8?

    /// Nil for no bytes at all.
    public init?(_ bytes: Bytes) {
        guard let type = bytes.uint8(at: 0) else { return nil }
        self.type = type
        code = bytes.uint8(at: 1)
    }
}
