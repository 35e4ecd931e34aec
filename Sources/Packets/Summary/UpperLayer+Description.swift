import Addresses

/// A few words about what an IP packet carries.
func summary(of bytes: Bytes, proto: IPProtocol) -> String {
    let text: String? =
        switch proto {
        case .udp: UDPHeader(bytes)?.description
        case .tcp: TCPHeader(bytes)?.description
        case .icmp: ICMPMessage(bytes)?.description
        case .igmp: IGMPMessage(bytes)?.description
        case .icmpv6: ICMPv6Message(bytes)?.description
        default: proto.description
        }
    return text ?? "\(proto) cut short"
}

extension UDPHeader: CustomStringConvertible {
    public var description: String {
        let ports = "UDP \(sourcePort) > \(destinationPort)"
        if [67, 68].contains(sourcePort) || [67, 68].contains(destinationPort), let message = DHCPv4Message(payload) {
            return "\(ports), \(message)"
        }
        if [546, 547].contains(sourcePort) || [546, 547].contains(destinationPort), let message = DHCPv6Message(payload) {
            return "\(ports), \(message)"
        }
        return ports
    }
}

extension TCPHeader: CustomStringConvertible {
    public var description: String {
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]
        let set = names.indices.filter { (flags ?? 0) >> $0 & 1 != 0 }.map { names[$0] }
        return "TCP \(sourcePort) > \(destinationPort)" + (set.isEmpty ? "" : " " + set.joined(separator: " "))
    }
}

extension ICMPMessage: CustomStringConvertible {
    public var description: String {
        switch type {
        case Self.echoReply: "ICMP echo reply"
        case Self.unreachable: "ICMP unreachable, code \(code ?? 0)"
        case Self.redirect: "ICMP redirect"
        case Self.echoRequest: "ICMP echo request"
        case Self.routerAdvertisement: "ICMP router advertisement"
        case Self.routerSolicitation: "ICMP router solicitation"
        case Self.timeExceeded: "ICMP time exceeded"
        case Self.addressMaskRequest: "ICMP address mask request"
        case Self.addressMaskReply: "ICMP address mask reply"
        default: "ICMP type \(type)"
        }
    }
}

extension IGMPMessage: CustomStringConvertible {
    public var description: String {
        let about = group.map { $0.isAny ? "" : " for \($0)" } ?? ""
        switch type {
        case Self.query: return "IGMP query" + about
        case Self.reportV1, Self.reportV2: return "IGMP report" + about
        case Self.leave: return "IGMP leave" + about
        case Self.reportV3: return "IGMP v3 report" + listed(recordGroups)
        case Self.routerAdvertisement: return "IGMP multicast router advertisement"
        case Self.routerSolicitation: return "IGMP multicast router solicitation"
        case Self.routerTermination: return "IGMP multicast router termination"
        default: return "IGMP type \(type)"
        }
    }
}

extension ICMPv6Message: CustomStringConvertible {
    public var description: String {
        if let message = MLDMessage(self) { return message.description }
        guard let name = type.name else { return "ICMPv6 type \(type.rawValue)" }
        var text = "ICMPv6 \(name)"
        if let target { text += type == .neighbourSolicitation ? ", who has \(target)" : ", target \(target)" }
        if isSolicited { text += ", solicited" }
        guard isNeighbourDiscovery else { return text }
        guard let options else { return text + ", cut short" }
        for address in options.compactMap(\.linkLayerAddress) { text += ", at \(address)" }
        return text + (options.isWhole ? "" : ", broken options")
    }
}

extension ICMPv6Message.Kind {
    /// Nil for a type without a name here.
    fileprivate var name: String? {
        switch self {
        case .echoRequest: "echo request"
        case .echoReply: "echo reply"
        case .routerSolicitation: "router solicitation"
        case .routerAdvertisement: "router advertisement"
        case .neighbourSolicitation: "neighbour solicitation"
        case .neighbourAdvertisement: "neighbour advertisement"
        case .redirect: "redirect"
        case .inverseSolicitation: "inverse neighbour solicitation"
        case .inverseAdvertisement: "inverse neighbour advertisement"
        default: nil
        }
    }
}

extension MLDMessage: CustomStringConvertible {
    public var description: String {
        let about = group.map { $0.isUnspecified ? "" : " for \($0)" } ?? ""
        switch type {
        case .multicastQuery: return "MLD query" + about
        case .multicastReport: return "MLD report" + about
        case .multicastDone: return "MLD done" + about
        default: return "MLD v2 report" + listed(recordGroups)
        }
    }
}

extension DHCPv4Message: CustomStringConvertible {
    public var description: String {
        let names = ["discover", "offer", "request", "decline", "ack", "nak", "release", "inform"]
        let index = Int(messageType ?? 0) - 1
        let kind = names.indices.contains(index) ? "DHCP \(names[index])" : operation == 1 ? "BOOTP request" : "BOOTP reply"
        return "\(kind) \(operation == 1 ? "from" : "to") \(clientMAC)" + (yourAddress.isAny ? "" : ", address \(yourAddress)")
    }
}

extension DHCPv6Message: CustomStringConvertible {
    public var description: String {
        let names = [
            "solicit", "advertise", "request", "confirm", "renew", "rebind", "reply", "release", "decline", "reconfigure",
            "information request", "relay forward", "relay reply",
        ]
        let index = Int(type) - 1
        return "DHCPv6 " + (names.indices.contains(index) ? names[index] : "type \(type)")
    }
}

/// The first few of a report's groups.
private func listed(_ groups: [some CustomStringConvertible]) -> String {
    guard !groups.isEmpty else { return "" }
    return " for " + groups.prefix(4).map(\.description).joined(separator: ", ") + (groups.count > 4 ? " and \(groups.count - 4) more" : "")
}
