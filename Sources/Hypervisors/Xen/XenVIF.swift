import Reporting

/// A guest's network card as the toolstack has written it into xenstore (xen/include/public/io/netif.h;
/// docs/misc/xenstore-paths.pandoc). All of it is from where only dom0 writes: nothing below the frontend, which is the
/// guest's own, is looked at.
public struct XenVIF: Sendable, Hashable {
    public var call: XenHotplugCall
    /// The guest's name, also where the card is its stub domain's.
    public var guest: String
    public var uuid: String?
    public var mac: String
    public var bridge: String
    /// `ip=` of the vif's specification; empty where it says none.
    public var ip: String
    /// The name that the interface is to have.
    public var vifname: String?
    /// In bytes, where the specification says it.
    public var mtu: UInt32?

    /// The port's name when it is online: for the tap, as its vif with "-emu" behind it.
    public var port: String { vifname.map { call.device == .tap ? "\($0)-emu" : $0 } ?? call.port }

    /// Where the vif's own settings are.
    static func path(_ call: XenHotplugCall, _ key: String) -> String { "\(call.backend)/\(key)" }

    /// No value is longer.
    private static let maximumLength = 1024

    /// - Throws: `XenStoreError` where the store doesn't answer, `CardError` for what is missing or contradicts itself.
    public init(_ call: XenHotplugCall, in store: XenStore) throws {
        self.call = call
        let served = try Self.text(Self.path(call, "frontend-id"), in: store)
        guard served == "\(call.domain)" else {
            throw CardError("the card's frontend-id in xenstore is \(served?.visible ?? "missing"), not \(call.domain): is its domain gone?")
        }
        let domain = try Self.target(of: call.domain, in: store) ?? call.domain
        guard let name = try Self.text("/local/domain/\(domain)/name", in: store), !name.isEmpty else {
            throw CardError("domain \(domain) has no name in xenstore: is it gone?")
        }
        // xl calls a guest so that is coming in from another host; it is renamed once all of it is here.
        guest = name.hasSuffix(Self.arriving) ? String(name.dropLast(Self.arriving.count)) : name
        uuid = try Self.text("/local/domain/\(domain)/vm", in: store).flatMap { path in
            path.hasPrefix("/vm/") ? String(path.dropFirst("/vm/".count)) : nil
        }
        guard let mac = try Self.text(Self.path(call, "mac"), in: store) else { throw CardError("the card has no mac in xenstore") }
        guard let bridge = try Self.text(Self.path(call, "bridge"), in: store), !bridge.isEmpty else {
            throw CardError("the card has no bridge in xenstore: write bridge= into its vif")
        }
        (self.mac, self.bridge) = (mac, bridge)
        ip = try Self.text(Self.path(call, "ip"), in: store) ?? ""
        vifname = try Self.text(Self.path(call, "vifname"), in: store).flatMap { $0.isEmpty ? nil : $0 }
        mtu = try Self.text(Self.path(call, "mtu"), in: store).map { text throws(CardError) in
            guard let mtu = XenHotplugCall.number(text, in: 68..<65536) else {
                throw CardError("the card's mtu is \(text.visible): write 68 to 65535")
            }
            return mtu
        }
    }

    private static let arriving = "--incoming"

    /// The guest that a stub domain works for; nil if it is none. Both must say so.
    private static func target(of domain: UInt32, in store: XenStore) throws -> UInt32? {
        guard let text = try text("/local/domain/\(domain)/target", in: store) else { return nil }
        guard let target = XenHotplugCall.number(text, in: 1..<0x7ff0),
            try Self.text("/local/domain/\(target)/image/device-model-domid", in: store) == "\(domain)"
        else { throw CardError("domain \(domain) says that it is the stub domain of \(text.visible), which knows nothing of it") }
        return target
    }

    static func text(_ path: String, in store: XenStore) throws -> String? {
        guard let text = try store.value(at: path) else { return nil }
        guard text.utf8.count <= maximumLength, !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) else {
            throw CardError("\(path.visible) in xenstore is longer than \(maximumLength) bytes, or has control characters in it")
        }
        return text
    }
}
