import Addresses
import Datapath
import Netlink
import Policy
import Testing

@testable import Enforcement

/// What plans do about addresses that DHCP has given.
struct LeasePlanTests {
    private static let now: UInt64 = 1000
    private static let address = IPv4Prefix("192.0.2.77")!
    private var policy = ModelHost.policy()

    init() {
        policy.interfaces[0].binding.usesDHCP = true
        policy.interfaces[0].binding.addresses4 = []
    }

    private static func lease(_ prefix: IPPrefix = .v4(address), expiry: UInt64 = now + 1, port: Int = 1) -> Lease {
        Lease(
            bridge: ModelHost.bridge, port: ModelHost.port(port), mac: ModelHost.mac(port), prefix: prefix, expiry: expiry,
            server: IPAddress("192.0.2.254")!)
    }

    /// A host that was made to match the policy, and where guest 1 was then leased this, as a keeper does it.
    private func host(_ leases: [Lease] = [lease()], policy: HostPolicy? = nil) -> ModelHost {
        var host = ModelHost(guests: 3)
        host.state.time = Self.now
        host.apply(policy ?? self.policy)
        for lease in leases {
            let bound = host.state.guarded[lease.port]!.binding!.granting([lease]).normalized
            host.state.guarded[lease.port]!.binding = bound
            host.state.guarded[lease.port]!.broadcasts = Set(Entitlement(bound, subnets: ModelHost.bridgePolicy.subnets).broadcasts4)
            host.state.guarded[lease.port]!.leases.append(lease)
            switch lease.prefix {
            case .v4(let prefix): host.state.bridges[ModelHost.bridge]!.owners.addresses4[prefix.address] = Owner(.guest(port: lease.port))
            case .v6(let prefix): host.state.bridges[ModelHost.bridge]!.owners.prefixes6[prefix] = Owner(.guest(port: lease.port))
            }
        }
        return host
    }

    private func addresses(_ host: ModelHost, _ port: Int = 1) -> [IPv4Prefix]? { host.state.guarded[ModelHost.port(port)]?.binding?.addresses4 }

    @Test func `a lease that holds changes nothing`() {
        #expect(host().plan(policy).isEmpty)
        #expect(host([Self.lease(), Self.lease(.v6(IPv6Prefix("2001:db8:1::/56")!), expiry: .max)]).plan(policy).isEmpty)
    }

    @Test func `a lease is kept when all else about the guest changes`() {
        var host = host()
        var changed = policy
        changed.interfaces[0].binding.guest = "renamed"
        changed.interfaces[0].binding.quiet = false
        changed.interfaces[0].binding.addresses4 = [IPv4Prefix("192.0.2.9")!]
        let plan = host.apply(changed)
        #expect(plan.steps.contains { $0.name == "bind" } && !plan.steps.contains { $0.name == "forget-leases" })
        #expect(addresses(host) == [IPv4Prefix("192.0.2.9")!, Self.address])
        #expect(host.state.bridges[ModelHost.bridge]?.owners.addresses4[Self.address.address] == Owner(.guest(port: ModelHost.port(1))))
        #expect(host.plan(changed).isEmpty)
    }

    @Test func `leases of maps that are left are granted by the new ones, if they hold`() {
        var policy = policy
        policy.interfaces[1].binding.usesDHCP = true
        let delegated = Self.lease(.v6(IPv6Prefix("2001:db8:1::/56")!), expiry: .max)
        let lost = [
            Self.lease(.v4(IPv4Prefix("192.0.2.78")!), expiry: Self.now),
            // Listed for guest 2, where it is no lease, and not to be lent to guest 1; of a port that nobody is behind.
            Self.lease(.v4(IPv4Prefix("192.0.2.2")!)), Self.lease(.v4(IPv4Prefix("192.0.2.2")!), port: 2),
            Self.lease(.v4(IPv4Prefix("192.0.2.79")!), port: 3),
        ]
        var host = ModelHost(guests: 3)
        host.state.time = Self.now
        host.state.formerLeases = Dictionary(grouping: lost + [Self.lease(), delegated], by: \.port)
        let plan = host.apply(policy)
        #expect(Set(plan.leases) == [Self.lease(), delegated] && !plan.steps.contains { $0.name == "forget-leases" })
        #expect(addresses(host) == [Self.address] && addresses(host, 2) == [IPv4Prefix("192.0.2.2")!] && addresses(host, 3) == nil)
        let owners = host.state.bridges[ModelHost.bridge]?.owners
        #expect(owners?.addresses4[Self.address.address] == Owner(.guest(port: ModelHost.port(1))))
        #expect(owners?.addresses4[IPv4Address(192, 0, 2, 79)] == nil)
    }

    @Test func `a lease whose record was lost is granted again`() {
        var host = host()
        host.state.guarded[ModelHost.port(1)]!.binding!.addresses4 = []
        host.state.bridges[ModelHost.bridge]!.owners.addresses4[Self.address.address] = nil
        host.apply(policy)
        #expect(addresses(host) == [Self.address])
        #expect(host.plan(policy).isEmpty)
    }

    static let lapses: [(String, @Sendable (inout HostPolicy, inout ModelHost) -> Void)] = [
        ("its time is up", { $1.state.time = now + 1 }),
        ("the guest has no DHCP any more", { policy, _ in policy.interfaces[0].binding.usesDHCP = false }),
        ("the guest has another MAC", { policy, _ in policy.interfaces[0].binding.macs = [ModelHost.mac(9)] }),
        ("another guest has it listed", { policy, _ in policy.interfaces[1].binding.addresses4.append(address) }),
        (
            "a stopped guest has it listed",
            { policy, _ in
                policy.interfaces[1].port = "vif9.0"; policy.interfaces[1].binding.addresses4 = [address]
            }
        ),
        ("it is reserved", { policy, _ in policy.bridges[0].reserved = [IPPrefix("192.0.2.64/27")!] }),
        ("it is a gateway's", { policy, _ in policy.bridges[0].gateways = [IPAddress("192.0.2.77")!] }),
        ("it is the host's own", { $1.state.bridges[ModelHost.bridge]!.hostAddresses.append(IPAddress("192.0.2.77")!) }),
    ]

    @Test(arguments: lapses.indices) func `a lease lapses when`(number: Int) {
        var (policy, host) = (policy, host())
        Self.lapses[number].1(&policy, &host)
        let plan = host.apply(policy)
        #expect(plan.faults.isEmpty, "\(Self.lapses[number].0)")
        #expect(addresses(host) == [], "\(Self.lapses[number].0)")
        #expect(host.state.guarded[ModelHost.port(1)]?.leases == [], "\(Self.lapses[number].0)")
        #expect(host.state.bridges[ModelHost.bridge]?.owners.addresses4[Self.address.address] != Owner(.guest(port: ModelHost.port(1))))
        #expect(host.plan(policy).isEmpty, "\(Self.lapses[number].0)")
        // The record first: a lease forgotten before would leave its address as if it were listed.
        let names = plan.steps.map(\.name)
        #expect(names.lastIndex(of: "bind")! < names.lastIndex(of: "forget-leases")!)
    }

    @Test(arguments: lapses.indices) func `meanwhile no port may use what another one owns`(number: Int) {
        var (policy, host) = (policy, host())
        Self.lapses[number].1(&policy, &host)
        for step in host.plan(policy).steps {
            host.perform(step)
            for guarded in host.state.guarded.values {
                let others = host.state.bridges[ModelHost.bridge]!.owners.prefixes.filter { $0.owner.port.map { $0 != guarded.port.index } ?? false }
                let usable = guarded.binding?.allPrefixes ?? []
                #expect(!others.contains { held in usable.contains { $0.overlaps(held.prefix) } }, "\(Self.lapses[number].0): \(step)")
            }
        }
    }

    @Test func `what is listed isn't leased any more`() {
        var (policy, host) = (policy, host())
        policy.interfaces[0].binding.addresses4 = [Self.address]
        let plan = host.apply(policy)
        #expect(plan.steps.map(\.name) == ["forget-leases"])
        #expect(addresses(host) == [Self.address] && host.state.guarded[ModelHost.port(1)]?.leases == [])
        #expect(host.plan(policy).isEmpty)
    }

    @Test func `a lease is forgotten before a record lists what it gave`() {
        var (policy, host) = (policy, host([Self.lease(), Self.lease(.v6(IPv6Prefix("2001:db8:1::/56")!))]))
        policy.interfaces[0].binding.addresses4 = [Self.address, IPv4Prefix("192.0.2.9")!]
        let plan = host.apply(policy)
        #expect(plan.steps.filter { $0.port.index == ModelHost.port(1) }.map(\.name) == ["forget-leases", "bind"])
        #expect(host.state.guarded[ModelHost.port(1)]?.leases == [Self.lease(.v6(IPv6Prefix("2001:db8:1::/56")!))])
        #expect(addresses(host) == [IPv4Prefix("192.0.2.9")!, Self.address] && host.plan(policy).isEmpty)
    }

    @Test func `a port that is closed keeps nothing`() {
        var (policy, host) = (policy, host())
        policy.interfaces.removeFirst()
        host.apply(policy)
        #expect(host.state.guarded[ModelHost.port(1)]?.binding == nil)
        #expect(host.state.bridges[ModelHost.bridge]?.owners.addresses4[Self.address.address] == nil)
        #expect(host.plan(policy).isEmpty)
    }

    @Test func `a port owns a lease before it may use it, and until it may no longer`() {
        let host = host([])
        let device = host.state.bridges[ModelHost.bridge]!
        let listed = host.state.guarded[ModelHost.port(1)]!.binding!
        let granted = listed.granting([Self.lease()]).normalized
        let port = host.state.guarded[ModelHost.port(1)]!.port
        #expect(Step.changing(listed, to: granted, at: port, subnets: [], device).map(\.name) == ["enter-owners", "bind"])
        let leased = self.host().state.bridges[ModelHost.bridge]!
        #expect(Step.changing(granted, to: listed, at: port, subnets: [], leased).map(\.name) == ["bind", "enter-owners"])
    }

    // MARK: Bindings of others

    /// Guest 3 was attached by hand, and has a lease.
    private func hostOfOthers() -> ModelHost {
        var host = host([])
        var binding = ModelHost.binding(3, origin: .manual)
        binding.usesDHCP = true
        let lease = Self.lease(port: 3)
        host.state.guarded[ModelHost.port(3)]!.binding = binding.granting([lease]).normalized
        host.state.guarded[ModelHost.port(3)]!.leases = [lease]
        host.apply(policy)
        return host
    }

    @Test func `another's binding with its lease is left alone`() {
        let host = hostOfOthers()
        #expect(addresses(host, 3) == [IPv4Prefix("192.0.2.3")!, Self.address])
        #expect(host.state.bridges[ModelHost.bridge]?.owners.addresses4[Self.address.address] == Owner(.guest(port: ModelHost.port(3))))
        #expect(host.plan(policy).isEmpty)
    }

    @Test func `another's binding loses what has expired, and nothing else`() {
        var host = hostOfOthers()
        host.state.time = Self.now + 1
        let plan = host.apply(policy)
        #expect(plan.steps.filter { $0.port.index == ModelHost.port(3) }.map(\.name) == ["bind", "forget-leases"])
        #expect(addresses(host, 3) == [IPv4Prefix("192.0.2.3")!] && host.state.guarded[ModelHost.port(3)]?.binding?.origin == .manual)
        #expect(host.plan(policy).isEmpty)
    }

    @Test func `what the policy lists goes before what another's guest leases`() {
        var (policy, host) = (policy, hostOfOthers())
        policy.interfaces[1].binding.addresses4.append(Self.address)
        #expect(host.apply(policy).faults.isEmpty)
        #expect(addresses(host, 3) == [IPv4Prefix("192.0.2.3")!] && addresses(host, 2)?.contains(Self.address) == true)
        #expect(host.plan(policy).isEmpty)
    }
}
