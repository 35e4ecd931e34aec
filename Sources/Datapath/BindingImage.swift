import Addresses
import DatapathProgram
import Policy

/// A binding as the kernel's maps hold it: the port's record, what that has no room for, and the label with what only
/// people need. A function of values; `binding` is its inverse.
struct BindingImage {
    var record = guard_port()
    var label = guard_label()
    var addresses4: [IPv4Address] = []
    var broadcasts4: [IPv4Address] = []
    var addresses6: [IPv6Address] = []
    var prefixes4: [IPv4Prefix] = []
    var prefixes6: [IPv6Prefix] = []
    var vlans: [UInt16] = []
}

extension BindingImage {
    /// - Parameters:
    ///   - number: the binding's own, never used before.
    ///   - subnets: the bridge's, for broadcast addresses.
    /// - Throws: `DatapathError.unfit` for a binding that breaks a bound.
    init(_ given: Binding, port: Port, number: UInt32, slot: UInt32, subnets: [IPv4Prefix]) throws(DatapathError) {
        let binding = given.normalized
        try Self.check(binding)
        let entitlement = Entitlement(binding, subnets: subnets)
        record.binding = number
        record.ifindex = port.index
        record.bridge = port.bridgeIndex
        record.slot = slot
        record.kind = PortKind.guest.rawValue
        record.flags = Self.flags(binding, entitlement)
        setMACs(entitlement.macs.withoutRepeats)
        setNets4(entitlement)
        setNets6(binding, entitlement)
        setLimits(binding.limits)
        record.ethertypes_count = UInt8(binding.etherTypes.count)
        Self.fill(&record.ethertypes, binding.etherTypes.map(\.bigEndian))
        vlans = binding.vlans
        setLabel(binding, port)
    }

    private static func check(_ binding: Binding) throws(DatapathError) {
        func unfit(_ reason: String) -> DatapathError { .unfit(guest: binding.guest, reason: reason) }
        guard binding.guest.utf8.count <= Int(GUARD_GUEST_NAME_BYTES) else { throw unfit("a name has at most \(GUARD_GUEST_NAME_BYTES) bytes") }
        guard !binding.guest.utf8.contains(0) else { throw unfit("a name holds no zero byte") }
        guard (1...4).contains(binding.macs.count) else { throw unfit("a port has 1 to 4 MACs, not \(binding.macs.count)") }
        for mac in binding.macs + binding.virtualRouters.map(\.mac) where mac.isGroup || mac.isZero {
            throw unfit("\(mac) can't be a port's MAC: group addresses and zero never are a source")
        }
        guard binding.virtualRouters.count <= 4 else { throw unfit("a port has at most 4 virtual routers") }
        guard binding.etherTypes.count <= Int(GUARD_PORT_ETHERTYPES) else { throw unfit("at most \(GUARD_PORT_ETHERTYPES) EtherTypes can be listed") }
        guard binding.vlans.allSatisfy({ (1...4094).contains($0) }) else { throw unfit("a VLAN id is 1 to 4094") }
    }

    private static func flags(_ binding: Binding, _ entitlement: Entitlement) -> UInt32 {
        var flags = UInt32(GUARD_BOUND)
        func set(_ flag: UInt32, if condition: Bool) { if condition { flags |= flag } }
        set(UInt32(GUARD_AUDIT), if: binding.mode == .audit)
        set(UInt32(GUARD_IPV4), if: entitlement.allowsIPv4)
        set(UInt32(GUARD_IPV6), if: entitlement.allowsIPv6)
        set(UInt32(GUARD_DHCP), if: binding.usesDHCP)
        set(UInt32(GUARD_CLAIM), if: binding.linkLocalMode == .claim)
        set(UInt32(GUARD_QUIET_ON), if: binding.quiet)
        set(UInt32(GUARD_MIGRATING), if: binding.isMigrating)
        set(UInt32(GUARD_ROLE_VLAN), if: !binding.vlans.isEmpty)
        for (role, flag) in Self.roleFlags { set(flag, if: binding.roles.contains(role)) }
        return flags
    }

    private static let roleFlags: [(Roles, UInt32)] = [
        (.router, UInt32(GUARD_ROLE_ROUTER)), (.dhcp4Server, UInt32(GUARD_ROLE_DHCP4_SERVER)),
        (.dhcp6Server, UInt32(GUARD_ROLE_DHCP6_SERVER)), (.multicastQuerier, UInt32(GUARD_ROLE_MULTICAST_QUERIER)),
        (.transit, UInt32(GUARD_ROLE_TRANSIT)),
    ]

    private mutating func setMACs(_ macs: [MACAddress]) {
        record.macs_count = UInt8(macs.count)
        record.mac = macs.first?.word ?? 0
        Self.fill(&record.more_macs, macs.dropFirst().map(\.word))
    }

    /// Single addresses before prefixes: they are what a guest uses most.
    private mutating func setNets4(_ entitlement: Entitlement) {
        let nets = entitlement.addresses4.withoutRepeats
        let ordered = nets.filter(\.isSingle) + nets.filter { !$0.isSingle }
        let inside = ordered.prefix(Int(GUARD_PORT_NETS4))
        record.nets4_count = UInt8(inside.count)
        Self.fill(&record.nets4, inside.map { guard_net4(address: $0.address.rawValue.bigEndian, mask: $0.mask.rawValue.bigEndian) })
        let rest = ordered.dropFirst(inside.count)
        addresses4 = rest.filter(\.isSingle).map(\.address)
        prefixes4 = rest.filter { !$0.isSingle }
        let broadcasts = entitlement.broadcasts4.withoutRepeats
        let few = broadcasts.prefix(2)
        record.broadcasts4_count = UInt8(few.count)
        Self.fill(&record.broadcasts4, few.map(\.rawValue.bigEndian))
        // One key, one use: an address that is the guest's own needs no leave to be a destination.
        broadcasts4 = broadcasts.dropFirst(few.count).filter { !addresses4.contains($0) }
        if !addresses4.isEmpty || !broadcasts4.isEmpty { record.flags |= UInt32(GUARD_MORE_ADDRESSES4) }
        if !prefixes4.isEmpty { record.flags |= UInt32(GUARD_MORE_PREFIXES4) }
    }

    /// Single addresses first, then prefixes, then link-local ones: as often as frames are of them.
    private mutating func setNets6(_ binding: Binding, _ entitlement: Entitlement) {
        let linkLocals = entitlement.linkLocals.map { IPv6Prefix($0) }
        let ordered =
            (entitlement.addresses6.filter(\.isSingle) + entitlement.addresses6.filter { !$0.isSingle } + linkLocals).withoutRepeats
        let inside = ordered.prefix(Int(GUARD_PORT_NETS6))
        record.nets6_count = UInt8(inside.count)
        Self.fill(&record.nets6, inside.map { guard_net6(address: $0.address.words, mask: $0.mask.words) })
        let rest = ordered.dropFirst(inside.count)
        addresses6 = rest.filter(\.isSingle).map(\.address)
        prefixes6 = rest.filter { !$0.isSingle }
        if !addresses6.isEmpty { record.flags |= UInt32(GUARD_MORE_ADDRESSES6) }
        if !prefixes6.isEmpty { record.flags |= UInt32(GUARD_MORE_PREFIXES6) }
        // The EUI-64 addresses are there anyway; that one is listed too is for the label to know.
        for (place, mac) in binding.macs.enumerated() where binding.linkLocals.contains(mac.eui64LinkLocal) {
            label.listed_eui64 |= 1 << UInt8(place)
        }
    }

    private mutating func setLimits(_ limits: Limits) {
        (record.broadcast_interval, record.broadcast_burst) = Self.bucket(limits.broadcastRate, limits.broadcastBurst)
        (record.neighbor_interval, record.neighbor_burst) = Self.bucket(limits.neighborRate, limits.neighborBurst)
        label.broadcast_rate = limits.broadcastRate
        label.broadcast_burst = limits.broadcastBurst
        label.neighbor_rate = limits.neighborRate
        label.neighbor_burst = limits.neighborBurst
    }

    /// Frames a second and frames at once, in nanoseconds a frame and nanoseconds of burst; a rate of 0 is no limit. The
    /// product of two 32-bit numbers and at most 10⁹ stays below 2⁶⁴ as the interval is at most 10⁹.
    static func bucket(_ rate: UInt32, _ burst: UInt32) -> (interval: UInt64, burst: UInt64) {
        guard rate > 0 else { return (0, 0) }
        let interval = max(1_000_000_000 / UInt64(rate), 1)
        return (interval, interval * UInt64(max(burst, 1)))
    }

    private mutating func setLabel(_ binding: Binding, _ port: Port) {
        label.setPort(port)
        Self.fill(&label.guest, Array(binding.guest.utf8))
        label.origin = binding.origin.rawValue
        label.owned_macs = UInt8(binding.macs.count)
        if binding.isMigrating { label.flags |= UInt8(GUARD_LABEL_MIGRATING) }
        Self.fill(&label.virtual_routers, binding.virtualRouters.map { guard_virtual_router($0) })
    }

    /// Copies values to the front of a C array.
    static func fill<Array, Element: BitwiseCopyable>(_ array: inout Array, _ values: [Element]) {
        withUnsafeMutableBytes(of: &array) { array in
            values.withUnsafeBytes { array.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(array.count))) }
        }
    }

    /// The first values of a C array.
    static func read<Array, Element: BitwiseCopyable>(_ array: Array, _ count: Int, as type: Element.Type) -> [Element] {
        withUnsafeBytes(of: array) { Swift.Array($0.bindMemory(to: type).prefix(count)) }
    }
}

extension BindingImage {
    /// The binding that was written, normalized. Bytes that no binding of ours gives come out as some binding, too.
    var binding: Binding {
        let routers = Self.read(label.virtual_routers, 4, as: guard_virtual_router.self).compactMap(VirtualRouter.init)
        let words = [record.mac] + Self.read(record.more_macs, Int(GUARD_PORT_MACS) - 1, as: UInt64.self)
        let macs = words.prefix(min(Int(record.macs_count), Int(label.owned_macs))).map { MACAddress(word: $0) }
        var own4 = Set(addresses4.map { IPv4Prefix($0) } + prefixes4)
        for net in Self.read(record.nets4, Int(record.nets4_count), as: guard_net4.self) {
            let length = UInt32(bigEndian: net.mask).nonzeroBitCount
            if let prefix = IPv4Prefix(masking: IPv4Address(rawValue: UInt32(bigEndian: net.address)), length: length) { own4.insert(prefix) }
        }
        var own6 = Set(addresses6.map { IPv6Prefix($0) } + prefixes6)
        for net in Self.read(record.nets6, Int(record.nets6_count), as: guard_net6.self) {
            let length = net.mask.0.nonzeroBitCount + net.mask.1.nonzeroBitCount
            if let prefix = IPv6Prefix(masking: IPv6Address(words: net.address), length: length) { own6.insert(prefix) }
        }
        let derived = macs.map(\.eui64LinkLocal)
        let listed = derived.indices.filter { label.listed_eui64 & (1 << UInt8($0)) != 0 }.map { derived[$0] }
        own6.subtract(derived.map { IPv6Prefix($0) })
        for router in routers {
            switch router.address {
            case .v4(let address): own4.remove(IPv4Prefix(address))
            case .v6(let address): own6.remove(IPv6Prefix(address))
            }
        }
        let linkLocals = own6.filter { $0.isSingle && $0.address.isLinkLocal }
        let flags = record.flags
        return Binding(
            guest: label.guestName, macs: macs, addresses4: Array(own4), addresses6: Array(own6.subtracting(linkLocals)),
            linkLocals: linkLocals.map(\.address) + listed, linkLocalMode: flags & UInt32(GUARD_CLAIM) != 0 ? .claim : .eui64,
            usesDHCP: flags & UInt32(GUARD_DHCP) != 0,
            roles: Self.roleFlags.reduce(into: Roles()) { if flags & $1.1 != 0 { $0.insert($1.0) } }, vlans: vlans,
            virtualRouters: routers,
            etherTypes: Self.read(record.ethertypes, Int(record.ethertypes_count), as: UInt16.self).map(UInt16.init(bigEndian:)),
            quiet: flags & UInt32(GUARD_QUIET_ON) != 0, mode: flags & UInt32(GUARD_AUDIT) != 0 ? .audit : .enforce,
            limits: Limits(
                broadcastRate: label.broadcast_rate, broadcastBurst: label.broadcast_burst, neighborRate: label.neighbor_rate,
                neighborBurst: label.neighbor_burst),
            isMigrating: label.flags & UInt8(GUARD_LABEL_MIGRATING) != 0, origin: Origin(rawValue: label.origin) ?? .manual
        ).normalized
    }
}
