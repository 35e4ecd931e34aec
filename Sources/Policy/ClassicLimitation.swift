import Addresses

/// Something a policy asks for that the rules of the classic engine can't do (Documentation/classic.md): what, and what to
/// write instead.
public struct ClassicLimitation: Sendable, Hashable {
    /// What becomes of a policy that asks for it.
    public enum Weight: Sendable, Hashable {
        /// It isn't taken: a guest would be cut off, or be held to less than was asked for in so many words.
        case refused
        /// It is taken, and the wish left out.
        case ignored
    }

    public var weight: Weight
    public var message: String
    public var suggestion: String

    init(_ weight: Weight, _ message: String, write suggestion: String) {
        self.weight = weight
        self.message = message
        self.suggestion = suggestion
    }

    /// A port or uplink that a rule can't name: to iptables and arptables a `+` at the end stands for any ending, and what
    /// they list again must be told apart from all else. nil: it can be named.
    public static func naming(_ interface: String) -> ClassicLimitation? {
        let isPlain = interface.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "-_.".utf8.contains(byte)
            }
        }
        if isPlain, (1...15).contains(interface.utf8.count), interface.utf8.first != UInt8(ascii: "-") { return nil }
        return ClassicLimitation(
            .refused, "the classic engine's rules can't name an interface \"\(interface)\"",
            write: "a name of letters, digits, '.', '_' and '-', such as vif1.0, or engine: ebpf")
    }
}

extension Binding {
    /// What of it the classic engine can't do.
    public var classicLimitations: [ClassicLimitation] {
        var found: [ClassicLimitation] = []
        func refuse(_ message: String, _ suggestion: String) { found.append(ClassicLimitation(.refused, message, write: suggestion)) }
        func ignore(_ message: String) {
            found.append(ClassicLimitation(.ignored, message, write: "nothing of it, or engine: ebpf"))
        }
        if usesDHCP {
            refuse("the classic engine drops what DHCP clients send, and knows no leases", "the guest's addresses in place of dhcp, or engine: ebpf")
        }
        if !roles.isEmpty { refuse("the classic engine knows no roles", "no roles, or engine: ebpf") }
        if !virtualRouters.isEmpty { refuse("the classic engine drops what virtual routers tell each other", "no vrrp, or engine: ebpf") }
        if mode == .audit { refuse("the classic engine can't count without dropping: there is no audit mode", "mode: enforce, or engine: ebpf") }
        if addresses4.contains(where: { $0.length == 0 }) || addresses6.contains(where: { $0.length == 0 }) {
            refuse("the classic engine can't tell a rule for every address from none", "the guest's own addresses")
        }
        if !vlans.isEmpty { ignore("the classic engine doesn't look at tagged frames: every guest may send any") }
        if !etherTypes.isEmpty { ignore("the classic engine looks at IPv4, IPv6 and ARP alone: every guest may send any other EtherType") }
        if limits != .default { ignore("the classic engine keeps nobody to limits") }
        if !quiet { ignore("the classic engine has all ARP requests reach every guest, and no neighbour solicitation by multicast") }
        return found
    }
}

extension GuestInterface {
    /// The first thing that keeps the classic engine from having rules for it: its own, its bridge's, or its port's name.
    ///
    /// - Parameter port: the one that it has, which the policy need not name.
    public func classicRefusal(on bridge: BridgePolicy, port: String?) -> ClassicLimitation? {
        let all = bridge.classicLimitations + binding.classicLimitations + (port.flatMap(ClassicLimitation.naming).map { [$0] } ?? [])
        return all.first { $0.weight == .refused }
    }
}

extension BridgePolicy {
    /// What of it the classic engine can't do.
    public var classicLimitations: [ClassicLimitation] {
        var found = uplinks.compactMap(ClassicLimitation.naming)
        if isolatesGuests {
            found.append(
                ClassicLimitation(
                    .refused, "the classic engine lets guests of a bridge talk to each other", write: "isolated: false, or engine: ebpf"))
        }
        if uplinkMode == .enforce {
            found.append(
                ClassicLimitation(
                    .refused, "the classic engine doesn't look at who speaks from outside", write: "uplink: audit, or engine: ebpf"))
        }
        return found
    }
}
