import Datapath
import Policy
import Testing

@testable import vifguard

/// Rates and reasons as functions of what was seen: worked out by hand from the definition, a difference over a time.
struct PortRatesTests {
    private func counters(_ passed: (UInt64, UInt64) = (0, 0), dropped: [Reason: (UInt64, UInt64)] = [:]) -> Counters {
        var counters = Counters()
        counters.into.passed = Counters.Count(packets: passed.0, bytes: passed.1)
        counters.into.dropped = dropped.mapValues { Counters.Count(packets: $0.0, bytes: $0.1) }
        return counters
    }

    private func port(_ counters: Counters, index: UInt32 = 7) -> ObservedPort {
        ObservedPort(Port(index: index, name: "vif\(index).0", bridgeIndex: 1, bridgeName: "br0"), guest: "guest", counters: counters)
    }

    private func rates(_ before: [ObservedPort], _ now: [ObservedPort], nanoseconds: UInt64 = 1_000_000_000) -> [PortRates] {
        PortRates.between(Observation(nanoseconds: 5, ports: before), Observation(nanoseconds: 5 + nanoseconds, ports: now))
    }

    @Test func `a rate is the difference over the time that has really passed`() throws {
        let before = port(counters((100, 6000), dropped: [.macSource: (10, 600)]))
        let now = port(counters((300, 18000), dropped: [.macSource: (10, 600), .arpSenderIP: (50, 2100)]))
        let rate = try #require(rates([before], [now], nanoseconds: 500_000_000).first)
        // 200 packets and 12,000 bytes in half a second.
        #expect(rate.sent.passed.packets == 400 && rate.sent.passed.bits == 192_000)
        #expect(rate.sent.dropped.packets == 100 && rate.sent.dropped.bits == 33_600)
        #expect(rate.received == PortRates.Side() && rate.sent.audited == Rate())
        #expect(rate.grown == [Cause(reason: .arpSenderIP, isSent: true, isAudited: false): 50])
    }

    @Test func `each side and audit mode are kept apart`() throws {
        var now = Counters()
        now.out.dropped[.quiet] = .init(packets: 2, bytes: 84)
        now.into.audited[.macSource] = .init(packets: 3, bytes: 180)
        let rate = try #require(rates([port(Counters())], [port(now)]).first)
        #expect(rate.received.dropped.packets == 2 && rate.sent.dropped.packets == 0)
        #expect(rate.sent.audited.bits == 1440 && rate.sent.passed.packets == 0)
        #expect(
            rate.grown == [
                Cause(reason: .quiet, isSent: false, isAudited: false): 2, Cause(reason: .macSource, isSent: true, isAudited: true): 3,
            ])
    }

    @Test func `a port that wasn't there has counted from zero, one that is gone is nowhere`() {
        let gone = port(counters((1000, 60000)), index: 1)
        let new = rates([gone], [port(counters((5, 300)), index: 2)])
        #expect(new.map(\.observed.port.index) == [2])
        #expect(new[0].isNew && new[0].sent.passed.packets == 5)
    }

    @Test(arguments: [
        [Reason.macSource: (UInt64(4), UInt64(240))], [.macSource: (20, 1200), .quiet: (0, 0)], [:],
    ])
    func `counters that start anew never give a negative or an enormous rate`(_ dropped: [Reason: (UInt64, UInt64)]) throws {
        // Either what was dropped or what passed is lower than before: all of the port counts from zero.
        let before = port(counters((1000, 60000), dropped: [.macSource: (10, 600)]))
        let rate = try #require(rates([before], [port(counters((7, 420), dropped: dropped))]).first)
        #expect(rate.isNew && rate.sent.passed.packets == 7)
        #expect(rate.sent.dropped.packets == Double(dropped.values.reduce(0) { $0 + $1.0 }))
    }

    @Test func `bytes read a moment before their packets are no rate below zero`() throws {
        let before = port(counters((10, 700)))
        let rate = try #require(rates([before], [port(counters((11, 640)))]).first)
        #expect(rate.sent.passed.packets == 1 && rate.sent.passed.bits == 0)
    }

    @Test func `no time is no rate`() {
        for rate in rates([], [port(counters((10, 700)))], nanoseconds: 0) { #expect(rate.sent.passed == Rate()) }
    }

    @Test func `the latest reason stands first, with all its packets, and goes with its port`() throws {
        var history = ReasonHistory()
        func look(_ second: UInt64, _ dropped: [Reason: (UInt64, UInt64)], since: [Reason: (UInt64, UInt64)], index: UInt32 = 7) {
            history.add(rates([port(counters(dropped: since), index: index)], [port(counters(dropped: dropped), index: index)]), until: second)
        }
        look(1, [.macSource: (5, 300)], since: [:])
        look(2, [.macSource: (5, 300), .arpSenderIP: (2, 84), .quiet: (9, 400)], since: [.macSource: (5, 300)])
        look(3, [.macSource: (8, 480), .arpSenderIP: (2, 84)], since: [.macSource: (5, 300), .arpSenderIP: (2, 84)])
        let causes = history[port: 7]
        #expect(causes.map(\.cause.reason) == [.macSource, .quiet, .arpSenderIP])
        #expect(causes.map(\.packets) == [8, 9, 2] && causes.map(\.nanoseconds) == [3, 2, 2] && causes[0].latest == 3)
        // Counters begin anew: so does what is known.
        look(4, [.noIPv4: (1, 60)], since: [.macSource: (8, 480)])
        #expect(history[port: 7].map(\.cause.reason) == [.noIPv4])
        look(5, [:], since: [:], index: 8)
        #expect(history[port: 7].isEmpty)
    }
}
