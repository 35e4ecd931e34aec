import Addresses
import Datapath
import Lab
import Netlink
import Packets
import Policy
import Testing

/// The same bridges, ports and bindings twice: in the kernel, and in the evaluator's model.
struct DifferentialWorld {
    struct Place {
        var direction: Direction
        var index: UInt32
        var binding: Binding
    }

    let datapath: Datapath
    let testRun: TestRun
    private let bridges: [Port]
    private let ports: [(port: Port, kind: PortState.Kind)]
    /// An interface that nobody has guarded: whatever a program says of it is said without a record.
    private let stray: UInt32
    private(set) var model: GuardModel
    private(set) var places: [Place] = []
    /// Where real frames can be sent from, by the number of their interface.
    private(set) var taps: [UInt32: Tap] = [:]

    /// Makes the interfaces in the calling thread's network namespace, loads the kernel program, binds.
    ///
    /// - Parameter withTaps: whether guests and uplinks are taps that keep pieces.
    init(object: DatapathObject = ObjectUnderTest.object, withTaps: Bool = false) throws {
        datapath = try ObjectUnderTest.load(object)
        var bridges: [Port] = [], ports: [(Port, PortState.Kind)] = []
        for (bridge, uplink, guests) in [
            ("br0", "up0", DifferentialPolicy.bindings.map(\.port) + [DifferentialPolicy.closedPort]), ("br1", "up1", ["strict"]),
        ] {
            let master = try Link.create(bridge, .bridge)
            bridges.append(Port(bridgeIndex: master.index, bridgeName: bridge))
            for name in [uplink] + guests {
                let tap = withTaps ? try Tap(name, keepsPieces: true) : nil
                let link = withTaps ? try Link.named(name) : try Link.create(name, .bridge)
                taps[link.index] = tap
                ports.append((Port(index: link.index, name: name, bridgeIndex: master.index, bridgeName: bridge), name == uplink ? .uplink : .guest))
            }
        }
        (self.bridges, self.ports) = (bridges, ports)
        stray = try Link.create("stray", .bridge).index
        for port in bridges { try datapath.guardBridge(port) }
        for (port, kind) in ports where kind == .uplink {
            try datapath.guardUplink(port, mode: port.bridgeName == "br0" ? .audit : .enforce)
        }
        model = GuardModel(HostPolicy(), places: [])
        testRun = try datapath.testRun()
        try begin(round: 0)
    }

    /// Binds every guest anew, under another name, so that claims start over on both sides.
    mutating func begin(round: Int) throws {
        let policy = DifferentialPolicy.policy(round: round)
        for (port, kind) in ports where kind == .guest {
            if round == 0 || port.name == DifferentialPolicy.closedPort { try datapath.close(port) }
        }
        for bridge in bridges {
            let rules = policy.bridges.first { $0.name == bridge.name }!
            var owners = OwnerTable(rules, hostAddresses: host(bridge).addresses, hostMACs: host(bridge).macs)
            for interface in policy.interfaces where interface.bridge == bridge.name {
                let port = ports.first { $0.port.name == interface.port }?.port
                if let port { try datapath.bind(interface.binding, to: port, subnets: rules.subnets) }
                owners.add(interface.binding, port: port?.index)
            }
            try datapath.write(owners, bridge: bridge.index)
        }
        let all =
            ports.map { GuardModel.Place(name: $0.port.name, index: $0.port.index, bridge: $0.port.bridgeName, kind: $0.kind) }
            + bridges.map { GuardModel.Place(name: $0.name, index: $0.index, bridge: $0.name, kind: .bridge) }
        let hosts = Dictionary(uniqueKeysWithValues: bridges.map { ($0.name, host($0)) })
        model = round == 0 ? GuardModel(policy, places: all, hostAddresses: hosts) : model.updated(policy, places: all, hostAddresses: hosts)
        places = makePlaces(policy)
    }

    private func host(_ bridge: Port) -> GuardModel.HostAddresses {
        bridge.name == "br0"
            ? GuardModel.HostAddresses(
                macs: [DifferentialPolicy.hostMAC], addresses: [.v4(DifferentialPolicy.hostAddress), .v6(DifferentialPolicy.hostLinkLocal)])
            : GuardModel.HostAddresses()
    }

    private func makePlaces(_ policy: HostPolicy) -> [Place] {
        let guests = policy.interfaces.filter { $0.port != "gone" }.map(\.binding)
        var places: [Place] = []
        for (port, kind) in ports {
            let own = policy.interfaces.first { $0.port == port.name }?.binding
            switch kind {
            case .guest:
                let binding = own ?? guests[0]
                places += [
                    Place(direction: .fromGuest, index: port.index, binding: binding),
                    Place(direction: .toGuest, index: port.index, binding: binding),
                ]
                places.append(places[places.count - 2])  // what guests send has the most rules
            default:
                places += guests.map { Place(direction: .fromUplink, index: port.index, binding: $0) }
                places.append(Place(direction: .toUplink, index: port.index, binding: guests[0]))
            }
        }
        for bridge in bridges {
            places += [
                Place(direction: .toHost, index: bridge.index, binding: guests[0]),
                Place(direction: .fromHost, index: bridge.index, binding: guests[0]),
            ]
        }
        places += Direction.allCases.map { Place(direction: $0, index: stray, binding: guests[0]) }
        return places
    }

    /// Judges one frame on both sides. The difference is nil where they agree on verdict, reason and stamp; else what each
    /// said. The reason is the evaluator's.
    mutating func difference(_ bytes: [UInt8], at place: Place, isStamped: Bool, isReceived: Bool) throws -> (difference: String?, reason: Reason?) {
        let stampBit: UInt32 = 1 << UInt32(datapath.stampBit)
        let leaves = place.direction == .toGuest || place.direction == .toUplink || place.direction == .toHost
        let frame = TestRun.Frame(bytes, at: place.index, receivedOn: isReceived ? 1 : 0, mark: isStamped ? stampBit : 0)
        let kernel = try testRun.run(place.direction, frame)
        let stamp: Stamp = isStamped ? .stamped : isReceived || place.direction == .toHost ? .unstamped : .madeHere
        let expected = model.judge(Frame(bytes: bytes), port: place.index, direction: place.direction, stamp: stamp, time: 0)
        let isMarked = kernel.mark & stampBit != 0
        let rightMark = leaves ? !isMarked || kernel.isDropped : kernel.isDropped || isMarked
        guard kernel.reason != expected.reason || kernel.isDropped != expected.isDropped || !rightMark else { return (nil, expected.reason) }
        let words = """
            kernel: \(kernel.isDropped ? "drop" : "pass") \(kernel.reason?.name ?? "-") mark \(isMarked), \
            judge: \(expected.isDropped ? "drop" : "pass") \(expected.reason?.name ?? "-")
            \(describe(bytes, at: place))
            """
        return (words, expected.reason)
    }

    /// Judges a frame that the place's tap sends, in these pieces, on both sides. As above; and whether it passed.
    mutating func difference(
        sending pieces: [[UInt8]], as frame: Frame, at place: Place
    ) throws -> (difference: String?, reason: Reason?, isPassed: Bool) {
        let tap = try #require(taps[place.index])
        let kernel = try testRun.reason(at: place.index, place.direction) { try tap.send(pieces) }
        let expected = model.judge(frame, port: place.index, direction: place.direction, stamp: .unstamped, time: 0)
        guard kernel?.reason != expected.reason || kernel.map({ !$0.audited }) ?? false != expected.isDropped else {
            return (nil, expected.reason, !expected.isDropped)
        }
        let words = """
            kernel: \(kernel.map { $0.audited ? "pass \($0.reason.name)" : "drop \($0.reason.name)" } ?? "-"), \
            judge: \(expected.isDropped ? "drop" : "pass") \(expected.reason?.name ?? "-"), in pieces of \(pieces.map(\.count))
            \(describe(pieces.flatMap(\.self), at: place))
            """
        return (words, expected.reason, !expected.isDropped)
    }

    private func describe(_ bytes: [UInt8], at place: Place) -> String {
        """
        \(place.direction.name) at \(ports.first { $0.port.index == place.index }?.port.name ?? "interface \(place.index)"), guest \(place.binding.guest)
        \(Frame(bytes: bytes))
        \(Hex.text(bytes))
        """
    }
}
