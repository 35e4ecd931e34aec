import Addresses

/// What a DHCP message, or time, does to the leases of a port.
public enum LeaseChange: Sendable, Hashable {
    case bind(Lease)
    /// The same address at the same port, for another time.
    case renew(Lease)
    case unbind(Lease, LeaseEnd)
    /// A server gave it, and it isn't bound.
    case refuse(IPPrefix, LeaseRefusal)
}

/// Why a lease ends.
public enum LeaseEnd: String, Sendable, Hashable, CaseIterable {
    case expired
    /// The guest has given it back (RELEASE).
    case released
    /// The guest found somebody else using it (DECLINE).
    case declined
    /// The server took it back: a NAK, or a lifetime of 0.
    case withdrawn
    /// The guest was given another, and holds as many as it may.
    case displaced
    /// The port or its binding isn't what it was given to any more.
    case departed
}

/// Why an address that a server gave isn't bound.
public enum LeaseRefusal: String, Sendable, Hashable, CaseIterable {
    /// The guest hasn't asked within the last minute.
    case unsolicited
    /// It came from another guest, which isn't a DHCP server by its binding.
    case untrusted
    /// No host's address: zero, multicast, loopback, link-local, broadcast; a delegated prefix shorter than /40.
    case unusable
    /// Outside the bridge's subnets.
    case foreign
    /// A gateway's, the host's own, or one that the policy reserves.
    case reserved
    /// Another guest's, listed or leased, running or stopped.
    case taken
    /// One answer gave more than a port may have.
    case excessive
    /// Given for no time, or without saying for how long.
    case timeless

    /// In words, for people.
    public var explanation: String {
        switch self {
        case .unsolicited: "the guest hasn't asked for it within the last minute"
        case .untrusted: "it was sent by a guest that isn't a DHCP server: give that one the role if it is meant to be"
        case .unusable: "no host can have this address, or no guest so many"
        case .foreign: "it is in none of the bridge's subnets: list the subnet in the policy, or mend the server's"
        case .reserved: "it is reserved: a gateway's, the host's own, or by the policy"
        case .taken: "it is another guest's"
        case .excessive: "a guest may hold \(Lease.maximum6) IPv6 leases at once, and this answer gave more"
        case .timeless: "the server gave it for no time"
        }
    }
}

/// What decides about leases at one port.
public struct LeaseSite: Sendable {
    public var port: UInt32
    public var bridge: UInt32
    /// What is listed, without what is leased.
    public var binding: Binding
    /// The bridge's; none: any IPv4 address may be leased.
    public var subnets: [IPv4Prefix]
    /// Of this port.
    public var leases: [Lease]
    /// Whoever holds something that overlaps with what the message gives.
    public var owners: [(prefix: IPPrefix, owner: Owner)]
    /// Whether the message comes from where DHCP servers may be: the uplink, the host, a guest with the role.
    public var isTrusted: Bool

    public init(
        port: UInt32, bridge: UInt32, binding: Binding, subnets: [IPv4Prefix] = [], leases: [Lease] = [],
        owners: [(prefix: IPPrefix, owner: Owner)] = [], isTrusted: Bool = true
    ) {
        self.port = port
        self.bridge = bridge
        self.binding = binding
        self.subnets = subnets
        self.leases = leases
        self.owners = owners
        self.isTrusted = isTrusted
    }
}

extension LeaseSite {
    /// Why something can't be leased to the guest here; nil if it can.
    func refusal(of prefix: IPPrefix) -> LeaseRefusal? {
        if !prefix.isUsable { return .unusable }
        if case .v4(let single) = prefix, !subnets.isEmpty {
            guard let subnet = subnets.first(where: { $0.contains(single) }) else { return .foreign }
            if single.address == subnet.broadcast || (subnet.length < 31 && single.address == subnet.address) { return .unusable }
        }
        for (held, owner) in owners where held.overlaps(prefix) {
            switch owner.kind {
            case .reserved, .router: return .reserved
            case .guest(let holder): if holder != port { return .taken }
            case .claim(let holder): if holder != port { return .taken }
            }
        }
        return nil
    }

    /// Binds what the port doesn't have yet. Where it has as many of the family as it may, the one goes that would end
    /// first: a guest that is installed anew asks under another name, and has to get something.
    ///
    /// - Parameter answer: all that the same answer gives, which stays.
    func admit(_ lease: Lease, with answer: Set<IPPrefix>, at time: UInt64) -> [LeaseChange] {
        let held = leases.filter { $0.isV4 == lease.isV4 && $0.isLive(at: time) }
        guard held.count >= (lease.isV4 ? Lease.maximum4 : Lease.maximum6) else { return [.bind(lease)] }
        guard let first = held.filter({ !answer.contains($0.prefix) }).min(by: { ($0.expiry, $0.prefix) < ($1.expiry, $1.prefix) }) else {
            return [.refuse(lease.prefix, .excessive)]
        }
        return [.unbind(first, .displaced), .bind(lease)]
    }
}

extension Lease {
    var isV4: Bool {
        switch prefix {
        case .v4: true
        case .v6: false
        }
    }
}

extension IPPrefix {
    /// Whether hosts may have addresses of it (RFC 6890, RFC 4291 2.4).
    fileprivate var isUsable: Bool {
        switch self {
        case .v4(let prefix): prefix.isSingle && !Self.unusable4.contains { $0.overlaps(prefix) }
        case .v6(let prefix): prefix.length >= Self.shortest6 && !Self.unusable6.contains { $0.overlaps(prefix) }
        }
    }

    /// What a site is delegated at most (RFC 6177 2 speaks of /48). A rogue server could give away half of all addresses.
    private static let shortest6 = 40

    /// This network, loopback, link-local, multicast and beyond.
    private static let unusable4 = [
        IPv4Prefix(masking: IPv4Address(0, 0, 0, 0), length: 8)!, IPv4Prefix(masking: IPv4Address(127, 0, 0, 0), length: 8)!,
        IPv4Prefix(masking: IPv4Address(169, 254, 0, 0), length: 16)!, IPv4Prefix(masking: IPv4Address(224, 0, 0, 0), length: 3)!,
    ]
    /// Unspecified, loopback and embedded IPv4, link-local, multicast.
    private static let unusable6 = [
        IPv6Prefix(masking: IPv6Address(high: 0, low: 0), length: 8)!, IPv6Prefix(masking: IPv6Address(high: 0xfe80 << 48, low: 0), length: 10)!,
        IPv6Prefix(masking: IPv6Address(high: 0xff << 56, low: 0), length: 8)!,
    ]
}
