import Addresses

/// What is known about one bridge beyond its single ports: whose each address and MAC is, and what the uplink has shown.
public struct BridgeState: Sendable {
    public static let maximumRouters = 16
    public static let maximumUplinkNeighbours = 4096

    /// Whether rules U1 and U2 drop.
    public var uplinkMode: Mode
    /// IPv4 subnets, for their broadcast addresses.
    public var subnets: [IPv4Prefix]
    public var owners4: [IPv4Address: Owner] = [:]
    /// Single addresses; link-local claims and advertising routers' addresses among them.
    public var owners6: [IPv6Address: Owner] = [:]
    public var ownerMACs: [MACAddress: Owner] = [:]
    public var ownerPrefixes4: [IPv4Prefix: Owner] = [:]
    public var ownerPrefixes6: [IPv6Prefix: Owner] = [:]
    /// Link-local addresses that rule U3 saw, with their MACs.
    public private(set) var uplinkNeighbours: [IPv6Address: UplinkNeighbour] = [:]
    /// How many of `owners6` are advertising routers', at most `maximumRouters`.
    public private(set) var routerCount = 0
    private var sightings: UInt64 = 0

    public struct UplinkNeighbour: Sendable, Hashable {
        public var mac: MACAddress
        /// Counts up: the neighbour seen longest ago has the lowest.
        var sighting: UInt64
    }

    public init(uplinkMode: Mode = .audit, subnets: [IPv4Prefix] = []) {
        self.uplinkMode = uplinkMode
        self.subnets = subnets
    }

    /// Whose this address is, singly or in a prefix; nil if nobody's.
    public func owner(of address: IPv4Address) -> Owner? {
        owners4[address] ?? ownerPrefixes4.first { $0.key.contains(address) }?.value
    }

    /// Whose this address is, singly or in a prefix; nil if nobody's.
    public func owner(of address: IPv6Address) -> Owner? {
        owners6[address] ?? ownerPrefixes6.first { $0.key.contains(address) }?.value
    }

    /// Whether an advertising router's address can be taken up: it is nobody's yet, and there is room.
    func canHold(router address: IPv6Address) -> Bool {
        routerCount < Self.maximumRouters && owners6[address] == nil
    }

    /// Takes over what the same bridge had learnt before its policy changed. A guest's address is no router's any more.
    mutating func takeOverLessons(of old: BridgeState) {
        uplinkNeighbours = old.uplinkNeighbours
        sightings = old.sightings
        for (address, owner) in old.owners6 where owner.kind == .router { learn(.router(address)) }
    }

    /// Takes what a frame from the uplink teaches (rule U3).
    public mutating func learn(_ lesson: Lesson) {
        switch lesson {
        case .router(let address):
            guard canHold(router: address) else { return }
            owners6[address] = Owner(.router)
            routerCount += 1
        case .neighbour(let address, let mac):
            sightings += 1
            uplinkNeighbours[address] = UplinkNeighbour(mac: mac, sighting: sightings)
            guard uplinkNeighbours.count > Self.maximumUplinkNeighbours else { return }
            if let oldest = uplinkNeighbours.min(by: { $0.value.sighting < $1.value.sighting }) {
                uplinkNeighbours[oldest.key] = nil
            }
        }
    }
}

/// What a frame from the uplink teaches (rule U3).
public enum Lesson: Sendable, Hashable {
    /// The link-local address of a router that advertises: reserved from now on.
    case router(IPv6Address)
    /// A link-local address in use beyond the uplink, and the MAC it was used with.
    case neighbour(IPv6Address, MACAddress)
}
