import Addresses
import Policy

/// One rule of the 2008 article. All of them accept: what none accepts, the chains' policy drops, and their order has no
/// meaning.
public enum Rule: Sendable, Hashable {
    /// ARP requests from the port, whatever they say.
    case requestsFrom(port: String)
    /// ARP requests to the port.
    case requestsTo(port: String)
    /// ARP replies to the port, from outside alone.
    case repliesTo(port: String, uplink: String)
    /// ARP replies from the port that say the address is at the MAC.
    case repliesFrom(port: String, address: IPv4Prefix, mac: MACAddress)
    /// Packets to the port for the address, from anybody.
    case delivery(port: String, address: IPPrefix)
    /// Packets from the port to the uplink that come from the address.
    case departure(port: String, uplink: String, address: IPPrefix)

    /// All that a port gets when it comes up, in the article's order.
    ///
    /// With several MACs an address has a rule for each, and with several uplinks what names one is there for each.
    public static func all(of port: String, _ binding: Binding, uplinks: [String]) -> [Rule] {
        var rules: [Rule] = [.requestsFrom(port: port), .requestsTo(port: port)]
        rules += uplinks.map { .repliesTo(port: port, uplink: $0) }
        for address in binding.addresses4 {
            rules += binding.macs.map { .repliesFrom(port: port, address: address, mac: $0) }
            rules += packets(of: port, .v4(address), uplinks)
        }
        for address in binding.addresses6 + binding.linkLocals.map({ IPv6Prefix($0) }) { rules += packets(of: port, .v6(address), uplinks) }
        var seen: Set<Rule> = []
        return rules.filter { seen.insert($0).inserted }
    }

    private static func packets(of port: String, _ address: IPPrefix, _ uplinks: [String]) -> [Rule] {
        [.delivery(port: port, address: address)] + uplinks.map { .departure(port: port, uplink: $0, address: address) }
    }

    /// The guest's port, whichever way the frames go.
    public var port: String {
        switch self {
        case .requestsFrom(let port), .requestsTo(let port), .repliesTo(let port, _), .repliesFrom(let port, _, _), .delivery(let port, _),
            .departure(let port, _, _):
            port
        }
    }

    public var filter: Filter {
        switch self {
        case .requestsFrom, .requestsTo, .repliesTo, .repliesFrom: .arptables
        case .delivery(_, let address), .departure(_, _, let address): if case .v4 = address { .iptables } else { .ip6tables }
        }
    }

    /// What follows `-A FORWARD`, in the article's words.
    public var words: [String] {
        switch self {
        case .requestsFrom(let port): ["--opcode", "Request", "--in-interface", port, "-j", "ACCEPT"]
        case .requestsTo(let port): ["--opcode", "Request", "--out-interface", port, "-j", "ACCEPT"]
        case .repliesTo(let port, let uplink): ["--opcode", "Reply", "--out-interface", port, "--in-interface", uplink, "-j", "ACCEPT"]
        case .repliesFrom(let port, let address, let mac):
            ["--opcode", "Reply", "--in-interface", port, "--source-ip", "\(address)", "--source-mac", "\(mac)", "-j", "ACCEPT"]
        case .delivery(let port, let address): ["-m", "physdev", "--physdev-out", port, "--destination", "\(address)", "-j", "ACCEPT"]
        case .departure(let port, let uplink, let address):
            ["-m", "physdev", "--physdev-in", port, "--physdev-out", uplink, "--source", "\(address)", "-j", "ACCEPT"]
        }
    }
}
