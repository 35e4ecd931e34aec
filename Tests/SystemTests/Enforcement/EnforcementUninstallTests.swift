import Addresses
import Datapath
import Enforcement
import Glibc
import Lab
import Netlink
import Policy
import Testing

@Suite(.timeLimit(.minutes(5)))
struct EnforcementUninstallTests {
    /// All that iproute2 shows of a namespace, but for what comes and goes by itself.
    private func traces(_ host: NetworkNamespace) throws -> [String] {
        let fixed = try host.output(of: ["bridge", "fdb", "show"]).split(separator: "\n").filter { $0.contains("permanent") || $0.contains("static") }
        let settings = try host.run {
            try Link.all().map { "\($0.name) \(try InterfaceSetting.disableIPv6.value(for: $0.name) ?? -1)" }.sorted()
        }
        let links = try host.output(of: ["ip", "-d", "-j", "link"]).replacing(/"[a-z_]*timer":[0-9.]*/, with: "")
        return [
            links, fixed.sorted().joined(separator: "\n"), try host.output(of: ["tc", "qdisc"]),
            settings.joined(separator: "\n"),
        ]
    }

    @Test(arguments: AttachmentWay.allCases)
    func `uninstall leaves no trace on a bridge that ip made`(way: AttachmentWay) throws {
        let host = try NetworkNamespace("host")
        for line in [
            "link add xenbr0 type bridge forward_delay 0 mcast_snooping 0", "link add vif1.0 type veth peer name p1",
            "link add vif2.0 type veth peer name p2", "link add peth0 type veth peer name p3", "link set vif1.0 master xenbr0 up",
            "link set vif2.0 master xenbr0 up", "link set peth0 master xenbr0 up", "link set xenbr0 up", "link set p1 up", "link set p2 up",
            "link set p3 up",
        ] { _ = try host.output(of: ["ip"] + line.split(separator: " ").map(String.init)) }
        // Until all carriers are noticed, and the bridge has taken over what follows from them.
        usleep(1_500_000)
        let before = try traces(host)
        let policy = HostPolicy(
            bridges: [BridgePolicy(name: "xenbr0", uplinks: ["peth0"], gatewayMACs: [MACAddress(2, 0, 0, 0, 0, 9)], isolatesGuests: true)],
            interfaces: [
                GuestInterface(port: "vif1.0", bridge: "xenbr0", binding: GuardedNetwork.binding(1)),
                GuestInterface(port: "vif9.0", bridge: "xenbr0", binding: GuardedNetwork.binding(2)),
            ])
        let pins = PinFolder()
        try host.run {
            let report = try Apply.perform(policy, datapath: Datapath.load(pins: pins), way: way)
            #expect(report.succeeded, "\(report.failures)")
        }
        let during = try traces(host)
        #expect(during[0] != before[0] && during[1] != before[1])
        let report = try host.run { try Uninstall.perform(pins: pins) }
        #expect(report.succeeded, "\(report.failures)")
        let after = try traces(host)
        for (old, new) in zip(before, after) { #expect(old == new) }
        #expect(try host.run { access(pins.path, F_OK) } != 0)
        // Nothing there is fine too.
        #expect(try host.run { try Uninstall.perform(pins: pins) }.plan.isEmpty)
    }

    @Test func `a bridge that the policy doesn't name any more is let go of, and others stay`() throws {
        let guarded = try GuardedNetwork()
        #expect(try guarded.apply().succeeded)
        let report = try guarded.apply(HostPolicy())
        #expect(report.succeeded, "\(report.failures)")
        #expect(try guarded.host.run { try guarded.datapath.ports() }.isEmpty)
        #expect(try guarded.canReach("192.0.2.2", from: guarded.network.guests[2]))
        #expect(try guarded.apply(HostPolicy()).plan.isEmpty)
    }
}
