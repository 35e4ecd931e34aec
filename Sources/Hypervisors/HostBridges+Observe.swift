import Glibc
import Netlink

extension HostBridges.Facts {
    /// Looks at the calling thread's network namespace.
    public static func observe() throws(NetlinkError) -> Self {
        var facts = Self(links: try Link.all())
        facts.addresses = try InterfaceAddress.all()
        facts.routes = try Route.all()
        facts.hardware = Set(facts.links.filter { isHardware($0) }.map(\.index))
        for bridge in facts.links where bridge.isBridge {
            for entry in try ForwardingDatabase.entries(of: bridge.index) where entry.lifetime != .local {
                facts.macs[entry.port, default: []].append(entry.macAddress)
            }
        }
        return facts
    }

    /// Of a driver on a bus other than Xen's, on which guests' cards are.
    private static func isHardware(_ link: Link) -> Bool {
        guard link.kind == nil, access("/sys/class/net/\(link.name)/device", F_OK) == 0 else { return false }
        var target = [CChar](repeating: 0, count: 256)
        let length = readlink("/sys/class/net/\(link.name)/device/subsystem", &target, target.count - 1)
        let bus = String(decoding: target.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return !bus.hasSuffix("/xen-backend")
    }
}
