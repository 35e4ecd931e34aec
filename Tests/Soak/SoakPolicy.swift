import Addresses
import Lab
import Policy
import PolicyText

/// Who may use what: the guests of the proof's stage, who stay as they are so that the catalogue's attacks mean what they
/// say, and a crowd of others that come, go and change.
enum SoakPolicy {
    /// How many come and go.
    static let crowd = 24
    /// Ports that no policy knows, which come and go as well.
    static let strangers = (1...6).map { "vif9\($0).0" }

    static let bridge = Stage.policy.bridges[0]
    static let hostMAC = MACAddress(0x02, 0x16, 0x3e, 0, 0, 2)
    static let gateway = Speaker(
        port: Stage.uplink, mac: bridge.gatewayMACs[0], ip4: IPv4Address(192, 0, 2, 1), ip6: IPv6Address(high: subnet6, low: 1))

    private static let subnet6: UInt64 = 0x2001_0db8_0001_0000

    /// What the host would use; it has no address here, so that it never speaks.
    private static var guardedBridge: BridgePolicy {
        var bridge = bridge
        bridge.reserved += Stage.hostAddresses.addresses.map { IPPrefix($0) }
        return bridge
    }

    /// As it is at the beginning: each of the crowd has its own movable address.
    static func initial() -> HostPolicy {
        HostPolicy(bridges: [guardedBridge], interfaces: Stage.policy.interfaces + (1...crowd).map(interface))
    }

    /// The name of one of the crowd's ports.
    static func port(_ number: Int) -> String { isKnownByMAC(number) ? "tap\(100 + number)" : "vif\(100 + number).0" }

    /// Some are known by the MAC of a tap as libvirt makes it, not by the port's name.
    static func isKnownByMAC(_ number: Int) -> Bool { number % 4 == 0 }

    static func guest(_ number: Int) -> String { "crowd-\(number)" }
    static func mac(_ number: Int) -> MACAddress { MACAddress(0x02, 0x16, 0x3e, 0, 1, UInt8(number)) }
    /// The host's end of a tap: `fe`, and the rest of its guest's.
    static func tapMAC(_ number: Int) -> MACAddress { MACAddress(0xfe, 0x16, 0x3e, 0, 1, UInt8(number)) }
    static func main4(_ number: Int) -> IPv4Address { IPv4Address(192, 0, 2, UInt8(139 + number)) }
    static func main6(_ number: Int) -> IPv6Address { IPv6Address(high: subnet6, low: 0x1_0000 + UInt64(number)) }
    static func movable4(_ number: Int) -> IPv4Prefix { IPv4Prefix(IPv4Address(192, 0, 2, UInt8(205 + number))) }
    static func movable6(_ number: Int) -> IPv6Prefix { IPv6Prefix(IPv6Address(high: subnet6, low: 0x2_0000 + UInt64(number))) }

    private static func interface(_ number: Int) -> GuestInterface {
        var binding = Binding(
            guest: guest(number), macs: [mac(number)], addresses4: [IPv4Prefix(main4(number)), movable4(number)],
            addresses6: [IPv6Prefix(main6(number)), movable6(number)])
        // More than a record has room for: the rest is in maps, and has to be taken out of them again.
        if number % 3 == 0 {
            let (own4, own6) = (UInt8(number), UInt64(number))
            binding.addresses4 += (32..<38).map { IPv4Prefix(IPv4Address(10, 77, own4, $0)) }
            binding.addresses4.append(IPv4Prefix(masking: IPv4Address(10, 77, own4, 0), length: 28)!)
            binding.addresses6 += (0..<8).map { IPv6Prefix(IPv6Address(high: subnet6, low: 0x3_0000 + own6 << 8 + $0)) }
            binding.addresses6.append(IPv6Prefix(masking: IPv6Address(high: 0x2001_0db8_0077_0000 + own6, low: 0), length: 64)!)
            binding.vlans = [UInt16(100 + number)]
        }
        if number % 5 == 0 { binding.usesDHCP = true }
        return GuestInterface(port: isKnownByMAC(number) ? nil : port(number), bridge: Stage.bridge, binding: binding)
    }

    /// Two of the crowd's guests exchange the addresses that move.
    static func exchange(_ one: Int, _ other: Int, in policy: inout HostPolicy) {
        let (first, second) = (place(of: one, in: policy), place(of: other, in: policy))
        let (former, latter) = (policy.interfaces[first].binding, policy.interfaces[second].binding)
        // The second of each family.
        policy.interfaces[first].binding.addresses4[1] = latter.addresses4[1]
        policy.interfaces[first].binding.addresses6[1] = latter.addresses6[1]
        policy.interfaces[second].binding.addresses4[1] = former.addresses4[1]
        policy.interfaces[second].binding.addresses6[1] = former.addresses6[1]
    }

    static func toggleAudit(of number: Int, in policy: inout HostPolicy) {
        let place = place(of: number, in: policy)
        policy.interfaces[place].binding.mode = policy.interfaces[place].binding.mode == .audit ? .enforce : .audit
    }

    private static func place(of number: Int, in policy: HostPolicy) -> Int {
        policy.interfaces.firstIndex { $0.binding.guest == guest(number) }!
    }

    static func yaml(_ policy: HostPolicy) -> String { PolicyWriter.yaml(for: HostConfiguration(policy: policy)) }
}

/// A machine that speaks: what it is addressed by.
struct Speaker: Hashable {
    var port: String
    var mac: MACAddress
    var ip4: IPv4Address?
    var ip6: IPv6Address?
    /// What it may send and receive besides.
    var more4: [IPv4Address] = []
    var more6: [IPv6Address] = []
    var isAudited = false

    var linkLocal: IPv6Address { mac.eui64LinkLocal }

    init(port: String, mac: MACAddress, ip4: IPv4Address?, ip6: IPv6Address?) {
        (self.port, self.mac, self.ip4, self.ip6) = (port, mac, ip4, ip6)
    }

    init(port: String, _ binding: Binding) {
        let (four, six) = (binding.addresses4.filter(\.isSingle).map(\.address), binding.addresses6.filter(\.isSingle).map(\.address))
        self.init(port: port, mac: binding.macs[0], ip4: four.first, ip6: six.first)
        more4 = Array(four.dropFirst())
        more6 = Array(six.dropFirst())
        isAudited = binding.mode == .audit
    }
}
