import Addresses
import DatapathProgram
import Glibc
import Policy

extension Datapath {
    /// Now, in nanoseconds of CLOCK_BOOTTIME: the clock that leases expire by, which goes on in suspend and can't be set.
    public static var bootTime: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Every lease there is, expired ones too, sorted. Each of them is in its port's record as well.
    public func leases() throws(DatapathError) -> [Lease] {
        try checkInForce()
        return try readLeases { _ in true }
    }

    /// Writes leases down, in place of what is held of the same prefixes. To be done before a record grants them.
    public func enter(_ leases: [Lease]) throws(DatapathError) {
        guard !leases.isEmpty else { return }
        try exclusively { () throws(DatapathError) in
            for lease in leases { try maps.leases.set(guard_lease(lease), for: guard_lease_key(lease)) }
        }
    }

    /// Removes leases, unless they are another port's by now. To be done after their port's record no longer grants them.
    public func forget(_ leases: [Lease]) throws(DatapathError) {
        guard !leases.isEmpty else { return }
        try exclusively { () throws(DatapathError) in try remove(leases) }
    }

    // MARK: Under the lock

    /// What is leased by the maps in force, whatever their layout; nothing where it has no leases, or lays them out otherwise.
    static func leases(pinnedIn pins: PinFolder) throws(DatapathError) -> [Lease] {
        guard let descriptor = try Descriptor.pinned(at: pins.map("leases", .current)) else { return [] }
        do throws(DatapathError) {
            return try read(KernelMap("leases", descriptor)) { _ in true }
        } catch {
            guard case .object = error else { throw error }
            return []
        }
    }

    func readLeases(where isWanted: (guard_lease) -> Bool) throws(DatapathError) -> [Lease] {
        try Self.read(maps.leases, where: isWanted)
    }

    private static func read(
        _ map: KernelMap<guard_lease_key, guard_lease>, where isWanted: (guard_lease) -> Bool
    ) throws(DatapathError) -> [Lease] {
        try map.entries().filter { isWanted($0.value) }.compactMap { Lease($0.key, $0.value) }.sorted()
    }

    /// What a port has been leased and no longer may have: all, or by its new binding.
    func removeLeases(of port: UInt32, keeping isKept: (Lease) -> Bool = { _ in false }) throws(DatapathError) {
        try remove(try readLeases { $0.port == port }.filter { !isKept($0) })
    }

    private func remove(_ leases: [Lease]) throws(DatapathError) {
        for lease in leases {
            let key = guard_lease_key(lease)
            if try maps.leases.value(for: key)?.port == lease.port { try maps.leases.remove(key) }
        }
    }
}

extension guard_lease_key {
    init(_ lease: Lease) {
        self.init()
        bridge = lease.bridge
        length = UInt8(lease.prefix.length)
        family = lease.prefix.address.family
        BindingImage.fill(&address, lease.prefix.address.bytes)
    }
}

extension guard_lease {
    init(_ lease: Lease) {
        self.init()
        mac = lease.mac.word
        expires = lease.expiry
        port = lease.port
        server_family = lease.server.family
        BindingImage.fill(&server, lease.server.bytes)
    }
}

extension Lease {
    /// nil for bytes that no lease of ours gives.
    fileprivate init?(_ key: guard_lease_key, _ value: guard_lease) {
        guard let address = IPAddress(family: key.family, key.address), let server = IPAddress(family: value.server_family, value.server) else {
            return nil
        }
        let prefix: IPPrefix? =
            switch address {
            case .v4(let address): IPv4Prefix(address, length: Int(key.length)).map { .v4($0) }
            case .v6(let address): IPv6Prefix(address, length: Int(key.length)).map { .v6($0) }
            }
        guard let prefix else { return nil }
        self.init(bridge: key.bridge, port: value.port, mac: MACAddress(word: value.mac), prefix: prefix, expiry: value.expires, server: server)
    }
}
