import Addresses
import Netlink

/// A machine on the lab's network: a namespace of its own with one card, which leads to a port of the host's bridge.
/// A guest, or what is beyond the uplink.
public final class Station: Sendable {
    public let name: String
    public let namespace: NetworkNamespace
    /// The station's own end.
    public let interface: String
    public let macAddress: MACAddress
    /// The other end, in the host's namespace: "vif1.0".
    public let port: String
    public let portIndex: InterfaceIndex

    /// Makes the namespace and the cable. The station's card is up; the port is up but in no bridge yet. Neither speaks
    /// IPv6 by itself: `enableIPv6` lets the station.
    init(_ name: String, macAddress: MACAddress, port: String, of host: NetworkNamespace, interface: String = "eth0") throws {
        self.name = name
        self.macAddress = macAddress
        self.port = port
        self.interface = interface
        namespace = try NetworkNamespace(name)
        try namespace.run { try InterfaceSetting.silenceNewInterfaces() }
        let station = namespace.descriptor
        portIndex = try host.run {
            let peer = Link.Kind.veth(peer: interface, namespace: station, macAddress: macAddress)
            return try Link.create(port, peer, .up).index
        }
        try namespace.run {
            let card = try Link.named(interface)
            try card.change(.up)
            try Settling.running(card.index)
        }
        let port = portIndex
        try host.run { try Settling.running(port) }
    }

    /// The number of the station's card, in its own namespace.
    public func interfaceIndex() throws -> InterfaceIndex {
        try namespace.run { try Link.named(interface).index }
    }

    /// Gives the card an address, usable at once (no duplicate address detection).
    public func add(_ address: IPAddress, prefixLength: Int) throws {
        if case .v6 = address { try enableIPv6() }
        let index = try interfaceIndex()
        try namespace.run { try InterfaceAddress.add(address, prefixLength: prefixLength, to: index) }
    }

    /// Sends what isn't for the subnet to the gateway.
    public func setGateway(_ gateway: IPAddress) throws {
        let index = try interfaceIndex()
        try namespace.run { try Route.add(via: gateway, on: index) }
    }

    /// Lets the card speak IPv6: it makes itself a link-local address, and does without duplicate address detection.
    public func enableIPv6() throws {
        try namespace.run {
            try InterfaceSetting.acceptDuplicateAddressDetection.set(0, for: interface)
            try InterfaceSetting.disableIPv6.set(0, for: interface)
        }
    }

    public func neighbours() throws -> [Neighbour] {
        let index = try interfaceIndex()
        return try namespace.run { try Neighbour.all(on: index) }
    }

    /// Empties the card's ARP and neighbour caches.
    public func forgetNeighbours() throws {
        let index = try interfaceIndex()
        try namespace.run { try Neighbour.forgetAll(on: index) }
    }

    /// Frames as this machine would send them.
    public func sender() throws -> FrameSender { try FrameSender(on: interface, in: namespace) }

    /// Hears what arrives at the card from now on.
    public func sniffer() throws -> Sniffer { try Sniffer(on: interface, in: namespace) }
}

extension InterfaceSetting {
    /// Interfaces made from now on in this namespace don't speak IPv6: no router solicitations, multicast reports and
    /// duplicate address detection between the frames of a test. A kernel without IPv6 is silent already.
    static func silenceNewInterfaces() throws(NetlinkError) {
        if try disableIPv6.value(for: "default") != nil { try disableIPv6.set(1, for: "default") }
    }
}
