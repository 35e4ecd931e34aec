import CBPF
import DatapathProgram

/// The maps that the programs and their loaders share (guard.h).
struct GuardMaps: Sendable {
    let index: KernelMap<UInt32, UInt32>
    let indexMore: KernelMap<UInt32, UInt32>
    let records: KernelMap<UInt32, guard_port>
    let labels: KernelMap<UInt32, guard_label>
    let addresses4: KernelMap<guard_address4, UInt8>
    let addresses6: KernelMap<guard_address6, UInt8>
    let prefixes4: KernelMap<guard_prefix4, UInt8>
    let prefixes6: KernelMap<guard_prefix6, UInt8>
    let vlans: KernelMap<guard_vlan, UInt8>
    let owners4: KernelMap<guard_address4, guard_owner>
    let owners6: KernelMap<guard_address6, guard_owner>
    let ownerMACs: KernelMap<guard_owner_mac, guard_owner>
    let ownerPrefixes4: KernelMap<guard_prefix4, guard_owner>
    let ownerPrefixes6: KernelMap<guard_prefix6, guard_owner>
    let ownerFilter: KernelMap<UInt32, UInt64>
    let uplinkNeighbours: KernelMap<guard_address6, UInt64>
    let tallies: KernelMap<UInt32, guard_tally>
    let states: KernelMap<UInt32, guard_state>
    let leases: KernelMap<guard_lease_key, guard_lease>
    /// Per-CPU and rings: not of the plain kind.
    let passed: Descriptor
    let events: Descriptor
    let dhcp: Descriptor
    /// All of them, by their names in guard.bpf.c.
    let descriptors: [String: Descriptor]

    /// Takes each map from `find`.
    init(_ find: (String) throws(DatapathError) -> Descriptor) throws(DatapathError) {
        var descriptors: [String: Descriptor] = [:]
        func take(_ name: String) throws(DatapathError) -> Descriptor {
            let descriptor = try find(name)
            descriptors[name] = descriptor
            return descriptor
        }
        func map<Key, Value>(_ name: String) throws(DatapathError) -> KernelMap<Key, Value> { try KernelMap(name, take(name)) }
        index = try map("port_index")
        indexMore = try map("port_index_more")
        records = try map("records")
        labels = try map("labels")
        addresses4 = try map("addresses4")
        addresses6 = try map("addresses6")
        prefixes4 = try map("prefixes4")
        prefixes6 = try map("prefixes6")
        vlans = try map("vlans")
        owners4 = try map("owners4")
        owners6 = try map("owners6")
        ownerMACs = try map("owner_macs")
        ownerPrefixes4 = try map("owner_prefixes4")
        ownerPrefixes6 = try map("owner_prefixes6")
        ownerFilter = try map("owner_filter")
        uplinkNeighbours = try map("uplink_neighbors")
        tallies = try map("tallies")
        states = try map("states")
        leases = try map("leases")
        passed = try take("passed")
        events = try take("events")
        dhcp = try take("dhcp")
        self.descriptors = descriptors
    }

    /// Opens the pinned ones.
    static func pinned(_ pins: PinFolder, _ generation: PinFolder.Generation) throws(DatapathError) -> GuardMaps {
        try GuardMaps { name throws(DatapathError) in
            guard let descriptor = try Descriptor.pinned(at: pins.map(name, generation)) else {
                throw .object(reason: "\(pins.map(name, generation)) is missing: somebody removed it; 'vifguard uninstall', then 'vifguard apply'")
            }
            return descriptor
        }
    }
}
