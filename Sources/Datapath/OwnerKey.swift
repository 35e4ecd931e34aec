import Addresses
import DatapathProgram
import Policy

/// A key of the owners' maps: whose something is, on one bridge.
protocol OwnerKey {
    /// A MAC, an address or a prefix.
    associatedtype Name: Hashable

    init(scope bridge: UInt32, _ name: Name)
    /// The bridge interface's number.
    var scope: UInt32 { get }
    var value: Name { get }
}

extension guard_address4: OwnerKey {}
extension guard_address6: OwnerKey {}
extension guard_prefix4: OwnerKey {}
extension guard_prefix6: OwnerKey {}

extension guard_owner_mac: OwnerKey {
    init(scope bridge: UInt32, _ mac: MACAddress) { self.init(bridge: bridge, mac) }
    var scope: UInt32 { bridge }
}

extension KernelMap where Key: OwnerKey, Value == guard_owner {
    /// What is entered for one bridge. The whole map is read, whatever part of it is the bridge's.
    func owners(bridge: UInt32, where isWanted: (Key.Name) -> Bool = { _ in true }) throws(DatapathError) -> [Key.Name: Owner] {
        var owners: [Key.Name: Owner] = [:]
        for (key, owner) in try entries() where key.scope == bridge {
            let name = key.value
            if isWanted(name) { owners[name] = Owner(owner) }
        }
        return owners
    }

    /// What is entered under these names. For hashes alone: a trie gives whatever prefix is around the one asked for.
    func owners(of names: some Sequence<Key.Name>, bridge: UInt32) throws(DatapathError) -> [Key.Name: Owner] {
        var owners: [Key.Name: Owner] = [:]
        for name in names { owners[name] = try value(for: Key(scope: bridge, name)).map(Owner.init) }
        return owners
    }
}
