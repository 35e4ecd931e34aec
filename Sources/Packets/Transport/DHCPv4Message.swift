import Addresses

/// A DHCPv4 or BOOTP message (RFC 2131 2, RFC 951).
public struct DHCPv4Message: Hashable, Sendable {
    public struct Option: Hashable, Sendable {
        public static let messageType: UInt8 = 53, requestedAddress: UInt8 = 50, serverIdentifier: UInt8 = 54, clientIdentifier: UInt8 = 61

        public let code: UInt8
        public let data: Bytes

        public init(code: UInt8, data: Bytes) {
            self.code = code
            self.data = data
        }
    }

    /// The bytes up to and including the boot file name.
    public static let fixedLength = 236

    /// 1 from a client, 2 from a server.
    public let operation: UInt8
    public let hardwareType: UInt8
    public let hardwareLength: UInt8
    public let hops: UInt8
    public let transaction: UInt32
    /// Whether the client wants its answer broadcast.
    public let isBroadcast: Bool
    /// The client's present address (`ciaddr`).
    public let clientAddress: IPv4Address
    /// The address it is given (`yiaddr`).
    public let yourAddress: IPv4Address
    /// The next server's (`siaddr`).
    public let serverAddress: IPv4Address
    /// The relay agent's (`giaddr`).
    public let relayAddress: IPv4Address
    /// The first six bytes of `chaddr`.
    public let clientMAC: MACAddress
    /// Nil without the magic cookie 63.82.53.63: plain BOOTP.
    public let options: OptionWalk<Option>?

    /// Nil for fewer than 236 bytes.
    public init?(_ bytes: Bytes) {
        guard bytes.count >= Self.fixedLength, let operation = bytes.uint8(at: 0), let hardwareType = bytes.uint8(at: 1),
            let hardwareLength = bytes.uint8(at: 2), let hops = bytes.uint8(at: 3), let transaction = bytes.uint32(at: 4),
            let flags = bytes.uint16(at: 10), let clientAddress = bytes.ipv4(at: 12), let yourAddress = bytes.ipv4(at: 16),
            let serverAddress = bytes.ipv4(at: 20), let relayAddress = bytes.ipv4(at: 24), let clientMAC = bytes.mac(at: 28)
        else { return nil }
        self.operation = operation
        self.hardwareType = hardwareType
        self.hardwareLength = hardwareLength
        self.hops = hops
        self.transaction = transaction
        isBroadcast = flags & 0x8000 != 0
        self.clientAddress = clientAddress
        self.yourAddress = yourAddress
        self.serverAddress = serverAddress
        self.relayAddress = relayAddress
        self.clientMAC = clientMAC
        options = bytes.uint32(at: Self.fixedLength) == 0x6382_5363 ? Self.walk(bytes.dropFirst(Self.fixedLength + 4)) : nil
    }

    /// What option 53 says: 1 discover, 2 offer, 3 request, 4 decline, 5 ack, 6 nak, 7 release, 8 inform.
    public var messageType: UInt8? { options?.first { $0.code == Option.messageType }?.data.uint8(at: 0) }

    private static func walk(_ bytes: Bytes) -> OptionWalk<Option> {
        OptionWalk(over: bytes) { offset in
            guard let code = bytes.uint8(at: offset) else { return .broken }
            if code == 0 { return .padding }
            if code == 255 { return .end }
            guard let length = bytes.uint8(at: offset + 1), let data = bytes.slice(at: offset + 2, length: Int(length)) else { return .broken }
            return .option(Option(code: code, data: data), length: 2 + data.count)
        }
    }
}
