import Addresses
import DatapathProgram
import Enforcement
import Foundation
import Glibc
import Lab
import Netlink
import Packets
import Policy
import Testing

@testable import Datapath

/// A guarded network where guest 1 has what DHCP gives it, guest 2 an address of its own, and real servers may be started
/// outside. A lease keeper runs on the host's thread.
final class LeasedNetwork: @unchecked Sendable {
    static let macs = (1...2).map { MACAddress(0x00, 0x16, 0x3e, 0, 0, UInt8($0)) }
    static let gateway = IPv4Address(192, 0, 2, 254)
    static let gateway6 = IPv6Address("2001:db8::254")!
    static let neighbour = IPv4Address(192, 0, 2, 2)
    static let outsideMAC = MACAddress(0x02, 0x00, 0x5e, 0, 0, 0x01)

    let network: BridgedNetwork
    let datapath: Datapath
    var policy: HostPolicy
    /// On the host's thread alone.
    private var keeper: LeaseKeeper
    private let folder = URL.temporaryDirectory.appending(path: "vifguard-leases-\(UUID().uuidString)")
    private var server: RunningCommand?

    var guest: Station { network.guests[0] }
    var other: Station { network.guests[1] }
    var host: NetworkNamespace { network.host }

    init(otherRoles: Roles = [], otherMode: Mode = .enforce) throws {
        network = try BridgedNetwork(guests: Self.macs, outside: Self.outsideMAC)
        let host = network.host
        try network.outside.add(.v4(Self.gateway), prefixLength: 24)
        try network.outside.add(.v6(Self.gateway6), prefixLength: 64)
        try network.guests[0].enableIPv6()
        try network.guests[1].add(.v4(Self.neighbour), prefixLength: 24)
        datapath = try host.run { try Datapath.load() }
        policy = HostPolicy(
            bridges: [
                BridgePolicy(
                    name: "br0", uplinks: ["uplink"], gateways: [.v4(Self.gateway), .v6(Self.gateway6)], subnets: [IPv4Prefix("192.0.2.0/24")!])
            ],
            interfaces: [
                GuestInterface(port: "vif1.0", bridge: "br0", binding: Binding(guest: "leased", macs: [Self.macs[0]], usesDHCP: true)),
                GuestInterface(
                    port: "vif2.0", bridge: "br0",
                    binding: Binding(
                        guest: "other", macs: [Self.macs[1]], addresses4: [IPv4Prefix(Self.neighbour)], roles: otherRoles, mode: otherMode)),
            ])
        let (datapath, policy) = (datapath, policy)
        nonisolated(unsafe) var keeper: LeaseKeeper?
        try host.run {
            _ = try Apply.perform(policy, datapath: datapath)
            keeper = try LeaseKeeper(datapath: datapath, policy: policy)
        }
        self.keeper = try #require(keeper)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        server?.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    // MARK: Guard

    func apply() throws -> Report { try host.run { [self] in try Apply.perform(policy, datapath: datapath) } }

    /// What the keeper makes of the messages that have passed.
    func read() throws -> [LeaseNote.Event] { try host.run { [self] in try keeper.read().map(\.event) } }

    func expire(now: UInt64) throws -> [LeaseNote.Event] { try host.run { [self] in try keeper.expire(now: now).map(\.event) } }

    var nextExpiry: UInt64? { get throws { try host.run { [self] in keeper.nextExpiry } } }

    var descriptor: Int32 { get throws { try host.run { [self] in keeper.descriptor } } }

    /// While nobody can have the lock that hosts are changed under.
    func withoutLock(_ body: () throws -> Void) throws {
        let links = "\(datapath.pins.path)/links"
        try host.run { try #require(rename(links, links + "-away") == 0) }
        defer { try? host.run { try #require(rename(links + "-away", links) == 0) } }
        try body()
    }

    /// The programs tell of as many of the guest's messages at once as ever.
    func refillBucket() throws {
        try host.run { [self] in
            let slot = try #require(try datapath.records.record(of: guest.portIndex)).slot
            var state = try #require(try datapath.maps.states.value(for: slot))
            state.dhcp_from_guest.time = 0
            try datapath.maps.states.set(state, for: slot)
        }
    }

    /// As if the agent had been killed and started anew.
    func restartKeeper() throws { try host.run { [self] in keeper = try LeaseKeeper(datapath: datapath, policy: policy) } }

    /// Reads until a note is as wanted, for as long as real programs may take.
    func wait(_ patience: Duration = .seconds(60), for isWanted: (LeaseNote.Event) -> Bool) throws -> LeaseNote.Event? {
        let deadline = ContinuousClock.now + patience
        while ContinuousClock.now < deadline {
            if let note = try read().first(where: isWanted) { return note }
            usleep(50_000)
        }
        return nil
    }

    func leases() throws -> [Lease] { try host.run { [self] in try datapath.leases() } }

    func port(_ station: Station) throws -> PortStatus? { try host.run { [self] in try datapath.port(station.portIndex) } }

    func bound(_ station: Station) throws -> [IPPrefix] {
        let binding = try port(station)?.binding
        return (binding?.addresses4 ?? []).map { .v4($0) } + (binding?.addresses6 ?? []).map { .v6($0) }
    }

    func owner(of address: IPv4Address) throws -> Owner? {
        try host.run { [self] in try datapath.owners(bridge: network.bridgeIndex).addresses4[address] }
    }

    // MARK: Servers and clients

    /// dnsmasq beyond the uplink. Its leases take two minutes at least.
    func startServer(_ ranges: [String]) throws {
        server = try network.outside.namespace.start(
            [
                "setpriv", "--pdeathsig", "KILL", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root",
                "--interface=eth0",
                "--no-ping", "--dhcp-authoritative", "--log-facility=\(path("dnsmasq.log"))", "--dhcp-leasefile=\(path("dnsmasq.leases"))",
                "--pid-file=",
            ] + ranges.map { "--dhcp-range=\($0)" })
    }

    /// Runs udhcpc until it has a lease, and gives the card its address.
    func obtain() throws -> IPv4Address {
        let result = try guest.namespace.execute(
            ["setpriv", "--pdeathsig", "KILL", "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", "20", "-T", "1", "-s", "/bin/true"],
            atMost: .seconds(60))
        let words = (result.output + result.errors).split(whereSeparator: { $0 == " " || $0 == "," || $0 == "\n" }).map(String.init)
        let place = try #require(words.firstIndex(of: "obtained"), "\(result)")
        let address = try #require(IPv4Address(words[place - 1]), "\(result)")
        try guest.add(.v4(address), prefixLength: 24)
        return address
    }

    func canPing(_ address: String, from station: Station, as source: String? = nil) throws -> Bool {
        try station.namespace.execute(
            ["ping", "-c", "3", "-i", "0.05", "-W", "1"] + (source.map { ["-I", $0] } ?? []) + [address]
        ).succeeded
    }

    // MARK: Frames

    func request(_ number: UInt32, client: IPv4Address = .any) throws {
        let upper = UpperLayer.dhcpv4(clientMAC: Self.macs[0], messageType: 3, transaction: number, clientAddress: client)
        try guest.sender().send(Frame.ethernet(from: Self.macs[0], to: .broadcast, .ipv4(from: client, to: .broadcast, upper)).bytes)
    }

    static func acknowledgement(_ number: UInt32, _ address: IPv4Address, from mac: MACAddress, _ server: IPv4Address, type: UInt8 = 5) -> [UInt8] {
        let upper = UpperLayer.dhcpv4(
            2, clientMAC: macs[0], messageType: type, transaction: number, yourAddress: address,
            options: [.init(code: 54, data: Bytes(server.bytes)), .init(code: 51, data: Bytes([0, 0, 0x0e, 0x10]))])
        return Frame.ethernet(from: mac, to: macs[0], .ipv4(from: server, to: address, upper)).bytes
    }
}
