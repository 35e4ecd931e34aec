import Addresses
import Classic
import Glibc
import Lab
import Netlink
import Policy
import Testing

/// A bridged network whose host has iptables to itself: three guests that are given their addresses, and what is outside.
/// Nothing is guarded yet.
final class ClassicNetwork: Sendable {
    let network: BridgedNetwork
    var host: NetworkNamespace { network.host }

    static func mac(_ number: Int) -> MACAddress { MACAddress(0x00, 0x16, 0x3e, 0, 0, UInt8(number)) }
    static func four(_ number: UInt8) -> IPv4Address { IPv4Address(192, 0, 2, number) }
    static func six(_ number: UInt8) -> IPv6Address { IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(number)) }

    /// The two kinds of iptables and ip6tables.
    enum Kind: String, CaseIterable { case nft, legacy }

    /// The machine beyond the uplink has the addresses that end in 254.
    ///
    /// - Parameter kind: what the host's `iptables` and `ip6tables` are.
    init(guests: Int = 3, joined: Bool = true, _ kind: Kind = .nft) throws {
        network = try BridgedNetwork(guests: (1...guests).map(Self.mac), joined: joined)
        for (place, station) in (network.guests + [network.outside]).enumerated() {
            let number = place == guests ? 254 : UInt8(place + 1)
            try station.add(.v4(Self.four(number)), prefixLength: 24)
            try station.add(.v6(Self.six(number)), prefixLength: 64)
        }
        // iptables keeps its lock there: it is to be the namespace's own.
        try host.run {
            try #require(mount("tmpfs", "/run", "tmpfs", 0, nil) == 0)
            // Both kinds are one program each, which goes by what it is called.
            let programs = ["/usr/sbin/xtables-nft-multi", "/usr/sbin/xtables-legacy-multi"]
            let (other, own) = kind == .nft ? (programs[1], programs[0]) : (programs[0], programs[1])
            try #require(mount(own, other, nil, UInt(MS_BIND), nil) == 0)
        }
    }

    static func binding(_ number: UInt8, _ addresses: UInt8...) -> Binding {
        let numbers = addresses.isEmpty ? [number] : addresses
        return Binding(
            guest: "guest-\(number)", macs: [mac(Int(number))], addresses4: numbers.map { IPv4Prefix(four($0)) },
            addresses6: numbers.map { IPv6Prefix(six($0)) })
    }

    static let bridge = BridgePolicy(name: "br0", uplinks: ["uplink"], gateways: [.v4(four(254))])

    static func policy(_ bindings: Binding...) -> HostPolicy {
        HostPolicy(
            bridges: [bridge],
            interfaces: bindings.enumerated().map { GuestInterface(port: "vif\($0 + 1).0", bridge: "br0", binding: $1) })
    }

    @discardableResult
    func apply(_ policy: HostPolicy) throws -> ClassicReport { try host.run { try Classic.apply(policy) } }

    /// What a tool lists, without the blanks at the ends of its lines.
    func listing(_ words: String...) throws -> [String] {
        try host.output(of: words).split(separator: "\n").map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return String(line)
        }
    }

    /// All that there is in FORWARD, of all three.
    func forward() throws -> [[String]] {
        [try listing("iptables", "-S", "FORWARD"), try listing("ip6tables", "-S", "FORWARD"), try listing("arptables-legacy", "-n", "-L", "FORWARD")]
    }

    func canReach(_ address: String, from station: Station) throws -> Bool {
        try station.namespace.execute(["ping", "-c", "3", "-i", "0.05", "-W", "1", address]).succeeded
    }
}
