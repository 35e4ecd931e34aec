import Addresses
import CBPF
import Datapath
import Glibc
import Lab
import Netlink
import Policy
import Testing

/// A datapath of its own: a network namespace with a bpffs of its own, which goes with it.
///
/// Everything that touches interfaces or pins runs on the namespace's thread.
final class DatapathFixture: Sendable {
    let namespace: NetworkNamespace
    let pins = PinFolder()

    init() throws { namespace = try NetworkNamespace("datapath") }

    func run<T: Sendable>(_ body: @Sendable () throws -> T) throws -> T { try namespace.run(body) }

    /// On the namespace's thread: a bridge "br0" with a veth port for each name.
    static func makePorts(_ names: [String]) throws -> [Port] {
        let bridge = try Link.create("br0", .bridge, .up)
        return try names.map { name in
            let link = try Link.create(name, .veth(peer: "p-\(name)"), .up, .master(bridge.index))
            return Port(index: link.index, name: name, bridgeIndex: bridge.index, bridgeName: "br0")
        }
    }

    /// A fixture with a loaded datapath and two ports, on its thread.
    static func withPorts<T: Sendable>(
        _ names: [String] = ["vif1.0", "vif2.0"], object: DatapathObject = .embedded, _ body: @Sendable (Datapath, [Port]) throws -> T
    ) throws -> T {
        let fixture = try DatapathFixture()
        return try fixture.run {
            let ports = try makePorts(names)
            return try body(Datapath.load(pins: fixture.pins, object: object), ports)
        }
    }

    static func binding(_ number: UInt8, guest: String? = nil) -> Binding {
        Binding(
            guest: guest ?? "guest-\(number)", macs: [MACAddress(0x02, 0, 0, 0, 0, number)],
            addresses4: [IPv4Prefix(IPv4Address(192, 0, 2, number))],
            addresses6: [IPv6Prefix(IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(number)))])
    }

    /// As if a version with another layout had made the maps: the ledger's second word says which.
    static func changeLayout(of pins: PinFolder) throws {
        let ledger = bpf_obj_get("\(pins.path)/current/ledger")
        try #require(ledger >= 0)
        defer { close(ledger) }
        var key: UInt32 = 0
        // More than the ledger's entry has.
        var words = [UInt64](repeating: 0, count: 1 << 14)
        try #require(bpf_map_lookup_elem(ledger, &key, &words) == 0)
        words[1] += 1
        try #require(bpf_map_update_elem(ledger, &key, &words, 0) == 0)
    }
}

/// An ARP request of the guest `number` for `target`, as it sends it (RFC 826).
func arpRequest(from number: UInt8, sender: [UInt8]? = nil, target: [UInt8] = [192, 0, 2, 254]) -> [UInt8] {
    let mac: [UInt8] = [0x02, 0, 0, 0, 0, number]
    let head: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] + mac + [0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1]
    return head + mac + (sender ?? [192, 0, 2, number]) + [0, 0, 0, 0, 0, 0] + target
}
