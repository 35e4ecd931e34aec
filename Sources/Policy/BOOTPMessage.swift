import Addresses
import Packets

/// The fixed part of a DHCPv4 message (RFC 2131 2), as far as rules F4 and G4 ask for it.
struct BOOTPMessage {
    /// 1 from a client, 2 from a server.
    let operation: UInt8
    /// chaddr; nil unless the hardware type is Ethernet and the length 6.
    let clientMAC: MACAddress?
    /// ciaddr.
    let clientAddress: IPv4Address
    /// giaddr.
    let relayAddress: IPv4Address

    /// Nil unless the 8 bytes of UDP and the 236 of BOOTP are there.
    init?(udp: Bytes) {
        let message = udp.dropFirst(8)
        guard message.count >= 236, let operation = message.uint8(at: 0), let clientAddress = message.ipv4(at: 12),
            let relayAddress = message.ipv4(at: 24)
        else { return nil }
        self.operation = operation
        self.clientAddress = clientAddress
        self.relayAddress = relayAddress
        clientMAC = message.uint8(at: 1) == 1 && message.uint8(at: 2) == 6 ? message.mac(at: 28) : nil
    }
}
