import Addresses

/// An ARP or RARP packet (RFC 826, RFC 903).
public struct ARPPacket: Hashable, Sendable {
    public struct Operation: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt16

        public init(rawValue: UInt16) { self.rawValue = rawValue }

        public static let request = Operation(rawValue: 1)
        public static let reply = Operation(rawValue: 2)
        public static let reverseRequest = Operation(rawValue: 3)
        public static let reverseReply = Operation(rawValue: 4)
    }

    /// Whose hardware and protocol addresses a packet tells or asks, where they are a MAC and an IPv4 address.
    public struct Party: Hashable, Sendable {
        public var mac: MACAddress
        public var ip: IPv4Address

        public init(mac: MACAddress, ip: IPv4Address) {
            self.mac = mac
            self.ip = ip
        }
    }

    /// The bytes of the fixed part, and of a whole packet for IPv4 over Ethernet.
    public static let fixedLength = 8, length = 28

    /// 1 for Ethernet.
    public let hardwareType: UInt16
    /// An EtherType: 0x0800 for IPv4.
    public let protocolType: EtherType
    public let hardwareLength: UInt8
    public let protocolLength: UInt8
    public let operation: Operation
    /// Nil unless all 28 bytes are there and the types and lengths are those of IPv4 over Ethernet.
    public let sender: Party?
    /// As `sender`.
    public let target: Party?

    /// Nil for fewer than eight bytes.
    public init?(_ bytes: Bytes) {
        guard let hardwareType = bytes.uint16(at: 0), let protocolType = bytes.uint16(at: 2), let hardwareLength = bytes.uint8(at: 4),
            let protocolLength = bytes.uint8(at: 5), let operation = bytes.uint16(at: 6)
        else { return nil }
        self.hardwareType = hardwareType
        self.protocolType = EtherType(rawValue: protocolType)
        self.hardwareLength = hardwareLength
        self.protocolLength = protocolLength
        self.operation = Operation(rawValue: operation)
        guard hardwareType == 1, protocolType == 0x0800, hardwareLength == 6, protocolLength == 4,
            let senderMAC = bytes.mac(at: 8), let senderIP = bytes.ipv4(at: 14), let targetMAC = bytes.mac(at: 18), let targetIP = bytes.ipv4(at: 24)
        else {
            sender = nil
            target = nil
            return
        }
        sender = Party(mac: senderMAC, ip: senderIP)
        target = Party(mac: targetMAC, ip: targetIP)
    }

    /// Whether this is IPv4 over Ethernet with all its 28 bytes.
    public var isIPv4OverEthernet: Bool { sender != nil }
}
