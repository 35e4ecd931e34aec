import FakeXen
import Foundation
import Lab
import Netlink
import Testing

/// A dom0 without Xen: a guarded bridge, a xenstore made by the test, and the built command called as the script calls it.
/// Guests' ports are ends of veth pairs: what is sent out of "p-vif7.0" comes in by "vif7.0".
final class XenFixture {
    let command: CommandFixture
    let store: FakeXenStore
    let xen: URL
    var host: NetworkNamespace { command.host }

    static let policy = """
        bridges:
          br0:
            uplinks: [up0]
            gateways: [192.0.2.254, "2001:db8::fe"]
            subnets: [192.0.2.0/24]
        guests:
          listed.example.com:
            interfaces:
              - {bridge: br0, mac: "02:00:00:00:00:01", addresses: [192.0.2.1]}

        """

    init(policy: String = XenFixture.policy) throws {
        command = try CommandFixture(policy: policy)
        xen = command.folder.appending(path: "xen")
        try FileManager.default.createDirectory(at: xen.appending(path: "auto"), withIntermediateDirectories: true)
        store = try FakeXenStore(in: command.folder)
        _ = try command.succeed("apply")
    }

    deinit { store.stop() }

    /// As the toolstack makes it: down, in no bridge.
    func makePort(_ name: String) throws {
        try host.run {
            _ = try Link.create(name, .veth(peer: "p-\(name)"))
            try Link.named("p-\(name)").change(.up)
        }
    }

    /// The command as the script calls it.
    func hook(
        _ words: String..., domain: UInt32, card: UInt32 = 0, policy: String? = nil, besides: [String] = []
    ) throws -> CommandResult {
        try host.execute(arguments(words, domain, card, policy) + besides, atMost: .seconds(60))
    }

    func start(_ words: String..., domain: UInt32) throws -> RunningCommand { try host.start(arguments(words, domain, 0, nil)) }

    private func arguments(_ words: [String], _ domain: UInt32, _ card: UInt32, _ policy: String?) -> [String] {
        let name = "vif\(domain).\(card)"
        let device = words.contains("type_if=tap") ? "INTERFACE=\(name)-emu" : "vif=\(name)"
        // Another build of it may be measured.
        let binary = ProcessInfo.processInfo.environment["VIFGUARD_HOOK"] ?? CommandFixture.binary
        return ["env", "-i", "XENBUS_PATH=backend/vif/\(domain)/\(card)", "XENBUS_TYPE=vif", device, binary, "hook", "xen"]
            + words + ["--xenstore", store.path, "--xen-folder", xen.path, "--policy", policy ?? command.policy.path]
    }

    /// Makes a guest's port and brings it online; it must succeed.
    func bringUp(_ domain: UInt32, _ name: String, mac: UInt8, ip: String?) throws {
        store.add(domain: domain, name: name, mac: Self.mac(mac), ip: ip)
        try makePort("vif\(domain).0")
        let result = try hook("online", "type_if=vif", domain: domain)
        #expect(result.succeeded, "\(result.errors)")
    }

    static func mac(_ number: UInt8) -> String { "02:00:00:00:00:" + (number < 16 ? "0" : "") + String(number, radix: 16) }

    func link(_ name: String) throws -> Link { try host.run { try Link.named(name) } }

    /// Of the bridge, or nil.
    func master(of name: String) throws -> String? {
        guard let bridge = try link(name).bridge else { return nil }
        return try host.run { try Link.numbered(bridge).name }
    }

    /// Which of these frames, sent by the guest on that port, leave by the uplink: asked of a sniffer, with an honest frame
    /// behind them that must.
    func passing(_ frames: [[UInt8]], from port: String, honest: [UInt8]) throws -> [[UInt8]] {
        let sniffer = try Sniffer(on: "p-up0", in: host)
        let sender = try FrameSender(on: "p-\(port)", in: host)
        try sender.send(frames)
        try sender.send(honest)
        #expect(try sniffer.first { $0.bytes == honest } != nil, "the honest frame from \(port) doesn't arrive")
        return sniffer.frames.map(\.bytes).filter { $0 != honest && frames.contains($0) }
    }

    func configuration(_ name: String, _ text: String) throws {
        try text.write(to: xen.appending(path: name), atomically: true, encoding: .utf8)
    }
}
