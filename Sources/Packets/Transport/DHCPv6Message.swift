import Addresses

/// A DHCPv6 message (RFC 8415 8, 9), of which the type alone must be there.
public struct DHCPv6Message: Hashable, Sendable {
    public struct Option: Hashable, Sendable {
        public static let clientIdentifier: UInt16 = 1, serverIdentifier: UInt16 = 2, nonTemporaryAddresses: UInt16 = 3
        public static let temporaryAddresses: UInt16 = 4, address: UInt16 = 5, status: UInt16 = 13, rapidCommit: UInt16 = 14
        public static let delegation: UInt16 = 25, prefix: UInt16 = 26

        public let code: UInt16
        public let data: Bytes

        public init(code: UInt16, data: Bytes) {
            self.code = code
            self.data = data
        }
    }

    public static let solicit: UInt8 = 1, advertise: UInt8 = 2, request: UInt8 = 3, confirm: UInt8 = 4, renew: UInt8 = 5, rebind: UInt8 = 6
    public static let reply: UInt8 = 7, release: UInt8 = 8, decline: UInt8 = 9, reconfigure: UInt8 = 10, informationRequest: UInt8 = 11
    public static let relayForward: UInt8 = 12, relayReply: UInt8 = 13

    public let type: UInt8
    /// 24 bits; nil for a relay's messages or if cut short.
    public let transaction: UInt32?
    /// The client or relay that a relay's message is about; nil for others or if cut short.
    public let peer: IPv6Address?
    /// Nil if the message ends before them.
    public let options: OptionWalk<Option>?

    /// Nil for no bytes at all.
    public init?(_ bytes: Bytes) {
        guard let type = bytes.uint8(at: 0) else { return nil }
        self.type = type
        let isRelayed = type == Self.relayForward || type == Self.relayReply
        transaction = isRelayed ? nil : bytes.uint32(at: 0).map { $0 & 0xff_ffff }
        peer = isRelayed ? bytes.ipv6(at: 18) : nil
        let fixedLength = isRelayed ? 34 : 4
        options = bytes.count >= fixedLength ? Self.walk(bytes.dropFirst(fixedLength)) : nil
    }

    /// The client's DUID.
    public var clientIdentifier: Bytes? { options?.first { $0.code == Option.clientIdentifier }?.data }
    /// The server's DUID.
    public var serverIdentifier: Bytes? { options?.first { $0.code == Option.serverIdentifier }?.data }
    public var hasRapidCommit: Bool { options?.contains { $0.code == Option.rapidCommit } ?? false }
    /// Of the message as a whole: 0, also where none is stated, is success.
    public var status: UInt16 { options?.status ?? 0 }
    /// The identity associations in it, of all three kinds, those that are whole.
    public var associations: [DHCPv6Association] { options?.compactMap(DHCPv6Association.init) ?? [] }

    static func walk(_ bytes: Bytes) -> OptionWalk<Option> {
        OptionWalk(over: bytes) { offset in
            guard let code = bytes.uint16(at: offset), let length = bytes.uint16(at: offset + 2),
                let data = bytes.slice(at: offset + 4, length: Int(length))
            else { return .broken }
            return .option(Option(code: code, data: data), length: 4 + data.count)
        }
    }
}
