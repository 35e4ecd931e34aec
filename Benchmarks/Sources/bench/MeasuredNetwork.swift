import Foundation
import Lab
import Netlink

/// A bridge with guests and an uplink, guarded in one way, through which frames are sent and counted.
///
/// Whatever guards it, ports and bridge are set up alike, as Vifguard wants them (static entries, no learning, no flood
/// on guest ports): what is compared is the judging alone.
final class MeasuredNetwork: Sendable {
    let engine: Engine
    private let network: BridgedNetwork
    /// Where the guests' own ends are: they throw everything away.
    private let crowd: NetworkNamespace
    /// Of the same host.
    private let others: [OtherBridge]
    private let ports: [Traffic.Place: Link]
    /// All guests', in their order.
    private let guestPorts: [Link]
    private let injector: Injector

    /// - Parameters:
    ///   - guests: all that are on the bridge; the first number is 1.
    ///   - guest, other: those that send and receive.
    ///   - bridges: how many the host has, each with as many guests.
    init(_ engine: Engine, guests: [Guest], guest: Guest, other: Guest?, bridges: Int = 1, injector: Injector) throws {
        let network = try BridgedNetwork(guests: [])
        let (links, crowd) = try network.addPorts(guests.count)
        let uplink = try network.host.run { try Link.named(network.outside.port) }
        try network.settle(guests, links, uplink)
        let others = try (1..<bridges).map { try OtherBridge(number: $0, guests: guests.count, host: network.host, crowd: crowd) }
        try engine.install(in: network, guests: guests, ports: links, others: others)
        let bridge = try network.host.run { try Link.named(network.bridge) }
        var ports: [Traffic.Place: Link] = [.uplink: uplink, .guest: links[guest.number - 1], .host: bridge]
        if let other { ports[.otherGuest] = links[other.number - 1] }
        let entries = [uplink.index, links[guest.number - 1].index]
        try network.host.run { for entry in entries { try injector.attach(to: entry) } }
        self.engine = engine
        self.network = network
        self.crowd = crowd
        self.others = others
        self.ports = ports
        guestPorts = links
        self.injector = injector
    }

    struct Passage {
        /// Of CPU time, each.
        let nanoseconds: Double
        /// How many of the frames left by the port they were to leave by.
        let share: Double
    }

    /// Sends the traffic's frame, or its honest twin, many times.
    func send(_ traffic: Traffic, honest: Bool = false, count: Int) throws -> Passage {
        guard let entry = ports[traffic.entry], let exit = ports[traffic.exit] else {
            throw LabError(action: "send '\(traffic.title)'", reason: "the network has no such port")
        }
        let frame = honest ? traffic.honest : traffic.frame
        return try network.host.run {
            // What a bridge's own interface hands up counts as received.
            let counter = traffic.exit == .host ? "rx" : "tx"
            let before = try exit.count(counter)
            let nanoseconds = try injector.inject(frame, count: count, at: entry.index)
            let after = try exit.count(counter)
            return Passage(nanoseconds: nanoseconds / Double(count), share: Double(after - before) / Double(count))
        }
    }

    /// Sends the frame, which is for all, from outside: nanoseconds and copies at guests for each.
    func spread(_ frame: [UInt8], count: Int) throws -> (nanoseconds: Double, copies: Double) {
        guard let entry = ports[.uplink] else { throw LabError(action: "send a broadcast", reason: "the network has no uplink") }
        return try network.host.run {
            let before = try guestPorts.reduce(0) { try $0 + $1.count("tx") }
            // The kernel queues a thousand copies for all ends of cables, throws away what is beyond that, and delivers some
            // hundred in one go. What pacing takes doesn't count where there are so many.
            let nanoseconds = try injector.inject(frame, count: count, batch: 1, isPaced: guestPorts.count > 256, at: entry.index)
            let after = try guestPorts.reduce(0) { try $0 + $1.count("tx") }
            return (nanoseconds / Double(count), Double(after - before) / Double(count))
        }
    }
}

extension Link {
    /// Frames so far, of the interface in the calling thread's namespace, which has a /sys of its own.
    ///
    /// - Parameter direction: "rx" or "tx".
    func count(_ direction: String) throws -> Int {
        let path = "/sys/class/net/\(name)/statistics/\(direction)_packets"
        let text = try String(contentsOfFile: path, encoding: .ascii)
        guard let count = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw LabError(action: "read \(path)", reason: "it holds '\(text)'")
        }
        return count
    }
}

extension BridgedNetwork {
    /// Static entries for every MAC; then guest ports neither learn nor get what is for unknown MACs.
    func settle(_ guests: [Guest], _ ports: [Link], _ uplink: Link) throws {
        try host.run {
            let socket = try NetlinkSocket()
            var requests = zip(guests, ports).map { ForwardingDatabase.request(replacing: $0.mac, on: $1.index) }
            requests.append(ForwardingDatabase.request(replacing: Outside.mac, on: uplink.index))
            if let error = try socket.performAll(requests).compactMap(\.self).first { throw error }
            var wanted = BridgePort.Settings()
            wanted.learning = false
            wanted.unicastFlood = false
            let indexes = Set(ports.map(\.index))
            for port in try BridgePort.all(of: bridgeIndex) where indexes.contains(port.index) { try port.write(wanted) }
        }
    }
}
