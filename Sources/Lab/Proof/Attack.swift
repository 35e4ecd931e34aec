import Addresses
import Packets
import Policy

/// One thing that a guest, or somebody beyond the uplink, must not get away with: frames, and what they would bring about.
///
/// A value, made of the stage's addresses alone. Without the guard it must succeed, or it proves nothing; with the guard
/// it must fail, and the guard must have counted it under its reason.
public struct Attack: Sendable {
    /// Lower case and dashes, unique in the catalogue: "arp-reply-for-the-gateway".
    public let name: String
    /// Where in policy.md the rule stands that it breaks: "A4".
    public let rule: String
    /// What the guard counts; nil where the bridge's own settings (policy.md, section 9) are the defence.
    public let reason: Reason?
    /// Where the guard counts it.
    public let countedAt: CountingPlace
    /// How the network is made ready.
    public var preparations: [Preparation] = []
    /// What honest machines have sent before.
    public var before: [Injection] = []
    /// The attack itself.
    public let frames: [Injection]
    /// What honest machines send afterwards, for effects that show only then.
    public var after: [Injection] = []
    /// All of it must come about without the guard, nothing of it with it.
    public let effects: [Effect]
}

/// A frame put on the wire exactly as it is, at the card of a machine.
public struct Injection: Sendable, Hashable {
    public let site: Site
    public let bytes: [UInt8]

    public init(_ site: Site, _ frame: Frame) {
        self.site = site
        bytes = frame.bytes
    }

    init(_ site: Site, bytes: [UInt8]) {
        self.site = site
        self.bytes = bytes
    }
}

/// A port of the guarded bridge and one of its two ways, at which the guard counts.
public enum CountingPlace: Sendable, Hashable, CustomStringConvertible {
    /// What comes from there.
    case from(Site)
    /// What goes there.
    case to(Site)

    public var site: Site {
        switch self {
        case .from(let site), .to(let site): site
        }
    }

    public var description: String {
        switch self {
        case .from(let site): "from \(site.rawValue)"
        case .to(let site): "to \(site.rawValue)"
        }
    }

    public var direction: Direction {
        switch self {
        case .from(let site): site.isGuest ? .fromGuest : site.port == Stage.bridge ? .fromHost : .fromUplink
        case .to(let site): site.isGuest ? .toGuest : site.port == Stage.bridge ? .toHost : .toUplink
        }
    }
}

/// What an attack needs the network to be like.
public enum Preparation: Sendable, Hashable {
    /// The stranger's port joins the bridge, and nobody has noticed yet.
    case joins
    /// The stranger's port has joined the bridge, and the guard has found that nobody vouches for it.
    case closes
    /// A forwarding entry that somebody has left behind.
    case forwards(MACAddress, to: Site)
    /// The machine has just been given an address and asks whether another has it (RFC 4862 5.4).
    case detectsDuplicates(Site, of: IPv6Address)
}

/// What an attack brings about.
public enum Effect: Sendable, Hashable {
    /// Every frame of the attack arrives there.
    case arrives(at: Site)
    /// More than so many frames of the attack arrive there.
    case floods(at: Site, more: Int)
    /// What is sent afterwards arrives there.
    case hears(Site)
    /// A datagram gets as far as a program that listens there (where a packet socket would hear too much).
    case delivers(to: Site)
    /// The machine believes that another has the address.
    case poisons(Site, IPAddress, MACAddress)
    /// The bridge believes that the MAC is behind that port.
    case moves(MACAddress, to: Site)
    /// The machine sends what it has for elsewhere to that router.
    case installsRoute(Site, via: IPv6Address)
    /// The machine sends what it has for the destination by another way.
    case redirects(Site, destination: IPAddress, via: IPAddress)
    /// The machine gives up the address.
    case takesAway(Site, IPv6Address)

    /// Where it shows.
    public var site: Site {
        switch self {
        case .arrives(let site), .floods(let site, _), .hears(let site), .delivers(let site), .poisons(let site, _, _), .moves(_, let site),
            .installsRoute(let site, _), .redirects(let site, _, _), .takesAway(let site, _):
            site
        }
    }
}

extension Effect: CustomStringConvertible {
    public var description: String {
        switch self {
        case .arrives(let site): "arrival at \(site.rawValue)"
        case .floods(let site, let more): "arrival of more than \(more) at \(site.rawValue)"
        case .hears(let site): "reading along by \(site.rawValue)"
        case .delivers(let site): "delivery to a program on \(site.rawValue)"
        case .poisons(let site, let address, let mac): "belief of \(site.rawValue) that \(address) is at \(mac)"
        case .moves(let mac, let site): "forwarding of \(mac) to \(site.rawValue)"
        case .installsRoute(let site, let router): "default route of \(site.rawValue) by \(router)"
        case .redirects(let site, let destination, let router): "route of \(site.rawValue) to \(destination) by \(router)"
        case .takesAway(let site, let address): "loss of \(address) by \(site.rawValue)"
        }
    }
}

extension Attack {
    /// - Parameters:
    ///   - frames: what is sent from `site`, with the attack's mark behind it (`marked`) so that no other's frames are
    ///     taken for them.
    ///   - countedAt: what comes from `site`, unless given.
    init(
        _ name: String, _ rule: String, _ reason: Reason?, from site: Site, _ frames: [Frame], _ effects: Effect...,
        marked: Bool = true, countedAt: CountingPlace? = nil
    ) {
        self.name = name
        self.rule = rule
        self.reason = reason
        self.countedAt = countedAt ?? .from(site)
        self.effects = effects
        self.frames = frames.enumerated().map { number, frame in
            Injection(site, bytes: frame.bytes + (marked ? Self.mark(name, number) : []))
        }
    }

    func prepared(_ preparations: Preparation...) -> Attack {
        var attack = self
        attack.preparations = preparations
        return attack
    }

    /// What came first, from honest machines.
    func after(_ injections: Injection...) -> Attack {
        var attack = self
        attack.before = injections
        return attack
    }

    /// What honest machines send next.
    func then(_ injections: Injection...) -> Attack {
        var attack = self
        attack.after = injections
        return attack
    }

    /// Twelve bytes that tell the frame from all others; IP and ARP take what follows them for padding.
    private static func mark(_ name: String, _ number: Int) -> [UInt8] {
        // FNV-1a, the 64-bit form.
        let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: hash >> $0) }
            + stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: UInt32(truncatingIfNeeded: number) >> $0) }
    }
}
