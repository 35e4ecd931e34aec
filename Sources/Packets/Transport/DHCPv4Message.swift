import Addresses

/// A DHCPv4 or BOOTP message (RFC 2131 2, RFC 951).
public struct DHCPv4Message: Hashable, Sendable {
    public struct Option: Hashable, Sendable {
        public static let requestedAddress: UInt8 = 50, leaseTime: UInt8 = 51, overload: UInt8 = 52, messageType: UInt8 = 53
        public static let serverIdentifier: UInt8 = 54, clientIdentifier: UInt8 = 61, rapidCommit: UInt8 = 80

        public let code: UInt8
        public let data: Bytes

        public init(code: UInt8, data: Bytes) {
            self.code = code
            self.data = data
        }
    }

    /// What option 53 says (RFC 2132 9.6).
    public static let discover: UInt8 = 1, offer: UInt8 = 2, request: UInt8 = 3, decline: UInt8 = 4, acknowledgement: UInt8 = 5
    public static let negativeAcknowledgement: UInt8 = 6, release: UInt8 = 7, inform: UInt8 = 8

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
    /// Those of the options field; nil without the magic cookie 63.82.53.63: plain BOOTP.
    public let options: OptionWalk<Option>?
    /// Those that the fields for the boot file and the server's name hold, in this order, where option 52 says so.
    public let overloadedOptions: [Option]

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
        let options = bytes.uint32(at: Self.fixedLength) == 0x6382_5363 ? Self.walk(bytes.dropFirst(Self.fixedLength + 4)) : nil
        let overload = options?.first { $0.code == Option.overload }?.data.uint8(at: 0) ?? 0
        var overloaded: [Option] = []
        // The file before the name (RFC 2131 4.1); an option 52 within either means nothing.
        if overload & 1 != 0, let file = bytes.slice(at: 108, length: 128) { overloaded += Self.walk(file) }
        if overload & 2 != 0, let name = bytes.slice(at: 44, length: 64) { overloaded += Self.walk(name) }
        self.options = options
        overloadedOptions = overloaded
    }

    /// What option 53 says: 1 discover, 2 offer, 3 request, 4 decline, 5 ack, 6 nak, 7 release, 8 inform.
    public var messageType: UInt8? { data(of: Option.messageType)?.uint8(at: 0) }
    /// What the client would like to have, or has and declines (option 50).
    public var requestedAddress: IPv4Address? { data(of: Option.requestedAddress)?.ipv4(at: 0) }
    /// In seconds; all ones is for ever (option 51).
    public var leaseTime: UInt32? { data(of: Option.leaseTime)?.uint32(at: 0) }
    /// The server that speaks or is spoken to (option 54).
    public var serverIdentifier: IPv4Address? { data(of: Option.serverIdentifier)?.ipv4(at: 0) }
    /// Whether a discover may be, and an acknowledgement is, all there is (RFC 4039).
    public var hasRapidCommit: Bool { data(of: Option.rapidCommit) != nil }

    /// The first option of that code, wherever it stands.
    private func data(of code: UInt8) -> Bytes? {
        options?.first { $0.code == code }?.data ?? overloadedOptions.first { $0.code == code }?.data
    }

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
