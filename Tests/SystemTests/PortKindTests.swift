import Datapath
import Netlink
import Policy
import Testing

/// A program may be at a port whose record has just become another kind's.
@Suite(.timeLimit(.minutes(1)))
struct PortKindTests {
    @Test func `a program lets nothing pass at a port of another kind, nor at one without a record`() throws {
        try DatapathFixture.withPorts(["vif1.0", "up0", "vif3.0"], object: ObjectUnderTest.object) { datapath, ports in
            try datapath.bind(DatapathFixture.binding(1), to: ports[0])
            try datapath.guardUplink(ports[1], mode: .enforce)
            let bridge = Port(index: ports[0].bridgeIndex, name: "br0", bridgeIndex: ports[0].bridgeIndex, bridgeName: "br0")
            try datapath.guardBridge(bridge)
            let run = try datapath.testRun()
            let stamp: UInt32 = 1 << 30
            let places: [(index: UInt32, kind: PortKind?)] = [
                (ports[0].index, .guest), (ports[1].index, .uplink), (bridge.index, .bridge), (ports[2].index, nil),
            ]
            for direction in Direction.allCases {
                let own: PortKind =
                    switch direction {
                    case .fromGuest, .toGuest: .guest
                    case .fromUplink, .toUplink: .uplink
                    case .toHost, .fromHost: .bridge
                    }
                for place in places {
                    let frame = TestRun.Frame(arpRequest(from: 1, target: [192, 0, 2, 1]), at: place.index, receivedOn: ports[1].index, mark: stamp)
                    let outcome = try run.run(direction, frame)
                    if place.kind == own {
                        #expect(outcome.reason != .noBinding, "\(direction) at \(place)")
                    } else {
                        // Counted as the port's, or as nobody's.
                        #expect(outcome.isDropped && [.noBinding, nil].contains(outcome.reason), "\(direction) at \(place)")
                    }
                }
            }
        }
    }
}
