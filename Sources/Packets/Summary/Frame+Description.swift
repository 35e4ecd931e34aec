import Addresses

extension Frame: CustomStringConvertible {
    /// One line about the frame, whatever its bytes, much as tcpdump would write it. It holds nothing but ASCII.
    public var description: String {
        guard let ethernet else { return "cut short: \(bytes.count) bytes of the Ethernet header's 14" }
        let tags = tags
        let marks = tags.tags.map { "\($0), " }.joined() + (tags.isCutShort ? "tag cut short, " : "")
        return "\(ethernet.source) > \(ethernet.destination), \(marks)\(carried(tags.etherType))length \(bytes.count)"
    }

    /// What the frame carries, with a comma behind it; empty if it is cut short before that.
    private func carried(_ type: EtherType?) -> String {
        guard let type else { return "" }
        let text: String?
        switch type {
        case .arp: text = arp?.description
        case .rarp: text = ARPPacket(payload).map { "R\($0)" }
        case .ipv4: text = ipv4?.description
        case .ipv6: text = ipv6?.description
        case _ where type.isLength: text = llc?.description ?? "LLC cut short"
        default: text = type.description
        }
        return (text ?? "\(type) cut short") + ", "
    }
}

extension ARPPacket: CustomStringConvertible {
    public var description: String {
        guard let sender, let target else {
            return
                "ARP hardware type \(hardwareType), protocol 0x\(hexDigits(UInt64(protocolType.rawValue), width: 4)), lengths \(hardwareLength) and \(protocolLength)"
        }
        switch operation {
        case .request where sender.ip == target.ip: return "ARP \(sender.ip) announced at \(sender.mac)"
        case .request where sender.ip.isAny: return "ARP probe for \(target.ip) by \(sender.mac)"
        case .request: return "ARP who has \(target.ip), tell \(sender.ip) at \(sender.mac)"
        case .reply: return "ARP \(sender.ip) is at \(sender.mac), to \(target.ip)"
        case .reverseRequest: return "ARP reverse request for \(target.mac) by \(sender.mac)"
        default: return "ARP operation \(operation.rawValue) by \(sender.ip) at \(sender.mac)"
        }
    }
}
