import Addresses
import Classic
import Lab
import Netlink
import Packets
import Policy
import Testing

/// Real frames through the rules: what they stop, what must pass, and what they are known not to stop.
@Suite(.timeLimit(.minutes(5)))
struct ClassicTrafficTests {
    private func guarded() throws -> ClassicNetwork {
        let network = try ClassicNetwork()
        // Before the rules: with cold caches they break inbound IPv6, and that is told elsewhere.
        let (one, two, outside) = (network.network.guests[0], network.network.guests[1], network.network.outside)
        for (from, to) in [(one, "192.0.2.254"), (one, "192.0.2.2"), (two, "192.0.2.254")] { #expect(try network.canReach(to, from: from)) }
        for (from, to) in [(one, "2001:db8::fe"), (outside, "2001:db8::1")] { #expect(try network.canReach(to, from: from)) }
        try network.apply(ClassicNetwork.policy(ClassicNetwork.binding(1), ClassicNetwork.binding(2)))
        return network
    }

    /// Whether a frame arrives, once one that must has.
    private func arrives(_ frame: Frame, from station: Station, at receiver: Station, _ network: ClassicNetwork) throws -> Bool {
        let marker = Self.udp(from: 1, source: ClassicNetwork.four(1), to: 254, receiver.macAddress, "marker")
        let back = Self.udp(from: 1, source: ClassicNetwork.four(1), to: 2, receiver.macAddress, "marker")
        let sniffer = try receiver.sniffer()
        let sender = try station.sender()
        let honest = try network.network.guests[0].sender()
        try sender.send(frame.bytes)
        let last = receiver.name == "outside" ? marker : back
        try honest.send(last.bytes)
        #expect(try sniffer.first(where: { $0.bytes == last.bytes }) != nil, "an honest frame got lost")
        return sniffer.frames.contains { $0.bytes == frame.bytes }
    }

    private static func udp(from guest: Int, source: IPv4Address, to number: UInt8, _ mac: MACAddress, _ text: String) -> Frame {
        .ethernet(
            from: ClassicNetwork.mac(guest), to: mac,
            .ipv4(from: source, to: ClassicNetwork.four(number), .udp(from: 9, to: 9, payload: Array(text.utf8))))
    }

    @Test func `guests reach the gateway and each other`() throws {
        let network = try guarded()
        let (one, outside) = (network.network.guests[0], network.network.outside)
        #expect(try network.canReach("192.0.2.254", from: one))
        #expect(try network.canReach("192.0.2.1", from: outside))
        #expect(try network.canReach("192.0.2.2", from: one))
        #expect(try network.canReach("2001:db8::fe", from: one))
        // ARP from nothing, both ways.
        try one.forgetNeighbours()
        try outside.forgetNeighbours()
        #expect(try network.canReach("192.0.2.254", from: one))
        try outside.forgetNeighbours()
        #expect(try network.canReach("192.0.2.1", from: outside))
    }

    @Test func `a forged source doesn't get out of the uplink, and an unknown guest gets nowhere`() throws {
        let network = try guarded()
        let (one, stranger, outside) = (network.network.guests[0], network.network.guests[2], network.network.outside)
        #expect(try arrives(Self.udp(from: 1, source: ClassicNetwork.four(1), to: 254, outside.macAddress, "own"), from: one, at: outside, network))
        #expect(
            try !arrives(Self.udp(from: 1, source: ClassicNetwork.four(2), to: 254, outside.macAddress, "forged"), from: one, at: outside, network))
        #expect(
            try !arrives(
                Self.udp(from: 3, source: ClassicNetwork.four(3), to: 254, outside.macAddress, "unknown"), from: stranger, at: outside, network))
        let lie = NetworkPacket.arp(
            .reply, sender: .init(mac: ClassicNetwork.mac(1), ip: ClassicNetwork.four(2)),
            target: .init(mac: outside.macAddress, ip: ClassicNetwork.four(254)))
        #expect(try !arrives(.ethernet(from: ClassicNetwork.mac(1), to: outside.macAddress, lie), from: one, at: outside, network))
    }

    @Test func `between guests of a host a forged source passes, as the article's rules have it`() throws {
        let network = try guarded()
        let (stranger, two) = (network.network.guests[2], network.network.guests[1])
        #expect(try arrives(Self.udp(from: 3, source: ClassicNetwork.four(254), to: 2, two.macAddress, "forged"), from: stranger, at: two, network))
    }

    @Test func `a port that has lost its rules is shut`() throws {
        let network = try guarded()
        let two = network.network.guests[1]
        try network.apply(ClassicNetwork.policy(ClassicNetwork.binding(1)))
        #expect(try !network.canReach("192.0.2.254", from: two))
        #expect(try network.canReach("192.0.2.254", from: network.network.guests[0]))
    }
}
