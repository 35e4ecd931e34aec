import Addresses
import Netlink

/// A host with a bridge, guests on it, and an uplink to what is outside: each in a network namespace of its own, joined
/// by veth pairs.
///
///     outside (eth0) --- (uplink) host's bridge (vif1.0) --- (eth0) guest 1
///                                               (vif2.0) --- (eth0) guest 2
///
/// Nothing of it speaks IPv6 until it is asked to. All of it goes with the last reference.
public final class BridgedNetwork: Sendable {
    public let host: NetworkNamespace
    public let bridge: String
    public let bridgeIndex: InterfaceIndex
    /// The bridge's MAC address, and so the host's own.
    public let bridgeMACAddress: MACAddress
    /// The machine beyond the uplink: a gateway, a switch's other customers.
    public let outside: Station
    /// In the order asked for: the first is on port vif1.0.
    public let guests: [Station]

    /// - Parameters:
    ///   - guests: the MAC address of each guest.
    ///   - outside: the MAC address beyond the uplink.
    ///   - joined: whether the guests' ports join the bridge at once; else `join` makes them, one by one.
    public init(
        guests: [MACAddress], outside: MACAddress = MACAddress(0x02, 0x00, 0x5e, 0, 0, 0x01), bridge: String = "br0",
        uplink: String = "uplink", joined: Bool = true
    ) throws {
        let host = try NetworkNamespace("host")
        let macAddress = MACAddress(0x02, 0x00, 0x5e, 0, 0, 0xbb)
        self.host = host
        self.bridge = bridge
        bridgeMACAddress = macAddress
        bridgeIndex = try host.run {
            try InterfaceSetting.silenceNewInterfaces()
            let link = try Link.create(bridge, .bridge, .macAddress(macAddress))
            // Ports forward at once, and no queries of its own are among the frames.
            var settings = Bridge.Settings()
            settings.spanningTree = false
            settings.forwardDelay = 0
            settings.multicastSnooping = false
            try Bridge.named(bridge).write(settings)
            try link.change(.up)
            return link.index
        }
        self.outside = try Station("outside", macAddress: outside, port: uplink, of: host)
        self.guests = try guests.enumerated().map { number, macAddress in
            try Station("guest \(number + 1)", macAddress: macAddress, port: "vif\(number + 1).0", of: host)
        }
        try join(self.outside)
        if joined { for guest in self.guests { try join(guest) } }
    }

    /// Makes a station's port one of the bridge's, and waits until it forwards.
    public func join(_ station: Station) throws {
        try host.run {
            try Link.change(station.portIndex, .master(bridgeIndex))
            try Settling.forwarding(station.portIndex)
        }
    }

    /// Takes a station's port out of the bridge.
    public func leave(_ station: Station) throws {
        try host.run { try Link.change(station.portIndex, .noMaster) }
    }

    /// Adds ports for measuring what many of them cost: veth pairs whose other ends all live in one further namespace.
    ///
    /// - Parameter count: at most 1023 fit on a bridge, with those that are there.
    /// - Returns: the ports "bulk1" and on, with the numbers they have, and the namespace in which the other ends have the
    ///   same names.
    public func addPorts(_ count: Int) throws -> (ports: [Link], namespace: NetworkNamespace) {
        let crowd = try NetworkNamespace("crowd")
        try crowd.run { try InterfaceSetting.silenceNewInterfaces() }
        let names = (0..<count).map { "bulk\($0 + 1)" }
        let ports = try host.run {
            let socket = try NetlinkSocket()
            let requests = names.map { name in
                let peer = Link.Kind.veth(peer: name, namespace: crowd.descriptor)
                return Link.request(creating: name, peer, [.up, .master(bridgeIndex)])
            }
            if let error = try socket.performAll(requests).compactMap(\.self).first { throw error }
            let links = Dictionary(uniqueKeysWithValues: try Link.all().map { ($0.name, $0) })
            return names.compactMap { links[$0] }
        }
        try crowd.run {
            let ends = try Link.all().filter { $0.kind == "veth" }
            let requests = ends.map { Link.request(changing: $0.index, named: $0.name, [.up]) }
            if let error = try NetlinkSocket().performAll(requests).compactMap(\.self).first { throw error }
            for end in ends { try Settling.running(end.index) }
        }
        try host.run { for port in ports { try Settling.forwarding(port.index) } }
        return (ports, crowd)
    }
}
