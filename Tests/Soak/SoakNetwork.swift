import Addresses
import Glibc
import Lab
import Netlink

/// A host with a bridge and an uplink, and a crowd of guests' cards that come and go. Nobody speaks but the soak: no
/// interface has an address, and the bridge asks nothing.
///
///     outside (uplink) --- (uplink) host's bridge (vif1.0) --- (vif1.0) crowd
///                                                 (vif2.0) --- (vif2.0)
final class SoakNetwork: Sendable {
    static let bridge = "br0", uplink = "uplink"

    let host: NetworkNamespace
    let crowd: NetworkNamespace
    let outside: NetworkNamespace
    let bridgeIndex: InterfaceIndex
    let uplinkIndex: InterfaceIndex

    init(bridgeMAC: MACAddress) throws {
        let (host, crowd, outside) = (try NetworkNamespace("host"), try NetworkNamespace("crowd"), try NetworkNamespace("outside"))
        for namespace in [host, crowd, outside] {
            try namespace.run {
                if try InterfaceSetting.disableIPv6.value(for: "default") != nil { try InterfaceSetting.disableIPv6.set(1, for: "default") }
            }
        }
        bridgeIndex = try host.run {
            let link = try Link.create(Self.bridge, .bridge, .macAddress(bridgeMAC))
            var settings = Bridge.Settings()
            settings.spanningTree = false
            settings.forwardDelay = 0
            settings.multicastSnooping = false
            try Bridge.named(Self.bridge).write(settings)
            try link.change(.up)
            return link.index
        }
        (self.host, self.crowd, self.outside) = (host, crowd, outside)
        uplinkIndex = try Self.cable(Self.uplink, nil, host, outside)
        try join([uplinkIndex])
    }

    /// Makes a port that is in no bridge yet, and the guest's card behind it, of the same name.
    func makePort(_ name: String, mac: MACAddress?) throws -> InterfaceIndex { try Self.cable(name, mac, host, crowd) }

    private static func cable(
        _ name: String, _ mac: MACAddress?, _ host: NetworkNamespace, _ far: NetworkNamespace
    ) throws -> InterfaceIndex {
        let index = try host.run {
            let link = try Link.create(name, .veth(peer: name, namespace: far.descriptor), .up)
            if let mac { try link.change(.macAddress(mac)) }
            return link.index
        }
        try far.run { try Link.named(name).change(.up) }
        for (namespace, end) in [(host, index), (far, try far.run { try Link.named(name).index })] {
            try namespace.run { try wait(for: "\(name) to run") { try Link.numbered(end).isRunning } }
        }
        return index
    }

    /// The ports become the bridge's, and forward when this returns.
    func join(_ ports: [InterfaceIndex]) throws {
        try host.run {
            for port in ports { try Link.change(port, .master(bridgeIndex)) }
            for port in ports { try wait(for: "port \(port) to forward") { try BridgePort.numbered(port).settings.state == .forwarding } }
        }
    }

    /// The ports go, and their far ends with them.
    func remove(_ ports: [InterfaceIndex]) throws {
        try host.run { for port in ports { try Link.numbered(port).delete() } }
    }

    /// Frames that the machine itself has lost in its queues between our interfaces, and so nobody counted.
    func lostFrames() throws -> Int {
        try [host, crowd, outside].reduce(0) { sum, namespace in
            try namespace.run {
                try Link.all().filter { $0.kind == "veth" }.reduce(sum) { sum, link in
                    sum + (number(in: "/sys/class/net/\(link.name)/statistics/tx_dropped") ?? 0)
                }
            }
        }
    }
}

/// The number that a file of the kernel's holds.
func number(in file: String) -> Int? {
    guard let stream = fopen(file, "re") else { return nil }
    defer { fclose(stream) }
    var line = [CChar](repeating: 0, count: 64)
    guard fgets(&line, Int32(line.count), stream) != nil else { return nil }
    return Int(String(decoding: line.prefix { $0 != 0 && $0 != 0x0a }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
}

/// Looks again and again until the condition holds; a minute is the limit for what never comes.
func wait(for what: String, pause: UInt32 = 2000, until condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try !condition() {
        try Interruption.check()
        guard ContinuousClock.now < deadline else { throw Failure.found("waited a minute for \(what) in vain") }
        usleep(pause)
    }
}
