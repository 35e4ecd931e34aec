import Addresses
import Packets

/// A guest with a real DHCP client (udhcpc), and a server outside that gives it the address of its binding.
enum DHCPLease {
    private static let guest = Stage.dhcp, server = Stage.outside

    static func tryOut(_ pass: ProofPass) throws {
        let requests = try pass.network.namespace(of: .outside).run { try InternetSocket(.datagram, family: .v4, port: 67) }
        // It ends by itself, with the lease or without after some tries, and with us.
        let client = try pass.network.namespace(of: .dhcp).start(
            ["setpriv", "--pdeathsig", "KILL", "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", "10", "-T", "3", "-s", "/bin/true"])
        let deadline = ContinuousClock.now + pass.patience
        var acknowledged = false
        while !acknowledged, ContinuousClock.now < deadline {
            guard let request = try requests.receive(within: .milliseconds(200)), let (type, transaction) = kind(of: request.bytes) else {
                continue
            }
            // 1: discover, answered by an offer; 3: request, by an acknowledgement (RFC 2132 9.6).
            let answer: UInt8 = type == 1 ? 2 : 5
            try pass.network.send(Injection(.outside, message(answer, transaction)))
            acknowledged = answer == 5
        }
        let result = try client.wait(atMost: .seconds(60))
        guard result.succeeded, (result.output + result.errors).contains("\(guest.ip4)") else {
            throw Undelivered("the DHCP client got no lease: \(result.errors)\(result.output)")
        }
        try use(pass)
    }

    /// The guest's address works once it has it.
    private static func use(_ pass: ProofPass) throws {
        try pass.network.takeLease(guest)
        try pass.ping(.dhcp, .v4(Stage.gateway.ip4))
    }

    private static func kind(of message: [UInt8]) -> (type: UInt8, transaction: UInt32)? {
        let bytes = Bytes(message)
        guard let transaction = bytes.uint32(at: 4), bytes.mac(at: 28) == guest.mac else { return nil }
        var offset = 240
        while let code = bytes.uint8(at: offset), code != 255 {
            guard let length = bytes.uint8(at: offset + 1) else { return nil }
            if code == 53 { return bytes.uint8(at: offset + 2).map { ($0, transaction) } }
            offset += code == 0 ? 1 : 2 + Int(length)
        }
        return nil
    }

    /// Sent to the address that it offers, as most servers do (RFC 2131 4.1).
    private static func message(_ type: UInt8, _ transaction: UInt32) -> Frame {
        let options: [DHCPv4Message.Option] = [
            .init(code: 54, data: Bytes(server.ip4.bytes)), .init(code: 51, data: Bytes([0, 0, 14, 16])),
            .init(code: 1, data: Bytes([255, 255, 255, 0])),
        ]
        let answer = UpperLayer.dhcpv4(
            2, clientMAC: guest.mac, messageType: type, transaction: transaction, yourAddress: guest.ip4, serverAddress: server.ip4,
            options: options)
        return .ethernet(from: server.mac, to: guest.mac, .ipv4(from: server.ip4, to: guest.ip4, answer))
    }
}
