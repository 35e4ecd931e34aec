import Foundation
import Lab
import Testing

/// A guarded host with XML as libvirt would write it.
struct LibvirtHost {
    let fixture: CommandFixture

    static let policy = """
        bridges: {br0: {uplinks: [up0], gateways: [192.0.2.254], subnets: [192.0.2.0/24]}}
        guests:
          named: {interfaces: [{bridge: br0, mac: "52:54:00:00:00:99", addresses: [192.0.2.99]}]}

        """

    init(policy: String = LibvirtHost.policy) throws {
        fixture = try CommandFixture(policy: policy)
        _ = try fixture.succeed("apply")
    }

    static func mac(_ number: Int) -> String { "52:54:00:00:00:\(number < 16 ? "0" : "")\(String(number, radix: 16))" }

    /// A running guest's domain with one card, whose tap is `port`.
    static func domain(
        _ guest: String, port: String?, number: Int, address: String?, bridge: String = "br0", kind: String = "bridge"
    ) -> String {
        """
        <domain type='qemu' id='1'><name>\(guest)</name><devices><interface type='\(kind)'><mac address='\(mac(number))'/>
        <source bridge='\(bridge)'/>\(port.map { "<target dev='\($0)'/>" } ?? "")
        \(address.map { "<filterref filter='f'><parameter name='IP' value='\($0)'/></filterref>" } ?? "")</interface></devices></domain>
        """
    }

    /// Its file among those of libvirt's state.
    static func status(_ domain: String, state: String = "running", reason: String = "booted") -> String {
        "<domstatus state='\(state)' reason='\(reason)' pid='1'>\(domain)</domstatus>"
    }

    /// Calls the hook as libvirt does: its script, by file name, with the XML on standard input.
    func call(_ guest: String, _ operation: String, _ xml: String) throws -> CommandResult {
        let file = fixture.folder.appending(path: "domain.xml")
        try xml.write(to: file, atomically: true, encoding: .utf8)
        return try fixture.host.execute(
            ["sh", "-c", "exec \"$@\" < \(file.path)", "sh"] + command + ["--", guest, operation, "begin", "-"], atMost: .seconds(60))
    }

    var command: [String] { [CommandFixture.binary, "hook", "libvirt", "--policy", fixture.policy.path] }

    func state(of port: String) throws -> String? { try fixture.status().bridges.flatMap(\.ports).first { $0.name == port }?.state }
}
