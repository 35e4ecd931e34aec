import CBPF
import Foundation
import Lab
import Netlink
import Policy
import Testing

/// An agent that is killed at any moment: nothing ends, nothing opens, nothing is attached anew.
@Suite(.timeLimit(.minutes(10)))
struct AgentKillTests {
    /// Ethernet, IPv4 and UDP with a number in it, from one guest to another.
    private static func datagram(_ number: UInt32, from source: UInt8, as sender: UInt8, to target: UInt8) -> [UInt8] {
        let macs: [UInt8] = [0x02, 0, 0, 0, 0, target, 0x02, 0, 0, 0, 0, source]
        var header: [UInt8] = [0x45, 0, 0, 32, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, sender, 192, 0, 2, target]
        var sum = stride(from: 0, to: 20, by: 2).reduce(UInt32(0)) { $0 + UInt32(header[$1]) << 8 + UInt32(header[$1 + 1]) }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        header[10...11] = [UInt8(~sum >> 8 & 0xff), UInt8(~sum & 0xff)]
        let payload = [0, 9, 0, 9, 0, 12, 0, 0] + withUnsafeBytes(of: number.bigEndian) { Array($0) }
        return macs + [0x08, 0x00] + header + payload
    }

    /// Sends on its own thread until it is told to stop: honest datagrams of guest 1 to guest 2, each followed by one in
    /// guest 2's name to the gateway, and counts them.
    private final class Traffic: @unchecked Sendable {
        private let honest: FrameSender
        private let forged: FrameSender
        private let stopping = UnsafeMutablePointer<Bool>.allocate(capacity: 1)
        private var thread: Thread?
        private let ended = DispatchSemaphore(value: 0)
        private(set) var sent: UInt32 = 0

        init(in host: NetworkNamespace) throws {
            stopping.initialize(to: false)
            honest = try FrameSender(on: "p-vif1.0", in: host)
            forged = try FrameSender(on: "p-vif1.0", in: host)
        }

        deinit { stopping.deallocate() }

        func start() {
            let thread = Thread { [self] in
                while !stopping.pointee {
                    do {
                        try honest.send(AgentKillTests.datagram(sent, from: 1, as: 1, to: 2))
                        try forged.send(AgentKillTests.datagram(sent, from: 1, as: 2, to: 254))
                        sent += 1
                    } catch {
                        Issue.record(error)
                        break
                    }
                    usleep(500)
                }
                ended.signal()
            }
            self.thread = thread
            thread.start()
        }

        func stop() {
            stopping.pointee = true
            ended.wait()
        }
    }

    @Test func `killed a hundred times under traffic and hot-plug, it leaves everything as it was`() throws {
        let agent = try AgentFixture()
        let host = agent.host
        let grace = Self.gracePeriods
        try agent.start()
        agent.agent?.signal(SIGTERM)
        _ = try agent.agent?.wait(atMost: .seconds(20))
        let links = try agent.links()
        let bindings = try identities(agent)
        let counters = try (agent.fixture.port("vif1.0"), agent.fixture.port("vif2.0"))
        #expect(links.count == 8)

        let receiver = try Sniffer(on: "p-vif2.0", in: host)
        let uplink = try Sniffer(on: "p-up0", in: host)
        let traffic = try Traffic(in: host)
        traffic.start()
        var dice = SystemRandomNumberGenerator()
        var heard: UInt32 = 0
        for round in 0..<100 {
            let victim = try agent.launch()
            // A newcomer that nobody knows speaks from its first moment.
            let newcomer = round % 2 == 0 ? "vif9.0" : "vif4.0"
            usleep(UInt32.random(in: 0..<200_000, using: &dice))
            try agent.plug(newcomer)
            if newcomer == "vif9.0" {
                let liar = try FrameSender(on: "p-vif9.0", in: host)
                for number in 0..<20 { try liar.send(Self.datagram(0xdead_0000 + UInt32(number), from: 1, as: 1, to: 2)) }
            }
            usleep(UInt32.random(in: 0..<150_000, using: &dice))
            victim.stop()
            try agent.unplug(newcomer)
            heard += try count(receiver)
            #expect(try uplink.take().isEmpty, "something forged came through in round \(round)")
        }
        traffic.stop()
        usleep(100_000)
        heard += try count(receiver)
        #expect(try uplink.take().isEmpty)
        #expect(traffic.sent > 1000 && heard == traffic.sent, "\(traffic.sent) honest datagrams, \(heard) arrived")
        // Counted to the last: what was honest passed, what was forged was dropped.
        let (one, two) = try (agent.fixture.port("vif1.0"), agent.fixture.port("vif2.0"))
        #expect(one.sent.passed.packets - counters.0.sent.passed.packets == Int(traffic.sent))
        #expect(two.received.passed.packets - counters.1.received.passed.packets == Int(traffic.sent))
        #expect((one.sent.dropped["ip4-source"]?.packets ?? 0) - (counters.0.sent.dropped["ip4-source"]?.packets ?? 0) == Int(traffic.sent))

        // The next one finds its host in order, and lets go of what has gone.
        try agent.start()
        #expect(try agent.links() == links, "something was attached anew")
        #expect(try identities(agent) == bindings)
        #expect(try agent.fixture.succeed("plan").contains("Nothing to do"))
        #expect(Self.gracePeriods == grace, "the kernel's grace periods stayed as the agent had set them")
    }

    /// The host's setting; nil where there is none.
    private static var gracePeriods: String? { try? String(contentsOfFile: "/sys/kernel/rcu_expedited", encoding: .utf8) }

    private func identities(_ agent: AgentFixture) throws -> [String] {
        try agent.fixture.status().bridges.flatMap(\.ports).map { port in
            "\(port.name) \(port.kind) \(port.state) \(port.binding?.guest ?? "-") \(port.binding?.addresses ?? [])"
        }.sorted()
    }

    /// The honest datagrams that were heard; there must be no others.
    private func count(_ sniffer: Sniffer) throws -> UInt32 {
        let frames = try sniffer.take().map(\.bytes)
        for frame in frames where frame.count < 46 || frame[29] != 1 || frame[42] == 0xde {
            Issue.record("this arrived at guest 2: \(frame)")
        }
        return UInt32(frames.count)
    }
}
