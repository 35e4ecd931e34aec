import Lab

/// How others hold guests to their addresses, in shape: the same checks of what a guest sends (MAC, IPv4, IPv6, prefix), in
/// our words, by the means that they use. What they do besides (ARP, neighbour discovery, DHCP) isn't there, which makes
/// them cheaper than they are.
enum PeerRules: Sendable {
    /// nftables, one verdict map from a port's name to its guest's chain: a hash look-up however many guests there are.
    case verdictMap
    /// nftables, a base chain for each guest, as Incus makes them: each frame goes through all.
    case chainPerGuest
    /// ebtables, a rule for each port that jumps to its guest's chain, as libvirt's nwfilter makes them: one after the other.
    case ebtables

    func load(_ guests: [Guest], on ports: [String], in namespace: NetworkNamespace) throws {
        let pairs = Array(zip(guests, ports))
        switch self {
        case .verdictMap: try namespace.output(of: ["nft", "-f"], with: Self.verdictMap(pairs))
        case .chainPerGuest: try namespace.output(of: ["nft", "-f"], with: Self.chains(pairs))
        case .ebtables: try namespace.output(of: ["sh", "-c", "ebtables-nft-restore < \"$1\"", "sh"], with: Self.ebtables(pairs))
        }
    }

    // MARK: The rules

    private static func verdictMap(_ guests: [(guest: Guest, port: String)]) -> [String] {
        let chains = guests.map { guest, port in
            """
                chain g\(guest.number) {
                    ether saddr != \(guest.mac) drop
                    ip saddr \(guest.address4) accept
                    ip6 saddr { \(guest.address6), \(guest.prefix6) } accept
                    ether type arp accept
                    drop
                }
            """
        }
        let jumps = guests.map { "\"\($0.port)\" : jump g\($0.guest.number)" }.joined(separator: ", ")
        let entry = """
                chain from_guests {
                    type filter hook prerouting priority -300; policy accept;
                    iifname vmap { \(jumps) }
                }
            """
        return ["table bridge bench {"] + chains + [entry, "}"]
    }

    private static func chains(_ guests: [(guest: Guest, port: String)]) -> [String] {
        let chains = guests.map { guest, port in
            """
                chain g\(guest.number) {
                    type filter hook forward priority 0; policy accept;
                    iifname "\(port)" ether saddr != \(guest.mac) drop
                    iifname "\(port)" ip saddr != \(guest.address4) drop
                    iifname "\(port)" ip6 saddr != { \(guest.address6), \(guest.prefix6) } drop
                }
            """
        }
        return ["table bridge bench {"] + chains + ["}"]
    }

    private static func ebtables(_ guests: [(guest: Guest, port: String)]) -> [String] {
        var lines = ["*nat", ":PREROUTING ACCEPT", ":POSTROUTING ACCEPT", ":OUTPUT ACCEPT"]
        lines += guests.map { ":I-\($0.port) DROP" }
        for (guest, port) in guests {
            lines += [
                "-A PREROUTING -i \(port) -j I-\(port)",
                "-A I-\(port) ! -s \(guest.mac) -j DROP",
                "-A I-\(port) -p IPv4 --ip-src \(guest.address4) -j ACCEPT",
                "-A I-\(port) -p IPv6 --ip6-src \(guest.address6) -j ACCEPT",
                "-A I-\(port) -p IPv6 --ip6-src \(guest.prefix6) -j ACCEPT",
                "-A I-\(port) -p ARP -j ACCEPT",
            ]
        }
        return lines + ["COMMIT"]
    }
}
