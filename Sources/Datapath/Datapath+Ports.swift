import Addresses
import DatapathProgram
import Glibc
import Netlink
import Policy

extension Datapath {
    /// Puts the programs on guest ports that nobody vouches for, each with an empty record: nothing passes in or out
    /// (`no-binding`). A port that had a binding loses it; its counters stay.
    ///
    /// Many at once take microseconds each, where one at a time would each wait for the lock and the kernel.
    public func close(_ ports: [Port], way: AttachmentWay? = nil) throws(DatapathError) {
        try exclusively { () throws(DatapathError) in
            for port in ports { try writeClosed(port) }
            try attach(ports, .guest, way)
        }
    }

    /// Closes one guest port.
    public func close(_ port: Port, way: AttachmentWay? = nil) throws(DatapathError) { try close([port], way: way) }

    /// Puts the programs of the uplink side on a port that leads to the physical network.
    ///
    /// - Parameter mode: what rules U1 and U2 do.
    public func guardUplink(_ port: Port, mode: Mode, way: AttachmentWay? = nil) throws(DatapathError) {
        try exclusively { () throws(DatapathError) in
            try writeTrusted(port, .uplink, mode)
            try attach([port], .uplink, way)
        }
    }

    /// Puts the programs of the host's side on the bridge's own interface.
    public func guardBridge(_ port: Port, way: AttachmentWay? = nil) throws(DatapathError) {
        try exclusively { () throws(DatapathError) in
            try writeTrusted(port, .bridge, .enforce)
            try attach([port], .bridge, way)
        }
    }

    /// Gives a guest port its binding, in place of the one it has: written beside it under a number never used before,
    /// put in force by one update of the port's record, and only then is the former one's taken away. No frame is judged
    /// by half a binding. The programs are attached where they aren't yet.
    ///
    /// - Parameter subnets: the bridge's IPv4 subnets, for broadcast addresses (rule G4).
    /// - Throws: `DatapathError.unfit` or `.mapFull`; the binding in force stays then. If attaching fails, a port that
    ///   had no record keeps none; one that had keeps the new binding.
    public func bind(
        _ binding: Binding, to port: Port, subnets: [IPv4Prefix] = [], way: AttachmentWay? = nil
    ) throws(DatapathError) {
        try exclusively { () throws(DatapathError) in
            let former = try records.record(of: port.index)
            try write(binding, port, subnets, former)
            do throws(DatapathError) {
                try attach([port], .guest, way)
            } catch {
                if former == nil { try? forget(port.index) }
                throw error
            }
        }
    }

    /// Takes our programs off an interface and forgets its record, its label, its claims and its counters' slot. No
    /// record, or no such interface any more, is fine.
    public func detach(_ interface: UInt32) throws(DatapathError) {
        try exclusively { () throws(DatapathError) in
            // Programs first: without a record they would cut a port off that the operator has just released.
            try attacher.detach(interface)
            try forget(interface)
        }
    }

    /// Forgets interfaces that are gone: their records, labels, claims, slots and dead links.
    ///
    /// - Returns: their numbers.
    public func sweep() throws(DatapathError) -> [UInt32] {
        try exclusively { () throws(DatapathError) in
            let present = Set(Self.interfaceIndexes())
            // A number may have been given to a new interface already: its links are dead all the same.
            _ = try attacher.removeDeadLinks()
            let gone = try records.all().map(\.ifindex).filter { !present.contains($0) }
            for interface in gone { try forget(interface) }
            return gone.sorted()
        }
    }

    // MARK: Under the lock

    private func attach(_ ports: [Port], _ kind: PortKind, _ way: AttachmentWay?) throws(DatapathError) {
        if isFilling { return }
        let programs = try currentPrograms()
        guard ports.count > 1 else {
            for port in ports { try attacher.attach(Attacher.Target(interface: port.index, kind: kind), programs, way: way) }
            return
        }
        try ExpeditedGrace.run { () throws(DatapathError) in
            for port in ports { try attacher.attach(Attacher.Target(interface: port.index, kind: kind), programs, way: way, isExpedited: true) }
        }
    }

    func writeClosed(_ port: Port) throws(DatapathError) {
        let former = try records.record(of: port.index)
        var record = guard_port()
        record.ifindex = port.index
        record.bridge = port.bridgeIndex
        record.slot = try slot(for: port.index, former)
        record.kind = PortKind.guest.rawValue
        var label = guard_label()
        label.setPort(port)
        try put(record, label, for: port.index)
        if let former { try takeAway(former, of: port.index, claims: true) }
    }

    func writeTrusted(_ port: Port, _ kind: PortKind, _ mode: Mode) throws(DatapathError) {
        let former = try records.record(of: port.index)
        var record = guard_port()
        record.ifindex = port.index
        record.bridge = port.bridgeIndex
        record.slot = try slot(for: port.index, former)
        record.kind = kind.rawValue
        record.flags = UInt32(GUARD_BOUND) | (mode == .audit ? UInt32(GUARD_AUDIT) : 0)
        var label = guard_label()
        label.setPort(port)
        try put(record, label, for: port.index)
        if let former, former.kind == PortKind.guest.rawValue { try takeAway(former, of: port.index, claims: true) }
    }

    func write(_ binding: Binding, _ port: Port, _ subnets: [IPv4Prefix], _ former: guard_port?) throws(DatapathError) {
        let formerLabel = try maps.labels.value(for: port.index)
        let number = try ledger.nextBinding()
        let slot = try slot(for: port.index, former)
        do throws(DatapathError) {
            let image = try BindingImage(binding, port: port, number: number, slot: slot, subnets: subnets)
            try writeOverflow(image)
            try put(image.record, image.label, for: port.index)
        } catch {
            try? removeOverflow(number)
            if former == nil { ledger.releaseSlot(slot) }
            if case .mapFull(_, let map, let bound) = error { throw .mapFull(guest: binding.guest, map: map, bound: bound) }
            throw error
        }
        guard let former else { return }
        try takeAway(former, of: port.index, claims: formerLabel?.guestName != binding.guest || former.bridge != port.bridgeIndex) { lease in
            binding.usesDHCP && lease.bridge == port.bridgeIndex && binding.macs.contains(lease.mac)
        }
    }

    /// Label and record, the record last; where that fails the former label is put back.
    private func put(_ record: guard_port, _ label: guard_label, for interface: UInt32) throws(DatapathError) {
        let former = try maps.labels.value(for: interface)
        try maps.labels.set(label, for: interface)
        do throws(DatapathError) {
            try records.put(record)
        } catch {
            if let former { try? maps.labels.set(former, for: interface) } else { try? maps.labels.remove(interface) }
            throw error
        }
    }

    func forget(_ interface: UInt32) throws(DatapathError) {
        guard let record = try records.record(of: interface) else { return try maps.labels.remove(interface) }
        try records.remove(record)
        try maps.labels.remove(interface)
        try takeAway(record, of: interface, claims: true)
        ledger.releaseSlot(record.slot)
    }

    // MARK: What a record has no room for

    private func writeOverflow(_ image: BindingImage) throws(DatapathError) {
        let number = image.record.binding
        for address in image.addresses4 { try maps.addresses4.set(UInt8(GUARD_USE_OWN.rawValue), for: guard_address4(scope: number, address)) }
        for address in image.broadcasts4 {
            try maps.addresses4.set(UInt8(GUARD_USE_BROADCAST.rawValue), for: guard_address4(scope: number, address))
        }
        for address in image.addresses6 { try maps.addresses6.set(UInt8(GUARD_USE_OWN.rawValue), for: guard_address6(scope: number, address)) }
        for prefix in image.prefixes4 { try maps.prefixes4.set(UInt8(GUARD_USE_OWN.rawValue), for: guard_prefix4(scope: number, prefix)) }
        for prefix in image.prefixes6 { try maps.prefixes6.set(UInt8(GUARD_USE_OWN.rawValue), for: guard_prefix6(scope: number, prefix)) }
        for vlan in image.vlans { try maps.vlans.set(1, for: guard_vlan(binding: number, vid: UInt32(vlan))) }
    }

    /// Removes everything under a number that no record has (any more). The keys are known from the maps alone, so those are
    /// read through; the flags of the record say which, and most records have no need of any.
    private func removeOverflow(_ number: UInt32, flags: UInt32 = .max) throws(DatapathError) {
        func uses(_ flag: Int32) -> Bool { flags & UInt32(flag) != 0 }
        if uses(Int32(GUARD_MORE_ADDRESSES4)) {
            for (key, _) in try maps.addresses4.entries() where key.scope == number { try maps.addresses4.remove(key) }
        }
        if uses(Int32(GUARD_MORE_ADDRESSES6)) {
            for (key, _) in try maps.addresses6.entries() where key.scope == number { try maps.addresses6.remove(key) }
        }
        if uses(Int32(GUARD_MORE_PREFIXES4)) {
            for (key, _) in try maps.prefixes4.entries() where key.scope == number { try maps.prefixes4.remove(key) }
        }
        if uses(Int32(GUARD_MORE_PREFIXES6)) {
            for (key, _) in try maps.prefixes6.entries() where key.scope == number { try maps.prefixes6.remove(key) }
        }
        if uses(Int32(GUARD_ROLE_VLAN)) {
            for (key, _) in try maps.vlans.entries() where key.binding == number { try maps.vlans.remove(key) }
        }
    }

    /// What a former record leaves: its overflow, where the port is somebody else's now its claims, and leases that the new
    /// one doesn't keep.
    private func takeAway(
        _ former: guard_port, of interface: UInt32, claims: Bool, keeping isKept: (Lease) -> Bool = { _ in false }
    ) throws(DatapathError) {
        if former.binding != 0 { try removeOverflow(former.binding, flags: former.flags) }
        if former.flags & UInt32(GUARD_DHCP) != 0 { try removeLeases(of: interface, keeping: isKept) }
        if claims { try removeClaims(of: interface, slot: former.slot) }
    }

    private func removeClaims(of interface: UInt32, slot: UInt32) throws(DatapathError) {
        guard var state = try maps.states.value(for: slot), state.claims != 0 else { return }
        for (key, owner) in try maps.owners6.entries() where owner.kind == UInt8(GUARD_OWNER_CLAIM.rawValue) && owner.port == interface {
            try maps.owners6.remove(key)
        }
        state.claims = 0
        try maps.states.set(state, for: slot)
    }

    // MARK: Slots

    /// The slot that the port has, or a free one with all its counters at zero.
    private func slot(for interface: UInt32, _ former: guard_port?) throws(DatapathError) -> UInt32 {
        if let former, former.slot != 0 { return former.slot }
        if let slot = ledger.takeSlot(for: interface) {
            try zero(slot)
            return slot
        }
        // Slots that nobody has any more, because a process was killed between taking one and writing the record.
        for taken in ledger.takenSlots where try records.record(of: taken.interface)?.slot != taken.slot { ledger.releaseSlot(taken.slot) }
        guard let slot = ledger.takeSlot(for: interface) else { throw .noSlot(bound: maximumPorts - 1) }
        try zero(slot)
        return slot
    }
}
