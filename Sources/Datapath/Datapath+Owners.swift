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
            var changes = OwnerChanges()
            let filter = try OwnerFilter(maps, bridge: bridge)
            try write(table.macs, maps.ownerMACs, bridge, &changes, scope: \.bridge, key: { guard_owner_mac(bridge: bridge, $0) }, \.value) { filter.mark($0) }
            try write(table.addresses4, maps.owners4, bridge, &changes, scope: \.scope, key: { guard_address4(scope: bridge, $0) }, \.value) { filter.mark($0) }
            try write(table.addresses6, maps.owners6, bridge, &changes, scope: \.scope, key: { guard_address6(scope: bridge, $0) }, \.value) { filter.mark($0) }
            try write(table.prefixes4, maps.ownerPrefixes4, bridge, &changes, scope: \.scope, key: { guard_prefix4(scope: bridge, $0) }, \.value) { _ in }
            try write(table.prefixes6, maps.ownerPrefixes6, bridge, &changes, scope: \.scope, key: { guard_prefix6(scope: bridge, $0) }, \.value) { _ in }
            return changes
        }
    }

    /// What the kernel's tables say for one bridge, claims and advertising routers included.
    public func owners(bridge: UInt32) throws(DatapathError) -> BridgeOwners {
        try checkInForce()
        var owners = BridgeOwners()
        for (key, owner) in try maps.ownerMACs.entries() where key.bridge == bridge { owners.macs[key.value] = Owner(owner) }
        for (key, owner) in try maps.owners4.entries() where key.scope == bridge { owners.addresses4[key.value] = Owner(owner) }
        for (key, owner) in try maps.owners6.entries() where key.scope == bridge { owners.addresses6[key.value] = Owner(owner) }
        for (key, owner) in try maps.ownerPrefixes4.entries() where key.scope == bridge { owners.prefixes4[key.value] = Owner(owner) }
        for (key, owner) in try maps.ownerPrefixes6.entries() where key.scope == bridge { owners.prefixes6[key.value] = Owner(owner) }
        return owners
    }

    private func write<Name: Hashable, Key>(
        _ wanted: [Name: Owner], _ map: KernelMap<Key, guard_owner>, _ bridge: UInt32, _ changes: inout OwnerChanges,
        scope: (Key) -> UInt32, key: (Name) -> Key, _ name: (Key) -> Name, mark: (Name) -> Void
    ) throws(DatapathError) {
        var missing = wanted
        // Removals first: they make room.
        for (present, value) in try map.entries() where scope(present) == bridge {
            let owner = Owner(value)
            if let want = wanted[name(present)] {
                if want == owner { missing[name(present)] = nil } else { try release(owner, bridge) }
            } else if !owner.isOfKernel {
                try map.remove(present)
                changes.removed += 1
            }
        }
        for (name, owner) in missing {
            mark(name)
            try map.set(guard_owner(owner), for: key(name))
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

    public init() {}
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
        kind = switch owner.kind {
        case .guest: UInt8(GUARD_OWNER_GUEST.rawValue)
        case .claim: UInt8(GUARD_OWNER_CLAIM.rawValue)
        case .reserved: UInt8(GUARD_OWNER_RESERVED.rawValue)
        case .router: UInt8(GUARD_OWNER_ROUTER.rawValue)
        }
    }
}
