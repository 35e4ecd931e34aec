import Addresses

/// What a binding comes to when a frame is judged: policy.md's `M`, `A4`, `A6` and `LL` without the claims.
public struct Entitlement: Sendable, Hashable {
    /// `M`: the guest's own MACs and those of its virtual routers.
    public let macs: [MACAddress]
    /// `A4`.
    public let addresses4: [IPv4Prefix]
    /// `A6`.
    public let addresses6: [IPv6Prefix]
    /// The link-local addresses that are the guest's from the start: EUI-64 of its own MACs, and the listed ones.
    public let linkLocals: [IPv6Address]
    /// Broadcast addresses of the bridge's subnets that the guest has an address in (rule G4).
    public let broadcasts4: [IPv4Address]
    /// Rule E6.
    public let allowsIPv4: Bool
    /// Rule E6.
    public let allowsIPv6: Bool

    /// What `binding` comes to on a bridge with these subnets.
    public init(_ binding: Binding, subnets: [IPv4Prefix]) {
        var addresses4 = binding.addresses4
        var addresses6 = binding.addresses6
        var listed = binding.linkLocals
        for router in binding.virtualRouters {
            switch router.address {
            case .v4(let address): addresses4.append(IPv4Prefix(address))
            case .v6(let address) where address.isLinkLocal: listed.append(address)
            case .v6(let address): addresses6.append(IPv6Prefix(address))
            }
        }
        macs = binding.macs + binding.virtualRouters.map(\.mac)
        linkLocals = binding.macs.map(\.eui64LinkLocal) + listed
        broadcasts4 = subnets.filter { subnet in addresses4.contains { $0.overlaps(subnet) } }.compactMap(\.broadcast)
        allowsIPv4 = !addresses4.isEmpty
        allowsIPv6 = !addresses6.isEmpty || !listed.isEmpty || binding.usesDHCP
        self.addresses4 = addresses4
        self.addresses6 = addresses6
    }

    func holds(_ address: IPv4Address) -> Bool { addresses4.contains { $0.contains(address) } }
    func holds(_ address: IPv6Address) -> Bool { addresses6.contains { $0.contains(address) } }
}
