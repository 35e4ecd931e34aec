import Datapath
import Policy

extension OwnerTable {
    /// How many entries writing this table takes where `present` is in force. What the kernel program has entered itself
    /// (claims, advertising routers) stays, but where this table gives the address to somebody.
    func changes(from present: BridgeOwners) -> OwnerChanges {
        var changes = OwnerChanges()
        count(macs, present.macs, &changes)
        count(addresses4, present.addresses4, &changes)
        count(addresses6, present.addresses6, &changes)
        count(prefixes4, present.prefixes4, &changes)
        count(prefixes6, present.prefixes6, &changes)
        return changes
    }

    private func count<Key>(_ wanted: [Key: Owner], _ present: [Key: Owner], _ changes: inout OwnerChanges) {
        for (key, owner) in wanted where present[key] != owner { changes.written += 1 }
        for (key, owner) in present where wanted[key] == nil {
            switch owner.kind {
            case .guest, .reserved: changes.removed += 1
            case .claim, .router: break
            }
        }
    }
}
