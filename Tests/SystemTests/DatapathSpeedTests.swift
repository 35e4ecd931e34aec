import Addresses
import Datapath
import Glibc
import Lab
import Netlink
import Policy
import Testing

/// Figures for the reader, none of them asserted: the machine may be busy.
@Suite(.timeLimit(.minutes(2)))
struct DatapathSpeedTests {
    @Test(arguments: AttachmentWay.allCases)
    func `a port is plugged, bound anew and judged`(way: AttachmentWay) throws {
        let fixture = try DatapathFixture()
        let figures = try fixture.run {
            let ports = try DatapathFixture.makePorts((1...50).map { "vif\($0).0" })
            let clock = ContinuousClock()
            let loading = try clock.measure { _ = try Datapath.load(pins: fixture.pins) }
            let datapath = try Datapath.load(pins: fixture.pins)
            var plugging: [Duration] = []
            for (number, port) in ports.enumerated() {
                plugging.append(try clock.measure { try datapath.bind(DatapathFixture.binding(UInt8(number + 1)), to: port, way: way) })
            }
            let binding = DatapathFixture.binding(1)
            let rebinding = try clock.measure { for _ in 0..<1000 { try datapath.bind(binding, to: ports[0]) } }
            let run = try datapath.testRun()
            let frames = [TestRun.Frame](repeating: .init(arpRequest(from: 1, sender: [9, 9, 9, 9]), at: ports[0].index), count: 10_000)
            let judging = try clock.measure { _ = try run.run(.fromGuest, frames) }
            let upgrading = try clock.measure { try datapath.upgrade(stampBit: 29) }
            let status = try clock.measure { _ = try datapath.ports() }
            let sizes = try datapath.mapSizes()
            return """
                \(way.rawValue): load \(loading), one port plugged \(plugging.sorted()[25]) (median of 50), a binding changed \(rebinding / 1000), \
                a frame judged \(judging / 10_000), 50 ports upgraded \(upgrading), their status \(status), \
                maps \(sizes.values.reduce(0, +)) bytes: \(sizes.sorted { $0.value > $1.value }.prefix(6).map { "\($0.key) \($0.value)" }.joined(separator: ", "))
                """
        }
        print(figures)
    }
}
