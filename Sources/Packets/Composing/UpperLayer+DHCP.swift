import Addresses

extension UpperLayer {
    /// A DHCPv4 message in UDP (RFC 2131 2): operation 1 goes from port 68 to 67, 2 the other way, unless ports are given.
    /// `messageType` is that of option 53, put first; nil leaves it out.
    public static func dhcpv4(
        _ operation: UInt8 = 1, clientMAC: MACAddress, messageType: UInt8? = 1, transaction: UInt32 = 0x3903_f326,
        clientAddress: IPv4Address = .any, yourAddress: IPv4Address = .any, serverAddress: IPv4Address = .any,
        relayAddress: IPv4Address = .any, options: [DHCPv4Message.Option] = [], hardwareType: UInt8 = 1, hardwareLength: UInt8 = 6,
        broadcast: Bool = false, from source: UInt16? = nil, to destination: UInt16? = nil
    ) -> UpperLayer {
        var message = [operation, hardwareType, hardwareLength, 0] + bigEndian(transaction) + [0, 0, broadcast ? 0x80 : 0, 0]
        message += clientAddress.bytes + yourAddress.bytes + serverAddress.bytes + relayAddress.bytes
        // chaddr's last ten bytes, server name, boot file.
        message += clientMAC.bytes + repeatElement(0, count: 10 + 64 + 128)
        message += [0x63, 0x82, 0x53, 0x63]
        if let messageType { message += [DHCPv4Message.Option.messageType, 1, messageType] }
        for option in options { message += [option.code, UInt8(truncatingIfNeeded: option.data.count)] + option.data.array }
        message.append(255)
        let isFromClient = operation == 1
        return udp(from: source ?? (isFromClient ? 68 : 67), to: destination ?? (isFromClient ? 67 : 68), payload: message)
    }

    /// A DHCPv6 client's or server's message in UDP (RFC 8415 8), by default from a client.
    public static func dhcpv6(
        _ type: UInt8, transaction: UInt32 = 0x10_0873, options: [DHCPv6Message.Option] = [], from source: UInt16 = 546,
        to destination: UInt16 = 547
    ) -> UpperLayer {
        var message = bigEndian(UInt32(type) << 24 | transaction & 0xff_ffff)
        for option in options { message += bigEndian(option.code) + bigEndian(UInt16(truncatingIfNeeded: option.data.count)) + option.data.array }
        return udp(from: source, to: destination, payload: message)
    }
}
