import Addresses
import Packets
import Testing

@Suite struct DHCPTests {
    @Test func `a discover goes from port 68 to 67 with the client's MAC at byte 28`() throws {
        let datagram = try #require(UDPHeader(Bytes(UpperLayer.dhcpv4(clientMAC: Samples.guest, broadcast: true).bytes)))
        #expect(datagram.sourcePort == 68 && datagram.destinationPort == 67)
        #expect(datagram.payload.array.prefix(4) == [1, 1, 6, 0] && datagram.payload.slice(at: 28, length: 6)?.array == Samples.guest.bytes)
        let message = try #require(DHCPv4Message(datagram.payload))
        #expect(message.operation == 1 && message.hardwareType == 1 && message.hardwareLength == 6 && message.isBroadcast)
        #expect(message.clientMAC == Samples.guest && message.messageType == 1)
        #expect(message.clientAddress.isAny && message.relayAddress.isAny)
    }

    @Test func `addresses and options are where RFC 2131 has them`() throws {
        let upper = UpperLayer.dhcpv4(
            2, clientMAC: Samples.guest, messageType: 5, clientAddress: IPv4Address(1, 1, 1, 1), yourAddress: IPv4Address(2, 2, 2, 2),
            serverAddress: IPv4Address(3, 3, 3, 3), relayAddress: IPv4Address(4, 4, 4, 4), options: [.init(code: 54, data: Bytes([9, 9, 9, 9]))])
        let datagram = try #require(UDPHeader(Bytes(upper.bytes)))
        #expect(datagram.sourcePort == 67 && datagram.destinationPort == 68)
        #expect(datagram.payload.slice(at: 12, length: 16)?.array == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
        let message = try #require(DHCPv4Message(datagram.payload))
        #expect(message.options?.map(\.code) == [53, 54] && message.options?.isWhole == true && message.yourAddress == IPv4Address(2, 2, 2, 2))
    }

    @Test func `BOOTP needs 236 bytes, options the cookie`() throws {
        let payload = try #require(UDPHeader(Bytes(UpperLayer.dhcpv4(clientMAC: Samples.guest).bytes))).payload
        #expect(DHCPv4Message(payload.prefix(235)) == nil)
        #expect(try #require(DHCPv4Message(payload.prefix(236))).options == nil)
        #expect(try #require(DHCPv4Message(payload.prefix(240))).options?.isWhole == true)
        // Option 53 with its length, without its value.
        #expect(try #require(DHCPv4Message(payload.prefix(242))).options?.brokenAt == 0)
    }

    @Test func `DHCPv6 has a type, a transaction and options`() throws {
        let upper = UpperLayer.dhcpv6(DHCPv6Message.solicit, transaction: 0xabcdef, options: [.init(code: 8, data: Bytes([0, 0]))])
        let message = try #require(UDPHeader(Bytes(upper.bytes)).flatMap { DHCPv6Message($0.payload) })
        #expect(message.type == 1 && message.transaction == 0xabcdef && message.options?.map(\.code) == [8])
        let relayed = try #require(DHCPv6Message(Bytes([12, 0] + [UInt8](repeating: 0, count: 16) + Samples.linkLocal.bytes)))
        #expect(relayed.transaction == nil && relayed.peer == Samples.linkLocal && relayed.options?.isWhole == true)
    }

    @Test func `ports need eight bytes`() {
        #expect(UDPHeader(Bytes([0, 1, 0, 2, 0, 8, 0])) == nil)
        #expect(TCPHeader(Bytes([0, 1, 0, 2, 0, 0, 0])) == nil)
        #expect(TCPHeader(Bytes([0, 1, 0, 2, 0, 0, 0, 9]))?.destinationPort == 2)
        #expect(TCPHeader(Bytes(UpperLayer.tcp(from: 1, to: 2).bytes))?.flags == 2)
    }
}
