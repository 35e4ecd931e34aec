import Addresses
import Datapath
import Netlink
import Packets
import Policy

/// Binds to guests what DHCP servers give them, and unbinds it when its time is up (policy.md, section 11).
///
/// The kernel is the state: leases, records and owners are there, and another keeper goes on where this one ends. What is
/// remembered here is who has asked within the last minute. Each change touches one port's record, its owners and its
/// leases, under the same lock as `Apply` and `Hotplug`.
///
/// Not Sendable: one thread, of the datapath's network namespace, has it. One keeper a host: what one takes from the ring,
/// no other sees.
public final class LeaseKeeper {
    /// For its bridges' subnets: an IPv4 address outside of them isn't bound. Set it anew when the policy is.
    public var policy: HostPolicy
    /// When `expire` has something to do next, or what failed is to be tried again, nanoseconds of CLOCK_BOOTTIME; nil:
    /// nothing expires.
    public private(set) var nextExpiry: UInt64?

    /// How many messages are looked at under one lock: hot-plug scripts wait for it.
    private static let batch = 64
    /// Messages are looked at in so many batches, more than the ring holds, before it is time for something else.
    private static let maximumBatches = 32
    /// Between a failure and the next attempt.
    private static let pause: UInt64 = 1_000_000_000

    private let datapath: Datapath
    private let ring: DHCPRing
    private var book = LeaseBook()
    /// Taken from the ring, and not looked at yet; at most a batch.
    private var waiting: ArraySlice<DHCPFrame> = []
    /// Of what was done and hasn't been told of: a call threw afterwards.
    private var notes: [LeaseNote] = []
    private var hasFailed = false

    public init(datapath: Datapath, policy: HostPolicy) throws(EnforcementError) {
        self.datapath = datapath
        self.policy = policy
        ring = try EnforcementError.wrap { () throws(DatapathError) in try datapath.dhcpRing() }
        try lookAhead()
    }

    /// Readable (poll(2), epoll(7)) when `read` has something to do; -1, which poll(2) leaves out, after a call that threw:
    /// `nextExpiry` says when to try again.
    public var descriptor: Int32 { hasFailed ? -1 : ring.descriptor }

    /// Looks at all DHCP messages there are, those included that waited while no keeper ran, each as of the time when it
    /// passed.
    ///
    /// - Throws: where the lock can't be had or the maps can't be read; messages not looked at wait for the next call, and so
    ///   do notes of those that were.
    public func read() throws(EnforcementError) -> [LeaseNote] {
        let expected = nextExpiry
        return try attempt { () throws(EnforcementError) in
            for round in 0..<Self.maximumBatches {
                if waiting.isEmpty {
                    waiting = try EnforcementError.wrap { () throws(DatapathError) in try ring.read(atMost: Self.batch) }[...]
                }
                if waiting.isEmpty {
                    if round == 0 { nextExpiry = expected } else { try lookAhead() }
                    return
                }
                try HostLock.run(datapath.pins) { () throws(EnforcementError) in
                    var held = try leases()
                    while let frame = waiting.first {
                        notes += try take(frame, &held)
                        waiting.removeFirst()
                    }
                }
            }
            try lookAhead()
        }
    }

    /// Does something that changes leases.
    ///
    /// - Returns: the notes of all that was done since the last call that returned.
    private func attempt(_ body: () throws(EnforcementError) -> Void) throws(EnforcementError) -> [LeaseNote] {
        // Before anything can throw: whoever waits for this moment mustn't find it in the past for ever.
        nextExpiry = Datapath.bootTime + Self.pause
        hasFailed = true
        try body()
        hasFailed = false
        defer { notes = [] }
        return notes
    }

    /// Unbinds what has expired.
    ///
    /// - Parameter now: nanoseconds of CLOCK_BOOTTIME.
    public func expire(now: UInt64 = Datapath.bootTime) throws(EnforcementError) -> [LeaseNote] {
        book.expire(at: now)
        return try attempt { () throws(EnforcementError) in
            try HostLock.run(datapath.pins) { () throws(EnforcementError) in try unbind(at: now) }
            try lookAhead()
        }
    }

    private func unbind(at now: UInt64) throws(EnforcementError) {
        var held = try leases()
        for (port, leases) in held.sorted(by: { $0.key < $1.key }) {
            let expired = leases.filter { !$0.isLive(at: now) }
            if expired.isEmpty { continue }
            if let place = try Place(port, datapath, held) {
                notes += try carryOut(expired.map { .unbind($0, .expired) }, at: place, &held, now)
            } else {
                try EnforcementError.wrap { () throws(DatapathError) in try datapath.forget(expired) }
            }
        }
    }

    private typealias Held = [UInt32: [Lease]]

    /// All leases there are, by port.
    private func leases() throws(EnforcementError) -> Held {
        Dictionary(grouping: try EnforcementError.wrap { () throws(DatapathError) in try datapath.leases() }, by: \.port)
    }

    private func lookAhead() throws(EnforcementError) {
        let now = Datapath.bootTime
        // One that couldn't be unbound is tried again, and not at once.
        nextExpiry = try leases().values.joined().map(\.expiry).filter { $0 != .max }.map { $0 > now ? $0 : now + Self.pause }.min()
    }

    // MARK: Messages

    /// A guest's port as it is now.
    private struct Place {
        var status: PortStatus
        /// What is listed, without what is leased.
        var listed: Binding

        var port: Port { status.port }

        /// nil where no guest is bound.
        init?(_ port: UInt32, _ datapath: Datapath, _ held: Held) throws(EnforcementError) {
            let status = try EnforcementError.wrap { () throws(DatapathError) in try datapath.port(port, leases: held) }
            guard let status, status.kind == .guest, let binding = status.binding else { return nil }
            self.status = status
            listed = binding.without(status.leases)
        }
    }

    private func take(_ frame: DHCPFrame, _ held: inout Held) throws(EnforcementError) -> [LeaseNote] {
        guard let place = try Place(frame.port, datapath, held), place.listed.usesDHCP, place.port.bridgeIndex == frame.bridge else { return [] }
        var notes: [LeaseNote] = []
        if frame.leftOut > 0 { notes.append(LeaseNote(port: place.port, guest: place.listed.guest, .leftOut(frame.leftOut), at: frame.time)) }
        guard let message = LeaseMessage(Frame(bytes: frame.bytes)) else { return notes }
        var site = LeaseSite(
            port: frame.port, bridge: frame.bridge, binding: place.listed, subnets: subnets(of: place.port), leases: place.status.leases)
        let changes: [LeaseChange]
        if frame.direction == .fromGuest {
            changes = book.take(fromGuest: message, on: site, at: frame.time)
        } else {
            site.isTrusted = try isTrusted(frame.origin, message, bridge: frame.bridge, held)
            if site.isTrusted, book.isExpected(message, at: frame.port, frame.time) {
                site.owners = try owners(overlapping: message.granted, bridge: frame.bridge)
            }
            changes = book.take(toGuest: message, on: site, at: frame.time)
        }
        return try notes + carryOut(changes, at: place, &held, frame.time)
    }

    private func subnets(of port: Port) -> [IPv4Prefix] { policy.bridges.first { $0.name == port.bridgeName }?.subnets ?? [] }

    /// Whether an answer may come from there: this host itself or a network that it routes for, an uplink of the bridge, a
    /// guest of it with the role. What the host routes from a guarded bridge may be any guest's.
    private func isTrusted(_ origin: UInt32, _ message: LeaseMessage, bridge: UInt32, _ held: Held) throws(EnforcementError) -> Bool {
        guard origin != 0, let status = try EnforcementError.wrap({ () throws(DatapathError) in try datapath.port(origin, leases: held) })
        else { return true }
        switch status.kind {
        case .uplink: return status.port.bridgeIndex == bridge
        case .bridge: return false
        case .guest: return status.port.bridgeIndex == bridge && status.binding?.roles.contains(message.isV4 ? .dhcp4Server : .dhcp6Server) == true
        }
    }

    private func owners(overlapping prefixes: [IPPrefix], bridge: UInt32) throws(EnforcementError) -> [(prefix: IPPrefix, owner: Owner)] {
        guard !prefixes.isEmpty else { return [] }
        var table = OwnerTable()
        for prefix in prefixes { table.reserve(prefix) }
        let owners = try EnforcementError.wrap { () throws(DatapathError) in try datapath.owners(overlapping: table, bridge: bridge) }
        return owners.prefixes
    }

    // MARK: Changes

    /// What ends comes before what is given: no port may ever use what another one may. Leases are written down before the
    /// record grants them, and removed after it has ceased to: a keeper killed halfway leaves no address that is taken for a
    /// listed one.
    private func carryOut(
        _ changes: [LeaseChange], at place: Place, _ held: inout Held, _ time: UInt64
    ) throws(EnforcementError) -> [LeaseNote] {
        let before = place.status.leases
        var after = before
        for change in changes { after.apply(change) }
        let kept = before.filter { lease in after.contains { $0.prefix == lease.prefix } }
        let entered = after.filter { !before.contains($0) }
        var place = place
        var hasEnded = false
        do throws(EnforcementError) {
            if kept.count < before.count {
                try grant(kept, at: &place)
                try EnforcementError.wrap { () throws(DatapathError) in try datapath.forget(before.filter { !kept.contains($0) }) }
                held[place.port.index] = kept
                hasEnded = true
            }
            if !entered.isEmpty {
                try EnforcementError.wrap { () throws(DatapathError) in try datapath.enter(entered) }
                try grant(after, at: &place)
                held[place.port.index] = after
            }
        } catch {
            guard error.isOfOnePort else { throw error }
            // Leases that no record grants; a renewed one is still what it was.
            let fresh = entered.filter { new in !kept.contains { $0.prefix == new.prefix } }
            try EnforcementError.wrap { () throws(DatapathError) in try datapath.forget(fresh) }
            held = try leases()
            return changes.map { change in
                var event = LeaseNote.Event.failure(change, error.description)
                if case .unbind = change, hasEnded { event = .change(change) }
                return LeaseNote(port: place.port, guest: place.listed.guest, event, at: time)
            }
        }
        return changes.map { LeaseNote(port: place.port, guest: place.listed.guest, .change($0), at: time) }
    }

    /// Makes owners and record say what is listed and these leases.
    private func grant(_ leases: [Lease], at place: inout Place) throws(EnforcementError) {
        guard let present = place.status.binding else { return }
        let wanted = place.listed.granting(leases).normalized
        guard wanted != present else { return }
        let port = place.port
        let owners = try Hotplug.owners(near: [present, wanted], bridge: port.bridgeIndex, datapath)
        let device = HostState.BridgeDevice(index: port.bridgeIndex, name: port.bridgeName, owners: owners)
        let state = HostState(bridges: [device], guarded: [HostState.GuardedPort(port: port, kind: .guest, binding: present)])
        for step in Step.changing(present, to: wanted, at: port, subnets: subnets(of: port), device) {
            let report = try Apply.carryOut(Plan(steps: [step]), on: state, datapath: datapath)
            if let failure = report.failures.first { throw .refused(failure.message) }
        }
        place.status.binding = wanted
    }
}

extension Step {
    /// What makes one guest's record and owners say something else. A port owns what it may use: what it gains is entered
    /// first, and what it only loses is removed last.
    static func changing(
        _ present: Binding, to wanted: Binding, at port: Port, subnets: [IPv4Prefix], _ device: HostState.BridgeDevice
    ) -> [Step] {
        var table = OwnerTable(device.owners)
        table.remove(port: port.index)
        table.move(wanted, port: port.index)
        let record = Step.bind(port, wanted, subnets: subnets, formerly: present.guest)
        return (wanted.gains(over: present) ? [Step.moving(table, device), record] : [record, Step.moving(table, device)]).compactMap(\.self)
    }
}

extension EnforcementError {
    /// Whether it concerns one port alone, and others can go on.
    fileprivate var isOfOnePort: Bool {
        switch self {
        case .refused, .datapath(.mapFull), .datapath(.unfit): true
        default: false
        }
    }
}
