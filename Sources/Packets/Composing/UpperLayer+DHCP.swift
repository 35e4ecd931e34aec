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
        for option in options { message += option.bytes }
        return udp(from: source, to: destination, payload: message)
    }
}

extension DHCPv6Message.Option {
    /// An IA_NA or IA_TA with addresses (RFC 8415 21.4 to 21.6), preferred as long as they are valid.
    public static func addresses(
        _ addresses: [IPv6Address], association: UInt32 = 1, isTemporary: Bool = false, lifetime: UInt32 = 3600, status: UInt16? = nil
    ) -> Self {
        let options = addresses.map { Self(code: address, data: Bytes($0.bytes + bigEndian(lifetime) + bigEndian(lifetime))) }
        return isTemporary
            ? .association(temporaryAddresses, bigEndian(association), options, status)
            : .association(nonTemporaryAddresses, bigEndian(association) + [UInt8](repeating: 0, count: 8), options, status)
    }

    /// An IA_PD with prefixes (RFC 8415 21.21, 21.22), preferred as long as they are valid.
    public static func delegation(_ prefixes: [IPv6Prefix], association: UInt32 = 1, lifetime: UInt32 = 3600, status: UInt16? = nil) -> Self {
        let options = prefixes.map { prefix in
            let head = bigEndian(lifetime) + bigEndian(lifetime) + [UInt8(prefix.length)]
            return Self(code: Self.prefix, data: Bytes(head + prefix.address.bytes))
        }
        return .association(delegation, bigEndian(association) + [UInt8](repeating: 0, count: 8), options, status)
    }

    private static func association(_ code: UInt16, _ head: [UInt8], _ options: [Self], _ status: UInt16?) -> Self {
        let inner = options + (status.map { [.status($0)] } ?? [])
        return Self(code: code, data: Bytes(head + inner.flatMap(\.bytes)))
    }

    /// A status code without a text (RFC 8415 21.13).
    public static func status(_ code: UInt16) -> Self { Self(code: status, data: Bytes(bigEndian(code))) }

    /// Of a client's or a server's DUID.
    public static func client(_ identifier: [UInt8]) -> Self { Self(code: clientIdentifier, data: Bytes(identifier)) }
    public static func server(_ identifier: [UInt8]) -> Self { Self(code: serverIdentifier, data: Bytes(identifier)) }
    public static var rapid: Self { Self(code: rapidCommit, data: Bytes([])) }

    /// As it travels.
    fileprivate var bytes: [UInt8] { bigEndian(code) + bigEndian(UInt16(truncatingIfNeeded: data.count)) + data.array }
}
