import Reporting
import Addresses
import Datapath
import Enforcement
import Lab
import Netlink
import Packets
import Policy

/// What a guarded bridge looks like: one of namespaces, with a guest that lies and a port that nobody vouches for.
enum Demonstration {
    private static let guests: [MACAddress] = (1...3).map { MACAddress(0x00, 0x16, 0x3e, 0, 0, $0) }
    private static let gateway = IPv4Address(192, 0, 2, 1)
    private static func address(_ number: Int) -> IPv4Address { IPv4Address(192, 0, 2, UInt8(10 + number)) }

    static func show(_ style: Style) throws {
        let network = try BridgedNetwork(guests: guests)
        let interfaces = ["www.example.com", "mail.example.com"].enumerated().map { place, guest in
            GuestInterface(
                port: network.guests[place].port, bridge: network.bridge,
                binding: Binding(guest: guest, macs: [guests[place]], addresses4: [IPv4Prefix(address(place))]))
        }
        let policy = HostPolicy(
            bridges: [BridgePolicy(name: network.bridge, uplinks: [network.outside.port], gateways: [.v4(gateway)])], interfaces: interfaces
        )
        let datapath = try network.host.run {
            let datapath = try Datapath.load()
            let report = try Apply.perform(policy, datapath: datapath)
            if let failure = report.failures.first { throw Failure("the demonstration's bridge can't be guarded: \(failure)") }
            return datapath
        }
        for station in network.guests {
            let sender = try station.sender()
            // As the first guest: the truth at vif1.0, a lie elsewhere.
            for ip in [address(0), gateway] {
                let claim = NetworkPacket.arp(
                    .request, sender: .init(mac: station.macAddress, ip: ip), target: .init(mac: .zero, ip: address(1)))
                try sender.send(Frame.ethernet(from: station.macAddress, to: .broadcast, claim).bytes)
            }
        }
        let lines = try network.host.run { try HostStatus.observe(datapath).lines(style) }
        Output.print(["", style.bold("A guarded bridge, as 'vifguard status' shows it:"), ""] + lines)
        Output.print(next.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    }

    private static let next = """

        To guard a bridge of this host: write /etc/vifguard/policy.yaml (see
        vifguard-check(8)), at first with 'defaults: {mode: audit}', then

          vifguard check             what is wrong with the policy
          vifguard plan              what would change
          vifguard apply             guard it
          vifguard status            who sent what, and what was dropped
          vifguard events --follow   who tries what, as it happens
          vifguard uninstall         no trace left
        """
}
