import CLinux
import RepeatableChance
import Testing

@testable import Netlink

/// What is sent, and what is read from bytes that may be anything.
struct NetlinkMessageTests {
    /// Host byte order is little endian on every machine these are run on.
    @Test func `a message is laid out as netlink(7) says`() {
        var header = ifinfomsg()
        header.ifi_index = 7
        var message = NetlinkMessage(type: RTM_SETLINK, header: header)
        message.append(IFLA_MASTER, UInt32(3))
        message.append(IFLA_IFNAME, string: "vif1.0")
        message.nest(IFLA_PROTINFO) { $0.append(IFLA_BRPORT_ISOLATED, UInt8(1)) }
        // ip link set … : nlmsghdr, ifinfomsg, then attributes padded to 4 bytes.
        let expected: [UInt8] = [
            0x40, 0x00, 0x00, 0x00,  // nlmsg_len 64
            0x13, 0x00, 0x05, 0x00,  // nlmsg_type RTM_SETLINK 19, NLM_F_REQUEST | NLM_F_ACK
            0x09, 0x00, 0x00, 0x00,  // nlmsg_seq
            0x00, 0x00, 0x00, 0x00,  // nlmsg_pid: the kernel
            0x00, 0x00, 0x00, 0x00,  // AF_UNSPEC, type 0
            0x07, 0x00, 0x00, 0x00,  // ifi_index
            0x00, 0x00, 0x00, 0x00,  // ifi_flags
            0x00, 0x00, 0x00, 0x00,  // ifi_change
            0x08, 0x00, 0x0a, 0x00,  // IFLA_MASTER 10
            0x03, 0x00, 0x00, 0x00,
            0x0b, 0x00, 0x03, 0x00,  // IFLA_IFNAME 3, 4 + 7 bytes
            0x76, 0x69, 0x66, 0x31, 0x2e, 0x30, 0x00, 0x00,  // "vif1.0", its zero, a byte of padding
            0x0c, 0x00, 0x0c, 0x80,  // IFLA_PROTINFO 12 | NLA_F_NESTED
            0x05, 0x00, 0x21, 0x00,  // IFLA_BRPORT_ISOLATED 33
            0x01, 0x00, 0x00, 0x00,
        ]
        #expect(message.encoded(sequence: 9, adding: NLM_F_REQUEST | NLM_F_ACK) == expected)
    }

    @Test func `a nest's length covers what is in it, padding included`() throws {
        var message = NetlinkMessage(type: RTM_NEWLINK, header: ifinfomsg())
        message.nest(IFLA_LINKINFO) {
            $0.append(IFLA_INFO_KIND, string: "bridge")
            $0.nest(IFLA_INFO_DATA) { $0.append(IFLA_BR_STP_STATE, UInt32(1)) }
        }
        let reply = NetlinkReply(type: 16, flags: 0, sequence: 0, payload: message.payload[...])
        let information = try #require(reply.attributes(after: ifinfomsg.self)[IFLA_LINKINFO]?.nested)
        #expect(information[IFLA_INFO_KIND]?.string == "bridge")
        #expect(information[IFLA_INFO_DATA]?.nested[IFLA_BR_STP_STATE]?.uint32 == 1)
    }

    @Test func `one datagram may hold several messages`() throws {
        let message = NetlinkMessage(type: RTM_NEWLINK, header: ifinfomsg())
        let bytes = message.encoded(sequence: 1, adding: 0) + message.encoded(sequence: 2, adding: 0)
        #expect(try #require(NetlinkReply.split(bytes[...])).map(\.sequence) == [1, 2])
    }

    @Test(
        arguments: [
            [0x20, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],  // says 32 bytes, has 16
            [0x0f, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],  // shorter than its own header
            [0, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],  // would never end
            [0xff, 0xff, 0xff, 0xff, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
            [0x10, 0, 0, 0, 16],  // a header cut off
        ] as [[UInt8]])
    func `a datagram whose lengths contradict its bytes is refused`(bytes: [UInt8]) {
        #expect(NetlinkReply.split(bytes[...]) == nil)
    }

    @Test(
        arguments: [
            [8, 0, 1, 0, 1, 2, 3],  // says 8 bytes, has 7
            [3, 0, 1, 0],  // shorter than its own header
            [0, 0, 1, 0, 0, 0, 0, 0],  // would never end
            [4, 0, 1],  // a header cut off
            [0xff, 0xff, 1, 0],
        ] as [[UInt8]])
    func `an attribute whose length contradicts its bytes ends the reading`(bytes: [UInt8]) {
        let good: [UInt8] = [5, 0, 9, 0, 42, 0, 0, 0]
        let attributes = Array(NetlinkAttributes((good + bytes)[...]))
        #expect(attributes.map(\.type) == [9])
        #expect(attributes.first?.uint8 == 42)
    }

    @Test func `a value of another size than asked for is none`() {
        let attribute = NetlinkAttribute(type: 1, bytes: [1, 2, 3])
        #expect(attribute.uint8 == nil && attribute.uint16 == nil && attribute.uint32 == nil && attribute.int32 == nil)
        #expect(NetlinkAttribute(type: 1, bytes: []).uint8 == nil)
        #expect(NetlinkAttribute(type: 1, bytes: []).string == "")
        #expect(NetlinkAttribute(type: 1, bytes: [0x61, 0xff, 0, 0x62]).string == "a\u{fffd}")
    }

    @Test func `flag bits aren't part of an attribute's number`() {
        #expect(NetlinkAttributes([4, 0, 12, 0x80])[12] != nil)
        #expect(NetlinkAttributes([4, 0, 12, 0x40])[12] != nil)
    }

    /// Everything that reads a kernel's answer, over bytes from a fixed random sequence and over true answers cut
    /// short or with a byte changed: whatever comes out, nothing may trap.
    @Test func `no answer, however malformed, crashes a reader`() {
        var random = Chance(seed: 0x9e37_79b9_7f4a_7c15)
        let types = [RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWNEIGH, RTM_NEWTFILTER]
        var message = NetlinkMessage(type: RTM_NEWLINK, header: Link.header(for: 3))
        message.append(IFLA_IFNAME, string: "vif1.0")
        message.append(IFLA_ADDRESS, bytes: [0, 1, 2, 3, 4, 5])
        message.nest(IFLA_LINKINFO) {
            $0.append(IFLA_INFO_SLAVE_KIND, string: "bridge")
            $0.nest(IFLA_INFO_SLAVE_DATA) { $0.append(IFLA_BRPORT_STATE, UInt8(3)) }
        }
        for round in 0..<20_000 {
            var bytes: [UInt8]
            if round % 2 == 0 {
                bytes = message.payload
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                bytes.removeLast(Int(random.next() % 5))
            } else {
                bytes = (0..<random.next() % 80).map { _ in UInt8(truncatingIfNeeded: random.next() & random.next()) }
            }
            let type = UInt16(types[Int(random.next() % UInt64(types.count))])
            let reply = NetlinkReply(type: type, flags: 0, sequence: 0, payload: bytes[...])
            if let link = Link(reply) {
                _ = BridgePort(link)
                _ = Bridge(link)
            }
            _ = InterfaceAddress(reply)
            _ = Route(reply)
            _ = Neighbour(reply)
            _ = ForwardingDatabase.Entry(reply)
            _ = TrafficControl.Filter(reply, 3, .ingress)
            _ = NetlinkReply.split(bytes[...])
        }
    }
}
