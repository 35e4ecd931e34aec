import Addresses
import Packets

/// What traceroute does: datagrams that live for one hop more each time, and the routers' answers.
enum Traceroute {
    static func tryOut(_ pass: ProofPass) throws {
        try pass.network.sniffer(at: .www).clear()
        let (four, six) = try pass.network.namespace(of: .www).run {
            (try InternetSocket(.datagram, family: .v4), try InternetSocket(.datagram, family: .v6))
        }
        four.setHops(1)
        six.setHops(1)
        four.send([1], to: .v4(Stage.internet4), port: 33_434)
        six.send([1], to: .v6(Stage.internet6), port: 33_434)
        try pass.expect(at: .www, "ICMP time exceeded from the gateway") { frame in
            frame.ipv4.flatMap { ip in ip.source == Stage.gateway.ip4 ? ICMPMessage(ip.payload) : nil }?.type == ICMPMessage.timeExceeded
        }
        try pass.expect(at: .www, "ICMPv6 time exceeded from the gateway") { frame in
            guard let ip = frame.ipv6, ip.source == Stage.gateway.ip6, let upper = ip.chain.upperLayer else { return false }
            return ICMPv6Message(upper.bytes)?.type.rawValue == 3
        }
        four.setHops(5)
        six.setHops(5)
        four.send([2], to: .v4(Stage.internet4), port: 33_435)
        six.send([2], to: .v6(Stage.internet6), port: 33_435)
        try pass.expect(at: .www, "ICMP port unreachable from the Internet") { frame in
            frame.ipv4.flatMap { ip in ip.source == Stage.internet4 ? ICMPMessage(ip.payload) : nil }?.type == ICMPMessage.unreachable
        }
        try pass.expect(at: .www, "ICMPv6 port unreachable from the Internet") { frame in
            guard let ip = frame.ipv6, ip.source == Stage.internet6, let upper = ip.chain.upperLayer else { return false }
            return ICMPv6Message(upper.bytes)?.type.rawValue == 1
        }
    }
}
