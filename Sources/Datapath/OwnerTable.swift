import Addresses
import Policy

/// Whose each address and MAC is on one bridge (policy.md, Terms): what `Datapath.write(_:bridge:)` makes the kernel's
/// tables say. A value; reserved beats guest, and of two guests the first added.
public struct OwnerTable: Sendable, Hashable {
    public private(set) var macs: [MACAddress: Owner] = [:]
    public private(set) var addresses4: [IPv4Address: Owner] = [:]
    public private(set) var addresses6: [IPv6Address: Owner] = [:]
    public private(set) var prefixes4: [IPv4Prefix: Owner] = [:]
    public private(set) var prefixes6: [IPv6Prefix: Owner] = [:]

    public init() {}

    /// What the bridge's policy reserves, with the host's own.
    ///
    /// - Parameters:
    ///   - hostAddresses: the bridge interface's.
    ///   - hostMACs: the bridge interface's and its uplinks'.
    public init(_ policy: BridgePolicy, hostAddresses: [IPAddress] = [], hostMACs: [MACAddress] = []) {
        for prefix in policy.reserved { reserve(prefix) }
        for address in policy.gateways + hostAddresses { reserve(IPPrefix(address)) }
        for mac in policy.gatewayMACs + policy.reservedMACs + hostMACs { reserve(mac) }
    }

    /// What the kernel's tables say already, but for what the programs have entered themselves.
    public init(_ owners: BridgeOwners) {
        macs = owners.macs.filter { !$0.value.isOfKernel }
        addresses4 = owners.addresses4.filter { !$0.value.isOfKernel }
        addresses6 = owners.addresses6.filter { !$0.value.isOfKernel }
        prefixes4 = owners.prefixes4.filter { !$0.value.isOfKernel }
        prefixes6 = owners.prefixes6.filter { !$0.value.isOfKernel }
    }

    /// Takes away all that is the guest's on this port; a stopped guest's is left alone, and so is what is reserved.
    public mutating func remove(port: UInt32) {
        macs = macs.filter { $0.value.port != port }
        addresses4 = addresses4.filter { $0.value.port != port }
        addresses6 = addresses6.filter { $0.value.port != port }
        prefixes4 = prefixes4.filter { $0.value.port != port }
        prefixes6 = prefixes6.filter { $0.value.port != port }
    }

    /// As `add`, for a guest that starts or stops: what it holds already without a port, or on another, becomes this one's.
    public mutating func move(_ binding: Binding, port: UInt32?) {
        var fresh = OwnerTable()
        fresh.add(binding, port: port)
        func take(_ owner: Owner, _ new: Owner) -> Owner { owner.kind == .reserved ? owner : new }
        macs.merge(fresh.macs, uniquingKeysWith: take)
        addresses4.merge(fresh.addresses4, uniquingKeysWith: take)
        addresses6.merge(fresh.addresses6, uniquingKeysWith: take)
        prefixes4.merge(fresh.prefixes4, uniquingKeysWith: take)
        prefixes6.merge(fresh.prefixes6, uniquingKeysWith: take)
    }

    /// As `add`, but only what another binding holds in the same words.
    public mutating func add(_ binding: Binding, port: UInt32?, sharedWith other: Binding) {
        var (own, theirs) = (OwnerTable(), OwnerTable())
        own.add(binding, port: port)
        theirs.add(other, port: nil)
        for (mac, owner) in own.macs where theirs.macs[mac] != nil { macs.keep(owner, mac) }
        for (address, owner) in own.addresses4 where theirs.addresses4[address] != nil { addresses4.keep(owner, address) }
        for (address, owner) in own.addresses6 where theirs.addresses6[address] != nil { addresses6.keep(owner, address) }
        for (prefix, owner) in own.prefixes4 where theirs.prefixes4[prefix] != nil { prefixes4.keep(owner, prefix) }
        for (prefix, owner) in own.prefixes6 where theirs.prefixes6[prefix] != nil { prefixes6.keep(owner, prefix) }
    }

    public mutating func reserve(_ prefix: IPPrefix) {
        switch prefix {
        case .v4(let prefix) where prefix.isSingle: addresses4[prefix.address] = Owner(.reserved)
        case .v4(let prefix): prefixes4[prefix] = Owner(.reserved)
        case .v6(let prefix) where prefix.isSingle: addresses6[prefix.address] = Owner(.reserved)
        case .v6(let prefix): prefixes6[prefix] = Owner(.reserved)
        }
    }

    public mutating func reserve(_ mac: MACAddress) { macs[mac] = Owner(.reserved) }

    /// All that a guest's binding holds.
    ///
    /// A virtual router's MAC and addresses move with its master, which may be on another host at any time: like those
    /// of a guest on the move, they are the guest's, and no sign of a hijack when they are seen on the uplink.
    ///
    /// - Parameter port: the interface's number; nil while the guest is stopped.
    public mutating func add(_ binding: Binding, port: UInt32?) {
        let owner = Owner(.guest(port: port), isMigrating: binding.isMigrating)
        for mac in binding.macs { macs.keep(owner, mac) }
        for prefix in binding.addresses4 { add(.v4(prefix), owner) }
        for prefix in binding.addresses6 { add(.v6(prefix), owner) }
        for address in binding.macs.map(\.eui64LinkLocal) + binding.linkLocals { addresses6.keep(owner, address) }
        let moving = Owner(.guest(port: port), isMigrating: true)
        for router in binding.virtualRouters {
            macs.keep(moving, router.mac)
            add(IPPrefix(router.address), moving)
        }
    }

    /// What is leased to a guest.
    public mutating func add(_ lease: Lease, isMigrating: Bool = false) {
        add(lease.prefix, Owner(.guest(port: lease.port), isMigrating: isMigrating))
    }

    /// Whether somebody other than the guest on that port holds an address of the prefix.
    public func isHeld(_ prefix: IPPrefix, besides port: UInt32) -> Bool {
        switch prefix {
        case .v4(let prefix): Self.isHeld(prefix, addresses4, prefixes4, port)
        case .v6(let prefix): Self.isHeld(prefix, addresses6, prefixes6, port)
        }
    }

    private static func isHeld<Address>(
        _ prefix: Prefix<Address>, _ singles: [Address: Owner], _ prefixes: [Prefix<Address>: Owner], _ port: UInt32
    ) -> Bool {
        if prefixes.contains(where: { $0.value.port != port && $0.key.overlaps(prefix) }) { return true }
        guard !prefix.isSingle else { return singles[prefix.address].map { $0.port != port } ?? false }
        return singles.contains { $0.value.port != port && prefix.contains($0.key) }
    }

    private mutating func add(_ prefix: IPPrefix, _ owner: Owner) {
        switch prefix {
        case .v4(let prefix) where prefix.isSingle: addresses4.keep(owner, prefix.address)
        case .v4(let prefix): prefixes4.keep(owner, prefix)
        case .v6(let prefix) where prefix.isSingle: addresses6.keep(owner, prefix.address)
        case .v6(let prefix): prefixes6.keep(owner, prefix)
        }
    }
}

extension Dictionary where Value == Owner {
    fileprivate mutating func keep(_ owner: Owner, _ key: Key) { if self[key] == nil { self[key] = owner } }
}
