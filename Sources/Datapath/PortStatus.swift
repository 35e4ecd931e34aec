import Addresses
import DatapathProgram
import Policy

/// One guarded interface as the kernel has it.
public struct PortStatus: Sendable, Hashable {
    /// Its number, name and bridge, as they were given; the interface may have been renamed since.
    public var port: Port
    public var kind: PortKind
    /// The binding in force with what is leased, normalized; nil for an uplink, a bridge and a closed port.
    public var binding: Binding?
    /// What of it DHCP has given, expired leases too, sorted.
    public var leases: [Lease]
    /// Broadcast addresses of the bridge's subnets that may be a destination at a guest's port (rule G4).
    public var broadcasts: Set<IPv4Address>
    /// What rules U1 and U2 do at an uplink; a guest's mode is its binding's.
    public var mode: Mode
    /// Link-local addresses the guest has claimed.
    public var claims: [IPv6Address]
    public var counters: Counters
}

extension Datapath {
    /// Every guarded interface, by number.
    public func ports() throws(DatapathError) -> [PortStatus] {
        try checkInForce()
        let records = try records.all().sorted { $0.ifindex < $1.ifindex }
        let labels = Dictionary(try maps.labels.entries().map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        let overflow = try Overflow(maps, for: records)
        let claims = try self.claims()
        let leases = Dictionary(grouping: try readLeases { _ in true }, by: \.port)
        let reader = try CounterReader(maps)
        return try records.map { record throws(DatapathError) in
            try status(record, labels[record.ifindex] ?? guard_label(), overflow, leases[record.ifindex] ?? [], claims, reader)
        }
    }

    /// One guarded interface; nil if it has no record.
    ///
    /// - Parameter withTraffic: whether its claims and counters are asked for, too. To read those takes milliseconds;
    ///   without them it is some look-ups, but for a binding that a record has no room for, or that DHCP adds to.
    public func port(_ interface: UInt32, withTraffic: Bool = true) throws(DatapathError) -> PortStatus? {
        try checkInForce()
        guard let record = try records.record(of: interface) else { return nil }
        let label = try maps.labels.value(for: interface) ?? guard_label()
        let overflow = try Overflow(maps, for: [record])
        let leases = record.flags & UInt32(GUARD_DHCP) != 0 ? try readLeases { $0.port == interface } : []
        guard withTraffic else { return try status(record, label, overflow, leases, [:], nil) }
        return try status(record, label, overflow, leases, claims(), CounterReader(maps))
    }

    /// The guarded interfaces that had this name when their record was written, by number, without claims and counters.
    /// Several have it where some are gone.
    public func ports(named name: String) throws(DatapathError) -> [PortStatus] {
        try checkInForce()
        let numbers = try maps.labels.entries().filter { $0.value.portName == name }.map(\.key).sorted()
        return try numbers.map { number throws(DatapathError) in try port(number, withTraffic: false) }.compactMap(\.self)
    }

    /// The ports bound to a guest, by number, without claims and counters.
    public func ports(of guest: String) throws(DatapathError) -> [PortStatus] {
        try checkInForce()
        let numbers = try maps.labels.entries().filter { $0.value.guestName == guest }.map(\.key).sorted()
        return try numbers.map { number throws(DatapathError) in try port(number, withTraffic: false) }.compactMap(\.self)
    }

    /// How programs of ours hang on an interface, hook by hook; a hook without one isn't there.
    public func attachments(of interface: UInt32) throws(DatapathError) -> [Hook: AttachmentWay] {
        var ways: [Hook: AttachmentWay] = [:]
        for hook in Hook.allCases { ways[hook] = try attacher.find(interface, hook)?.way }
        return ways
    }

    private func status(
        _ record: guard_port, _ label: guard_label, _ overflow: Overflow, _ leases: [Lease], _ claims: [UInt32: [IPv6Address]],
        _ reader: CounterReader?
    ) throws(DatapathError) -> PortStatus {
        let kind = PortKind(rawValue: record.kind) ?? .guest
        let isBound = kind == .guest && record.flags & UInt32(GUARD_BOUND) != 0
        let image = overflow.image(record, label)
        let broadcasts = BindingImage.read(record.broadcasts4, Int(record.broadcasts4_count), as: UInt32.self)
        return PortStatus(
            port: Port(index: record.ifindex, name: label.portName, bridgeIndex: record.bridge, bridgeName: label.bridgeName), kind: kind,
            binding: isBound ? image.binding : nil, leases: leases,
            broadcasts: Set(broadcasts.map { IPv4Address(rawValue: UInt32(bigEndian: $0)) } + image.broadcasts4),
            mode: record.flags & UInt32(GUARD_AUDIT) != 0 ? .audit : .enforce, claims: claims[record.ifindex, default: []].sorted(),
            counters: try reader?.counters(slot: record.slot) ?? Counters())
    }

    private func claims() throws(DatapathError) -> [UInt32: [IPv6Address]] {
        var claims: [UInt32: [IPv6Address]] = [:]
        for (key, owner) in try maps.owners6.entries() where owner.kind == UInt8(GUARD_OWNER_CLAIM.rawValue) {
            claims[owner.port, default: []].append(key.value)
        }
        return claims
    }
}

/// What records have no room for, of all their bindings at once: each map is read once, and only if a record refers to it.
private struct Overflow {
    private var images: [UInt32: BindingImage] = [:]

    init(_ maps: GuardMaps, for records: [guard_port]) throws(DatapathError) {
        let flags = records.reduce(0) { $0 | $1.flags }
        let numbers = Set(records.map(\.binding))
        if flags & UInt32(GUARD_MORE_ADDRESSES4) != 0 {
            for (key, use) in try maps.addresses4.entries() where numbers.contains(key.scope) {
                if use == UInt8(GUARD_USE_OWN.rawValue) {
                    images[key.scope, default: BindingImage()].addresses4.append(key.value)
                } else {
                    images[key.scope, default: BindingImage()].broadcasts4.append(key.value)
                }
            }
        }
        if flags & UInt32(GUARD_MORE_ADDRESSES6) != 0 {
            for (key, _) in try maps.addresses6.entries() where numbers.contains(key.scope) {
                images[key.scope, default: BindingImage()].addresses6.append(key.value)
            }
        }
        if flags & UInt32(GUARD_MORE_PREFIXES4) != 0 {
            for (key, _) in try maps.prefixes4.entries() where numbers.contains(key.scope) {
                images[key.scope, default: BindingImage()].prefixes4.append(key.value)
            }
        }
        if flags & UInt32(GUARD_MORE_PREFIXES6) != 0 {
            for (key, _) in try maps.prefixes6.entries() where numbers.contains(key.scope) {
                images[key.scope, default: BindingImage()].prefixes6.append(key.value)
            }
        }
        if flags & UInt32(GUARD_ROLE_VLAN) != 0 {
            for (key, _) in try maps.vlans.entries() where numbers.contains(key.binding) {
                images[key.binding, default: BindingImage()].vlans.append(UInt16(truncatingIfNeeded: key.vid))
            }
        }
    }

    func image(_ record: guard_port, _ label: guard_label) -> BindingImage {
        var image = images[record.binding] ?? BindingImage()
        image.record = record
        image.label = label
        return image
    }
}

extension Datapath {
    /// The kernel's numbers of the programs of ours at an interface (`bpftool prog show id …`).
    public func programIDs(of interface: UInt32) throws(DatapathError) -> [UInt32] {
        var ids: [UInt32] = []
        for hook in Hook.allCases { if let found = try attacher.find(interface, hook) { ids.append(found.program) } }
        return ids
    }
}
