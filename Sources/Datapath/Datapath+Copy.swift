import DatapathProgram

extension Datapath {
    /// Writes into larger maps of the same layout what these hold, but for counters and what rings hold. Records keep their
    /// slots, and bindings their numbers, so that all that goes by them still fits.
    ///
    /// Only the programs write meanwhile. What a guest claims, or the uplink teaches, after its map was copied is gone then,
    /// and comes back with their next frame.
    func copyTables(to next: Datapath) throws(DatapathError) {
        try copy(\.addresses4, to: next)
        try copy(\.addresses6, to: next)
        try copy(\.prefixes4, to: next)
        try copy(\.prefixes6, to: next)
        try copy(\.vlans, to: next)
        try copy(\.owners4, to: next)
        try copy(\.ownerMACs, to: next)
        try copy(\.ownerPrefixes4, to: next)
        try copy(\.ownerPrefixes6, to: next)
        try copy(\.uplinkNeighbours, to: next)
        try copy(\.leases, to: next)
        try copy(\.labels, to: next)
        try copyStates(holding: try copy(\.owners6, to: next), to: next)
        // A claim's bit is set before its owner is entered: all of those above have theirs.
        try OwnerFilter.copy(maps, to: next.maps)
        try records.copy(to: next.records)
    }

    @discardableResult
    private func copy<Key, Value>(
        _ map: KeyPath<GuardMaps, KernelMap<Key, Value>>, to next: Datapath
    ) throws(DatapathError) -> [(key: Key, value: Value)] {
        let entries = try maps[keyPath: map].entries()
        for (key, value) in entries { try next.maps[keyPath: map].set(value, for: key) }
        return entries
    }

    /// With as many claims and routers as were copied, whatever has come since.
    private func copyStates(holding owners: [(key: guard_address6, value: guard_owner)], to next: Datapath) throws(DatapathError) {
        var claims: [UInt32: UInt32] = [:]
        var routers: [UInt32: UInt32] = [:]
        for (key, owner) in owners {
            switch guard_owner_kind(UInt32(owner.kind)) {
            case GUARD_OWNER_CLAIM: claims[owner.port, default: 0] += 1
            case GUARD_OWNER_ROUTER: routers[key.scope, default: 0] += 1
            default: break
            }
        }
        for taken in ledger.takenSlots {
            guard var state = try maps.states.value(for: taken.slot) else { continue }
            state.claims = claims[taken.interface] ?? 0
            state.routers = routers[taken.interface] ?? 0
            try next.maps.states.set(state, for: taken.slot)
        }
    }
}
