import Addresses
import DatapathProgram
import Policy

/// How many entries a change of the owners' tables took.
public struct OwnerChanges: Sendable, Hashable {
    public var written = 0
    public var removed = 0

    public init(written: Int = 0, removed: Int = 0) {
        self.written = written
        self.removed = removed
    }
}

extension Datapath {
    /// Makes the kernel's tables of owners say what `table` says for one bridge, writing only what differs. What the
    /// programs themselves have entered stays (claims, advertising routers), but where the table gives the address to
    /// somebody.
    ///
    /// - Parameter bridge: the bridge interface's number.
    /// - Throws: `DatapathError.mapFull`; what was written until then stays, and each entry of it is right.
    @discardableResult
    public func write(_ table: OwnerTable, bridge: UInt32) throws(DatapathError) -> OwnerChanges {
        try exclusively { () throws(DatapathError) in
            try write(
                table, bridge,
                over: BridgeOwners(
                    macs: maps.ownerMACs.owners(bridge: bridge), addresses4: maps.owners4.owners(bridge: bridge),
                    addresses6: maps.owners6.owners(bridge: bridge), prefixes4: maps.ownerPrefixes4.owners(bridge: bridge),
                    prefixes6: maps.ownerPrefixes6.owners(bridge: bridge)))
        }
    }

    /// As `write(_:bridge:)`, but for the entries that `present` or `table` names; all others stay. It takes as long as
    /// there are such entries, however many owners there are.
    ///
    /// - Parameter present: some of what is in force, as `owners(overlapping:bridge:)` gave it. Nobody may have changed the
    ///   prefixes of it since; with single addresses and MACs, what is there at the moment of writing counts.
    /// - Throws: `DatapathError.mapFull`, as there.
    @discardableResult
    public func write(_ table: OwnerTable, over present: BridgeOwners, bridge: UInt32) throws(DatapathError) -> OwnerChanges {
        try exclusively { () throws(DatapathError) in
            try write(
                table, bridge,
                over: BridgeOwners(
                    macs: maps.ownerMACs.owners(of: Set(present.macs.keys).union(table.macs.keys), bridge: bridge),
                    addresses4: maps.owners4.owners(of: Set(present.addresses4.keys).union(table.addresses4.keys), bridge: bridge),
                    addresses6: maps.owners6.owners(of: Set(present.addresses6.keys).union(table.addresses6.keys), bridge: bridge),
                    prefixes4: present.prefixes4, prefixes6: present.prefixes6))
        }
    }

    /// What the kernel's tables say for one bridge, claims and advertising routers included.
    public func owners(bridge: UInt32) throws(DatapathError) -> BridgeOwners {
        try checkInForce()
        return BridgeOwners(
            macs: try maps.ownerMACs.owners(bridge: bridge), addresses4: try maps.owners4.owners(bridge: bridge),
            addresses6: try maps.owners6.owners(bridge: bridge), prefixes4: try maps.ownerPrefixes4.owners(bridge: bridge),
            prefixes6: try maps.ownerPrefixes6.owners(bridge: bridge))
    }

    /// Of what the kernel's tables say for one bridge, all that shares a MAC or an address with what `table` names,
    /// whoever holds it there. A table of MACs and single addresses takes as many look-ups; one with prefixes, or inside
    /// somebody's, reads the maps of that family through.
    public func owners(overlapping table: OwnerTable, bridge: UInt32) throws(DatapathError) -> BridgeOwners {
        try checkInForce()
        var owners = BridgeOwners(macs: try maps.ownerMACs.owners(of: table.macs.keys, bridge: bridge))
        (owners.addresses4, owners.prefixes4) = try overlapping(
            Set(table.addresses4.keys), Set(table.prefixes4.keys), maps.owners4, maps.ownerPrefixes4, bridge)
        (owners.addresses6, owners.prefixes6) = try overlapping(
            Set(table.addresses6.keys), Set(table.prefixes6.keys), maps.owners6, maps.ownerPrefixes6, bridge)
        return owners
    }

    private func overlapping<Address, Single: OwnerKey & BitwiseCopyable, Range: OwnerKey & BitwiseCopyable>(
        _ addresses: Set<Address>, _ prefixes: Set<Prefix<Address>>, _ singles: KernelMap<Single, guard_owner>,
        _ ranges: KernelMap<Range, guard_owner>, _ bridge: UInt32
    ) throws(DatapathError) -> ([Address: Owner], [Prefix<Address>: Owner]) where Single.Name == Address, Range.Name == Prefix<Address> {
        let held: [Address: Owner]
        if prefixes.isEmpty {
            held = try singles.owners(of: addresses, bridge: bridge)
        } else {
            held = try singles.owners(bridge: bridge) { address in prefixes.contains { $0.contains(address) } || addresses.contains(address) }
        }
        // A trie tells that there is a prefix around an address, and neither which nor how many. Most often there is none.
        var isInside = false
        for address in addresses where try ranges.value(for: Range(scope: bridge, Prefix(address))) != nil { isInside = true }
        guard isInside || !prefixes.isEmpty else { return (held, [:]) }
        let around = try ranges.owners(bridge: bridge) { range in
            prefixes.contains { $0.overlaps(range) } || addresses.contains { range.contains($0) }
        }
        return (held, around)
    }

    private func write(_ table: OwnerTable, _ bridge: UInt32, over present: BridgeOwners) throws(DatapathError) -> OwnerChanges {
        var changes = OwnerChanges()
        let filter = try OwnerFilter(maps, bridge: bridge)
        try write(table.macs, over: present.macs, maps.ownerMACs, bridge, &changes) { filter.mark($0) }
        try write(table.addresses4, over: present.addresses4, maps.owners4, bridge, &changes) { filter.mark($0) }
        try write(table.addresses6, over: present.addresses6, maps.owners6, bridge, &changes) { filter.mark($0) }
        try write(table.prefixes4, over: present.prefixes4, maps.ownerPrefixes4, bridge, &changes) { _ in }
        try write(table.prefixes6, over: present.prefixes6, maps.ownerPrefixes6, bridge, &changes) { _ in }
        return changes
    }

    private func write<Key: OwnerKey & BitwiseCopyable>(
        _ wanted: [Key.Name: Owner], over present: [Key.Name: Owner], _ map: KernelMap<Key, guard_owner>, _ bridge: UInt32,
        _ changes: inout OwnerChanges, mark: (Key.Name) -> Void
    ) throws(DatapathError) {
        var missing = wanted
        // Removals first: they make room.
        for (name, owner) in present {
            if let want = wanted[name] {
                if want == owner { missing[name] = nil } else { try release(owner, bridge) }
            } else if !owner.isOfKernel {
                try map.remove(Key(scope: bridge, name))
                changes.removed += 1
            }
        }
        for (name, owner) in missing {
            // An uplink asks for guests' names alone, and the gateway's, which is nearly every frame's, must not make it look.
            if case .guest = owner.kind { mark(name) }
            try map.set(guard_owner(owner), for: Key(scope: bridge, name))
            changes.written += 1
        }
    }

    /// An entry that a program made is about to be overwritten: it no longer counts against its maker's bound.
    private func release(_ owner: Owner, _ bridge: UInt32) throws(DatapathError) {
        let maker: UInt32
        switch owner.kind {
        case .claim(let port): maker = port
        case .router: maker = bridge
        case .guest, .reserved: return
        }
        guard let slot = try records.record(of: maker)?.slot, var state = try maps.states.value(for: slot) else { return }
        if case .router = owner.kind {
            state.routers = state.routers > 0 ? state.routers - 1 : 0
        } else {
            state.claims = state.claims > 0 ? state.claims - 1 : 0
        }
        try maps.states.set(state, for: slot)
    }
}

/// The kernel's tables of owners for one bridge, as read.
public struct BridgeOwners: Sendable, Hashable {
    public var macs: [MACAddress: Owner] = [:]
    public var addresses4: [IPv4Address: Owner] = [:]
    public var addresses6: [IPv6Address: Owner] = [:]
    public var prefixes4: [IPv4Prefix: Owner] = [:]
    public var prefixes6: [IPv6Prefix: Owner] = [:]

    public init(
        macs: [MACAddress: Owner] = [:], addresses4: [IPv4Address: Owner] = [:], addresses6: [IPv6Address: Owner] = [:],
        prefixes4: [IPv4Prefix: Owner] = [:], prefixes6: [IPv6Prefix: Owner] = [:]
    ) {
        self.macs = macs
        self.addresses4 = addresses4
        self.addresses6 = addresses6
        self.prefixes4 = prefixes4
        self.prefixes6 = prefixes6
    }

    /// Who holds which address, single ones and prefixes of both families.
    public var prefixes: [(prefix: IPPrefix, owner: Owner)] {
        addresses4.map { (.v4(IPv4Prefix($0.key)), $0.value) } + addresses6.map { (.v6(IPv6Prefix($0.key)), $0.value) }
            + prefixes4.map { (.v4($0.key), $0.value) } + prefixes6.map { (.v6($0.key), $0.value) }
    }
}

extension Owner {
    init(_ owner: guard_owner) {
        let kind: Kind =
            switch UInt32(owner.kind) {
            case GUARD_OWNER_GUEST.rawValue: .guest(port: owner.port == 0 ? nil : owner.port)
            case GUARD_OWNER_CLAIM.rawValue: .claim(port: owner.port)
            case GUARD_OWNER_ROUTER.rawValue: .router
            default: .reserved
            }
        self.init(kind, isMigrating: owner.flags & UInt8(GUARD_OWNER_MIGRATING) != 0)
    }

    /// Entered by a program, not by us.
    var isOfKernel: Bool {
        switch kind {
        case .claim, .router: true
        case .guest, .reserved: false
        }
    }
}

extension guard_owner {
    init(_ owner: Owner) {
        self.init()
        port = owner.port ?? 0
        flags = owner.isMigrating ? UInt8(GUARD_OWNER_MIGRATING) : 0
        kind =
            switch owner.kind {
            case .guest: UInt8(GUARD_OWNER_GUEST.rawValue)
            case .claim: UInt8(GUARD_OWNER_CLAIM.rawValue)
            case .reserved: UInt8(GUARD_OWNER_RESERVED.rawValue)
            case .router: UInt8(GUARD_OWNER_ROUTER.rawValue)
            }
    }
}
