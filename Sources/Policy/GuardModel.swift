import Addresses
import Packets

/// A host's guarded bridges as the kernel program keeps them: judges frames one after the other, and applies what each
/// changes. The reference for the differential test, and what `explain` runs on.
public struct GuardModel: Sendable {
    /// Where an interface is plugged.
    public struct Place: Sendable, Hashable {
        /// The interface's name.
        public var name: String
        /// The interface index.
        public var index: UInt32
        /// The bridge's interface name; a bridge's own for the bridge itself.
        public var bridge: String
        public var kind: PortState.Kind
        /// The MAC that the hypervisor reports for the guest behind it, for bindings that name no port.
        public var mac: MACAddress?

        public init(name: String, index: UInt32, bridge: String, kind: PortState.Kind, mac: MACAddress? = nil) {
            self.name = name
            self.index = index
            self.bridge = bridge
            self.kind = kind
            self.mac = mac
        }
    }

    /// What the host itself uses on a bridge: reserved.
    public struct HostAddresses: Sendable, Hashable {
        public var macs: [MACAddress]
        public var addresses: [IPAddress]

        public init(macs: [MACAddress] = [], addresses: [IPAddress] = []) {
            self.macs = macs
            self.addresses = addresses
        }
    }

    /// By interface name.
    public private(set) var bridges: [String: BridgeState] = [:]
    /// By interface index.
    public private(set) var ports: [UInt32: PortState] = [:]

    /// - Parameters:
    ///   - policy: whose addresses are whose; a sound one: what is held by two goes to the first.
    ///   - places: the interfaces there are.
    ///   - hostAddresses: by the bridge's interface name.
    public init(_ policy: HostPolicy, places: [Place], hostAddresses: [String: HostAddresses] = [:]) {
        for bridge in policy.bridges {
            bridges[bridge.name] = BridgeState(bridge, host: hostAddresses[bridge.name] ?? HostAddresses())
        }
        var unplugged = policy.interfaces
        for place in places {
            let subnets = bridges[place.bridge]?.subnets ?? []
            let interface = unplugged.firstIndex { $0.belongs(at: place) }.map { unplugged.remove(at: $0) }
            ports[place.index] = PortState(
                index: place.index, bridge: place.bridge, kind: place.kind, binding: interface?.binding, subnets: subnets)
            if let interface { bridges[place.bridge]?.enter(interface.binding, port: place.index) }
        }
        for interface in unplugged { bridges[interface.bridge]?.enter(interface.binding, port: nil) }
    }

    /// Judges a frame, and applies what it changes: claims, what the uplink teaches, the port's buckets. A port that isn't
    /// there, or is on a bridge that isn't guarded, has no binding.
    /// - Parameters:
    ///   - port: the interface index of the port, or of the bridge for the host's directions.
    ///   - time: in nanoseconds, of a clock that never goes back.
    public mutating func judge(
        _ frame: Frame, port index: UInt32, direction: Direction, stamp: Stamp = .stamped, time: UInt64
    ) -> Judgement {
        guard let port = ports[index], let bridge = bridges[port.bridge] else {
            return Judgement(reason: .noBinding, isDropped: true, buckets: Buckets())
        }
        let judgement = Policy.judge(frame, direction: direction, port: port, bridge: bridge, stamp: stamp, time: time)
        apply(judgement, to: port)
        return judgement
    }

    private mutating func apply(_ judgement: Judgement, to port: PortState) {
        ports[port.index]?.buckets = judgement.buckets
        if let lesson = judgement.lesson { bridges[port.bridge]?.learn(lesson) }
        for address in judgement.claims {
            let owner = Owner(.claim(port: port.index), isMigrating: port.binding?.isMigrating ?? false)
            bridges[port.bridge]?.owners6[address] = owner
            ports[port.index]?.claims.append(address)
        }
    }

    /// The model under another policy or with other places. What the bridges have learnt from their uplinks stays, and so
    /// do the claims and buckets of each port that is still there and still the same guest's.
    public func updated(_ policy: HostPolicy, places: [Place], hostAddresses: [String: HostAddresses] = [:]) -> GuardModel {
        var model = GuardModel(policy, places: places, hostAddresses: hostAddresses)
        for (name, bridge) in bridges { model.bridges[name]?.takeOverLessons(of: bridge) }
        for (index, old) in ports {
            guard let new = model.ports[index], new.bridge == old.bridge, let binding = new.binding,
                binding.guest == old.binding?.guest
            else { continue }
            model.ports[index]?.buckets = old.buckets
            guard binding.linkLocalMode == .claim else { continue }
            for address in old.claims where model.bridges[new.bridge]?.owner(of: address) == nil {
                let owner = Owner(.claim(port: index), isMigrating: binding.isMigrating)
                model.bridges[new.bridge]?.owners6[address] = owner
                model.ports[index]?.claims.append(address)
            }
        }
        return model
    }
}

extension GuestInterface {
    /// Whether the policy speaks of this port: by its name, or, where it names none, by the MAC seen there.
    fileprivate func belongs(at place: GuardModel.Place) -> Bool {
        guard place.kind == .guest, bridge == place.bridge else { return false }
        guard let port else { return place.mac.map(binding.macs.contains) ?? false }
        return port == place.name
    }
}

extension BridgeState {
    /// A bridge with its reserved addresses and no guests yet.
    fileprivate init(_ policy: BridgePolicy, host: GuardModel.HostAddresses) {
        self.init(uplinkMode: policy.uplinkMode, subnets: policy.subnets)
        let reserved = Owner(.reserved)
        for mac in policy.gatewayMACs + policy.reservedMACs + host.macs { ownerMACs[mac] = reserved }
        for prefix in (policy.gateways + host.addresses).map(IPPrefix.init) + policy.reserved {
            switch prefix {
            case .v4(let prefix): enter(prefix, owner: reserved)
            case .v6(let prefix): enter(prefix, owner: reserved)
            }
        }
    }

    /// Makes the binding's addresses and MACs its guest's. Those of virtual routers may be on another host at any time, like
    /// those of a guest on the move.
    fileprivate mutating func enter(_ binding: Binding, port: UInt32?) {
        let owner = Owner(.guest(port: port), isMigrating: binding.isMigrating)
        for mac in binding.macs { enter(mac, owner: owner) }
        for prefix in binding.addresses4 { enter(prefix, owner: owner) }
        for prefix in binding.addresses6 { enter(prefix, owner: owner) }
        for address in binding.macs.map(\.eui64LinkLocal) + binding.linkLocals { enter(IPv6Prefix(address), owner: owner) }
        let moving = Owner(.guest(port: port), isMigrating: true)
        for router in binding.virtualRouters {
            enter(router.mac, owner: moving)
            switch router.address {
            case .v4(let address): enter(IPv4Prefix(address), owner: moving)
            case .v6(let address): enter(IPv6Prefix(address), owner: moving)
            }
        }
    }

    private mutating func enter(_ mac: MACAddress, owner: Owner) {
        if ownerMACs[mac] == nil { ownerMACs[mac] = owner }
    }

    private mutating func enter(_ prefix: IPv4Prefix, owner: Owner) {
        if !prefix.isSingle {
            if ownerPrefixes4[prefix] == nil { ownerPrefixes4[prefix] = owner }
        } else if owners4[prefix.address] == nil {
            owners4[prefix.address] = owner
        }
    }

    private mutating func enter(_ prefix: IPv6Prefix, owner: Owner) {
        if !prefix.isSingle {
            if ownerPrefixes6[prefix] == nil { ownerPrefixes6[prefix] = owner }
        } else if owners6[prefix.address] == nil {
            owners6[prefix.address] = owner
        }
    }
}
