import Addresses
import Packets
import Policy

/// A host with one guarded bridge: an uplink, the guests alice (whose binding tests change) and bob, and carol, who is
/// stopped.
struct Site {
    static let alicePort: UInt32 = 11, bobPort: UInt32 = 12, uplink: UInt32 = 2, bridge: UInt32 = 5, unknownPort: UInt32 = 19

    var policy: HostPolicy
    var places: [GuardModel.Place]
    var model: GuardModel

    init(alice change: (inout Binding) -> Void = { _ in }, bridge changeBridge: (inout BridgePolicy) -> Void = { _ in }) {
        var alice = Binding(guest: "alice", macs: [Alice.mac], addresses4: [IPv4Prefix(Alice.ip4)], addresses6: [IPv6Prefix(Alice.ip6)])
        change(&alice)
        var bridge = BridgePolicy(
            name: "br0", uplinks: ["eth0"], gateways: [.v4(Gateway.ip4), .v6(Gateway.ip6)], gatewayMACs: [Gateway.mac],
            subnets: [IPv4Prefix("192.0.2.0/24")!], reserved: [IPPrefix("203.0.113.0/24")!, IPPrefix("fe80::a:0/112")!])
        changeBridge(&bridge)
        policy = HostPolicy(
            bridges: [bridge],
            interfaces: [
                GuestInterface(port: "vif1.0", bridge: "br0", binding: alice),
                GuestInterface(port: "vif2.0", bridge: "br0", binding: Bob.binding),
                GuestInterface(port: nil, bridge: "br0", binding: Carol.binding),
            ])
        places = [
            GuardModel.Place(name: "br0", index: Self.bridge, bridge: "br0", kind: .bridge),
            GuardModel.Place(name: "eth0", index: Self.uplink, bridge: "br0", kind: .uplink),
            GuardModel.Place(name: "vif1.0", index: Self.alicePort, bridge: "br0", kind: .guest),
            GuardModel.Place(name: "vif2.0", index: Self.bobPort, bridge: "br0", kind: .guest),
            GuardModel.Place(name: "vif9.0", index: Self.unknownPort, bridge: "br0", kind: .guest),
        ]
        model = GuardModel(policy, places: places, hostAddresses: ["br0": Host.addresses])
    }

    /// Applies the policy and places as they are now.
    mutating func update() { model = model.updated(policy, places: places, hostAddresses: ["br0": Host.addresses]) }

    mutating func fromAlice(_ frame: Frame, time: UInt64 = 0) -> Reason? {
        model.judge(frame, port: Self.alicePort, direction: .fromGuest, time: time).reason
    }

    mutating func fromBob(_ frame: Frame) -> Reason? {
        model.judge(frame, port: Self.bobPort, direction: .fromGuest, time: 0).reason
    }

    mutating func toAlice(_ frame: Frame, stamp: Stamp = .stamped) -> Reason? {
        model.judge(frame, port: Self.alicePort, direction: .toGuest, stamp: stamp, time: 0).reason
    }

    mutating func fromUplink(_ frame: Frame) -> Judgement {
        model.judge(frame, port: Self.uplink, direction: .fromUplink, time: 0)
    }
}

enum Alice {
    static let mac = MACAddress(2, 0, 0, 0, 0, 0x0a)
    static let ip4 = IPv4Address(192, 0, 2, 10)
    static let ip6 = IPv6Address("2001:db8::10")!
    /// EUI-64 of her MAC (RFC 4291 appendix A).
    static let linkLocal = IPv6Address("fe80::ff:fe00:a")!
    static let party = ARPPacket.Party(mac: mac, ip: ip4)
}

enum Bob {
    static let mac = MACAddress(2, 0, 0, 0, 0, 0x0b)
    static let ip4 = IPv4Address(192, 0, 2, 11)
    static let ip6 = IPv6Address("2001:db8::11")!
    static let linkLocal = IPv6Address("fe80::ff:fe00:b")!
    static let party = ARPPacket.Party(mac: mac, ip: ip4)
    static let binding = Binding(
        guest: "bob", macs: [mac], addresses4: [IPv4Prefix(ip4), IPv4Prefix("198.51.100.0/24")!],
        addresses6: [IPv6Prefix(ip6), IPv6Prefix("2001:db8:b::/48")!])
}

enum Carol {
    static let mac = MACAddress(2, 0, 0, 0, 0, 0x0c)
    static let ip4 = IPv4Address(192, 0, 2, 12)
    static let ip6 = IPv6Address("2001:db8::12")!
    static let linkLocal = IPv6Address("fe80::ff:fe00:c")!
    static let binding = Binding(guest: "carol", macs: [mac], addresses4: [IPv4Prefix(ip4)], addresses6: [IPv6Prefix(ip6)])
}

enum Gateway {
    static let mac = MACAddress(2, 0, 0, 0, 0, 1)
    static let ip4 = IPv4Address(192, 0, 2, 1)
    static let ip6 = IPv6Address("2001:db8::1")!
    static let party = ARPPacket.Party(mac: mac, ip: ip4)
}

enum Host {
    static let mac = MACAddress(2, 0, 0, 0, 0, 2)
    static let ip4 = IPv4Address(192, 0, 2, 2)
    static let linkLocal = IPv6Address("fe80::ff:fe00:2")!
    static let addresses = GuardModel.HostAddresses(macs: [mac], addresses: [.v4(ip4), .v6(linkLocal)])
}

/// Somebody on the internet.
let far4 = IPv4Address(8, 8, 8, 8)
let far6 = IPv6Address("2001:4860::8888")!

func ip4(_ text: String) -> IPv4Address { IPv4Address(text)! }
func ip6(_ text: String) -> IPv6Address { IPv6Address(text)! }
func mac(_ text: String) -> MACAddress { MACAddress(text)! }
func nobody(_ ip: IPv4Address) -> ARPPacket.Party { ARPPacket.Party(mac: .zero, ip: ip) }

extension Frame {
    /// A frame of alice's to the gateway.
    static func alice(_ packet: NetworkPacket, from source: MACAddress = Alice.mac, to destination: MACAddress = Gateway.mac, tags: [VLANTag] = [])
        -> Frame
    {
        .ethernet(from: source, to: destination, tags: tags, packet)
    }

    /// A frame of alice's with an IPv4 packet.
    static func alice4(
        _ upper: UpperLayer, from source: IPv4Address = Alice.ip4, to destination: IPv4Address = far4, options: [UInt8] = [],
        fragmentOffset: UInt16 = 0, moreFragments: Bool = false, mac: MACAddress = Gateway.mac
    ) -> Frame {
        .alice(
            .ipv4(from: source, to: destination, upper, options: options, fragmentOffset: fragmentOffset, moreFragments: moreFragments),
            to: mac)
    }

    /// A frame of alice's with an IPv6 packet, to the group's MAC where it is for a group.
    static func alice6(
        _ upper: UpperLayer, from source: IPv6Address = Alice.ip6, to destination: IPv6Address = far6,
        headers: [ExtensionHeader] = [], hopLimit: UInt8? = nil
    ) -> Frame {
        .alice(
            .ipv6(from: source, to: destination, extensionHeaders: headers, upper, hopLimit: hopLimit),
            to: destination.isMulticast ? destination.multicastMAC : Gateway.mac)
    }

    /// With other bytes at `offset`.
    func replacing(at offset: Int, with new: [UInt8]) -> Frame {
        var frame = self
        frame.bytes.replaceSubrange(offset..<offset + new.count, with: new)
        return frame
    }

    /// The first `length` bytes.
    func cut(to length: Int) -> Frame {
        var frame = self
        frame.bytes = Array(bytes.prefix(length))
        return frame
    }

    /// With a tag beside the bytes.
    func offloading(_ tag: VLANTag) -> Frame {
        var frame = self
        frame.offloadedTag = tag
        return frame
    }

    /// With zeros behind it.
    func padded(to length: Int) -> Frame {
        var frame = self
        frame.bytes += [UInt8](repeating: 0, count: max(0, length - bytes.count))
        return frame
    }
}

/// What an honest guest sends all day.
let syn = UpperLayer.tcp(from: 50_000, to: 443)
let udp = UpperLayer.udp(from: 50_000, to: 53, payload: [1, 2, 3, 4])
