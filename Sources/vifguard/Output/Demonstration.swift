import Addresses
import Foundation
import Lab
import Netlink
import Packets
import Reporting

/// The agent at work on a bridge of namespaces: a guest is plugged in while it watches, one lies, and it is told who.
///
/// Everything shown is what this very command prints when it is called there.
final class Demonstration {
    private static let macs: [MACAddress] = (1...3).map { MACAddress(0x00, 0x16, 0x3e, 0, 0, $0) }
    private static let gateway = IPv4Address(192, 0, 2, 1)
    private static func address(_ number: Int) -> IPv4Address { IPv4Address(192, 0, 2, UInt8(10 + number)) }

    private let network: BridgedNetwork
    private let folder: URL
    private let agent: RunningCommand
    private let style: Style

    static func show(_ style: Style) throws {
        let demonstration = try Demonstration(style)
        try demonstration.plugIn()
        try demonstration.attack()
        Output.print(next.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    }

    private static let policy = """
        bridges:
          br0: {uplinks: [uplink], gateways: [192.0.2.1], subnets: [192.0.2.0/24]}
        guests:
          www.example.com:
            interfaces: [{port: vif1.0, bridge: br0, mac: "00:16:3e:00:00:01", addresses: [192.0.2.10]}]
          mail.example.com:
            interfaces: [{port: vif2.0, bridge: br0, mac: "00:16:3e:00:00:02", addresses: [192.0.2.11]}]

        """

    private init(_ style: Style) throws {
        self.style = style
        network = try BridgedNetwork(guests: Self.macs, joined: false)
        folder = FileManager.default.temporaryDirectory.appending(path: "vifguard-demonstration-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try Self.policy.write(to: folder.appending(path: "policy.yaml"), atomically: true, encoding: .utf8)
        try network.join(network.guests[0])
        agent = try network.host.start([Self.binary, "agent"] + Self.places(folder))
        for _ in 0..<3000 where !agent.errorsSoFar.contains("the agent watches over the host") { usleep(10_000) }
        guard agent.errorsSoFar.contains("the agent watches over the host") else {
            throw Failure("the demonstration's agent doesn't begin: \(agent.stop().errors.visibleLines)")
        }
    }

    deinit {
        agent.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    private static var binary: String { URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path }

    private static func places(_ folder: URL) -> [String] {
        ["--policy", folder.appending(path: "policy.yaml").path, "--state", folder.path, "--run", folder.appending(path: "run").path]
    }

    // MARK: What happens

    /// Two ports join while the agent watches: one that the policy knows, and one that nobody knows.
    private func plugIn() throws {
        tell("An agent watches over a bridge. Two guests are plugged in, one of them unknown:")
        for guest in network.guests.dropFirst() { try network.join(guest) }
        try wait { try self.output("status").contains("mail.example.com") && self.agent.errorsSoFar.contains("vif3.0: closed") }
        Output.print(["  # ip link set vif2.0 master br0; ip link set vif3.0 master br0", "  # vifguard status"])
        Output.print(try output("status").split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" })
    }

    /// The guest that has just come says that the gateway's address is its own.
    private func attack() throws {
        tell("mail.example.com tells its neighbours that the gateway's address is its own:")
        let liar = network.guests[1]
        let lie = NetworkPacket.arp(
            .request, sender: .init(mac: liar.macAddress, ip: Self.gateway), target: .init(mac: .zero, ip: Self.address(0)))
        let sender = try liar.sender()
        for _ in 0..<25 { try sender.send(Frame.ethernet(from: liar.macAddress, to: .broadcast, lie).bytes) }
        let events = ["events", "--severity", "violation", "--state", folder.path]
        try wait { try self.output(events).contains("arp-sender-ip") }
        Output.print("  # vifguard events --severity violation")
        Output.print(wrapped(try output(events).trimmingCharacters(in: .newlines), indent: 4).split(separator: "\n").map { "  \($0)" })
    }

    private func tell(_ text: String) { Output.print(["", style.bold(wrapped(text)), ""]) }

    private func output(_ arguments: String...) throws -> String { try output(arguments) }
    private func output(_ arguments: [String]) throws -> String {
        try network.host.output(of: [Self.binary] + arguments, atMost: .seconds(30))
    }

    private func wait(_ condition: () throws -> Bool) throws {
        for _ in 0..<300 {
            if try condition() { return }
            usleep(100_000)
        }
        throw Failure("the demonstration waited in vain; the agent says: \(agent.errorsSoFar.visibleLines)")
    }

    private static let next = """

        To guard a bridge of this host: write /etc/vifguard/policy.yaml (see
        vifguard-check(8)), at first with 'defaults: {mode: audit}', then

          vifguard check                    what is wrong with the policy
          vifguard plan                     what would change
          systemctl enable --now vifguard   guard it, and watch (or: vifguard agent)
          vifguard status                   who sent what, and what was dropped
          vifguard top                      the same, live
          vifguard events                   who tried what
          vifguard doctor                   what would undermine the guard
          vifguard uninstall                no guard left, once the agent has ended
        """
}
