import Addresses
import Foundation
import Netlink
import Policy
import Testing

@testable import API
@testable import Datapath
@testable import Reporting

/// The metrics' text, read by a reader of the format's own grammar.
@Suite(.timeLimit(.minutes(10)))
struct MetricsTests {
    private static func facts(
        _ name: String, index: UInt32, kind: String = "guest", guest: String? = nil, state: PortFacts.State = .bound, counters: Counters = Counters()
    ) -> PortFacts {
        let binding = guest.map { Binding(guest: $0, macs: []) }
        let port = Port(index: index, name: name, bridgeIndex: 4, bridgeName: "br0")
        let kinds: [String: PortKind] = ["guest": .guest, "uplink": .uplink, "bridge": .bridge]
        var facts = PortFacts(
            PortStatus(
                port: port, kind: kinds[kind]!, binding: binding, leases: [], broadcasts: [], mode: .enforce, claims: [], counters: counters),
            link: nil, ways: [:], now: 0)
        facts.state = state
        return facts
    }

    private static func host(_ ports: [PortFacts]) -> HostStatus {
        HostStatus(
            pins: "/pins", program: "abc", isCurrent: true, stampBit: 30, maximumPorts: 4096,
            bridges: [HostStatus.Bridge(name: "br0", index: 4, ports: ports, unguarded: ["vif9.0"])], mapBytes: ["ports": 7, "labels": 9])
    }

    private static func counters(passed: UInt64, dropped: [Reason: UInt64] = [:], audited: [Reason: UInt64] = [:]) -> Counters {
        var counters = Counters()
        counters.into.passed = Counters.Count(packets: passed, bytes: passed * 60)
        counters.into.dropped = dropped.mapValues { Counters.Count(packets: $0, bytes: $0 * 42) }
        counters.into.audited = audited.mapValues { Counters.Count(packets: $0, bytes: $0 * 42) }
        return counters
    }

    private func page(_ ports: [PortFacts]) throws -> MetricsReading {
        try MetricsReading(MetricsPage(APIFixture.soundHealth, host: Self.host(ports), entries: ["vlans": 3]).text)
    }

    @Test func `each side of each port has its counters, by reason where there are some`() throws {
        let page = try page([
            Self.facts("br0", index: 4, kind: "bridge", state: .trusted, counters: Self.counters(passed: 1)),
            Self.facts("up0", index: 5, kind: "uplink", state: .trusted, counters: Self.counters(passed: 2, dropped: [.unjudged: 3])),
            Self.facts(
                "vif1.0", index: 7, guest: "www", counters: Self.counters(passed: 10, dropped: [.raGuard: 4, .arpSenderIP: 2], audited: [.quiet: 8])),
        ])
        #expect(page["vifguard_passed_packets_total", "bridge=br0", "port=vif1.0", "guest=www", "direction=from-guest"] == "10")
        #expect(page["vifguard_passed_bytes_total", "bridge=br0", "port=vif1.0", "guest=www", "direction=from-guest"] == "600")
        #expect(page["vifguard_passed_packets_total", "bridge=br0", "port=vif1.0", "guest=www", "direction=to-guest"] == "0")
        #expect(page["vifguard_passed_packets_total", "bridge=br0", "port=br0", "guest=", "direction=from-host"] == "1")
        #expect(page["vifguard_passed_packets_total", "bridge=br0", "port=up0", "guest=", "direction=from-uplink"] == "2")
        #expect(page["vifguard_dropped_packets_total", "bridge=br0", "port=up0", "guest=", "direction=from-uplink", "reason=unjudged"] == "3")
        #expect(page["vifguard_dropped_bytes_total", "bridge=br0", "port=vif1.0", "guest=www", "direction=from-guest", "reason=ra-guard"] == "168")
        #expect(page["vifguard_audited_packets_total", "bridge=br0", "port=vif1.0", "guest=www", "direction=from-guest", "reason=quiet"] == "8")
        // Only reasons that were counted are there.
        #expect(page.samples.filter { $0.name == "vifguard_dropped_packets_total" }.count == 3)
        #expect(page.samples.filter { $0.name == "vifguard_audited_packets_total" }.count == 1)
        #expect(page["vifguard_ports", "bridge=br0", "state=trusted"] == "2" && page["vifguard_ports", "bridge=br0", "state=closed"] == "0")
        #expect(page["vifguard_newcomers", "bridge=br0"] == "1" && page["vifguard_bindings", "bridge=br0", "origin=policy", "mode=enforce"] == "1")
        #expect(page["vifguard_map_bytes", "map=labels"] == "9" && page["vifguard_map_entries", "map=vlans"] == "3")
    }

    @Test func `the agent's own numbers are there`() throws {
        var health = APIFixture.soundHealth
        health.startedAt = 1_700_000_000_250_000_000
        health.reconciler.steps = ["bind": 4, "attach": 2]
        health.reconciler.seconds = 1.5
        (health.reconciler.changed, health.reconciler.failed) = (2, 1)
        health.reconciler.linkOverruns = 6
        health.collector.storeBytes = 4096
        let page = try MetricsReading(MetricsPage(health, host: nil, entries: [:]).text)
        #expect(page["vifguard_agent_start_time_seconds"].flatMap(Double.init) == 1_700_000_000.25)
        #expect(page["vifguard_reconcile_total", "result=unchanged"] == "3" && page["vifguard_reconcile_total", "result=failed"] == "1")
        #expect(page["vifguard_reconcile_steps_total", "step=bind"] == "4")
        #expect(page["vifguard_reconcile_duration_seconds_sum"] == "1.5" && page["vifguard_reconcile_duration_seconds_count"] == "6")
        #expect(page["vifguard_link_overruns_total"] == "6" && page["vifguard_store_bytes"] == "4096" && page["vifguard_loaded"] == "0")
    }

    @Test func `a guest's name may be anything, and stays within its label`() throws {
        for guest in ["a\"b", "a\\b", "a\\", "a\nb", "a\\\"\n}", "x\"} 1\nvifguard_agent_up 0\n", "ü€😀\u{202e}", "", "a\r\u{0}b"] {
            let page = try page([Self.facts("vif1.0", index: 7, guest: guest, counters: Self.counters(passed: 5, dropped: [.raGuard: 1]))])
            #expect(page["vifguard_passed_packets_total", "bridge=br0", "port=vif1.0", "guest=\(guest)", "direction=from-guest"] == "5", "\(guest)")
            #expect(
                page["vifguard_dropped_packets_total", "bridge=br0", "port=vif1.0", "guest=\(guest)", "direction=from-guest", "reason=ra-guard"]
                    == "1")
            #expect(page["vifguard_agent_up"] == "1")
        }
    }

    @Test func `two ports of one name give one sample`() throws {
        let page = try page([
            Self.facts("vif1.0", index: 7, guest: "www", state: .gone, counters: Self.counters(passed: 5)),
            Self.facts("vif1.0", index: 9, guest: "www", counters: Self.counters(passed: 6)),
        ])
        #expect(page["vifguard_passed_packets_total", "bridge=br0", "port=vif1.0", "guest=www", "direction=from-guest"] == "11")
    }

    @Test func `the order is always the same`() {
        let ports = (0..<50).map {
            Self.facts(
                "vif\($0).0", index: UInt32($0 + 7), guest: "guest\($0)",
                counters: Self.counters(passed: 1, dropped: Dictionary(uniqueKeysWithValues: Reason.allCases.map { ($0, 1) })))
        }
        let health = APIFixture.soundHealth
        let pages = (0..<5).map { _ in MetricsPage(health, host: Self.host(ports), entries: ["a": 1, "b": 2, "c": 3, "d": 4]).text }
        #expect(Set(pages).count == 1)
    }
}

/// A page of Prometheus' text format 0.0.4, read strictly.
struct MetricsReading {
    struct Sample {
        var name: String
        var labels: [String: String]
        var value: String
    }

    struct Malformed: Error, CustomStringConvertible {
        var description: String
    }

    private(set) var samples: [Sample] = []

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Malformed(description: "the last line has no end") }
        var kinds: [String: String] = [:]
        var helped: Set<String> = []
        var family = ""
        var seen: Set<String> = []
        // By bytes: to Swift a carriage return before the line's end belongs to it.
        for bytes in Array(text.utf8).split(separator: 0x0a) {
            let line = String(decoding: bytes, as: UTF8.self)
            let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            if line.hasPrefix("# HELP ") {
                guard words.count == 4, helped.insert(words[2]).inserted else { throw Malformed(description: line) }
                family = words[2]
            } else if line.hasPrefix("# TYPE ") {
                guard words.count == 4, words[2] == family, kinds[family] == nil, ["counter", "gauge", "summary"].contains(words[3]) else {
                    throw Malformed(description: line)
                }
                kinds[family] = words[3]
            } else {
                let sample = try Self.sample(line)
                let ends = kinds[family] == "summary" ? ["_sum", "_count"] : [""]
                guard ends.map({ family + $0 }).contains(sample.name), kinds[family] == "counter" ? family.hasSuffix("_total") : true,
                    seen.insert("\(sample.name) \(sample.labels.sorted { $0.key < $1.key })").inserted
                else { throw Malformed(description: line) }
                samples.append(sample)
            }
        }
    }

    private static func sample(_ line: String) throws -> Sample {
        var rest = Array(line.unicodeScalars)[...]
        func word() -> String {
            var word = ""
            while let scalar = rest.first, scalar.isASCII, scalar.properties.isAlphabetic || scalar == "_" || ("0"..."9").contains(scalar) {
                word.unicodeScalars.append(rest.removeFirst())
            }
            return word
        }
        let name = word()
        var labels: [String: String] = [:]
        if rest.first == "{" {
            repeat {
                rest.removeFirst()
                let label = word()
                guard !label.isEmpty, rest.popFirst() == "=", rest.popFirst() == "\"" else { throw Malformed(description: line) }
                var value = ""
                while let scalar = rest.popFirst(), scalar != "\"" {
                    guard scalar == "\\" else {
                        value.unicodeScalars.append(scalar)
                        continue
                    }
                    switch rest.popFirst() {
                    case "\\": value += "\\"
                    case "\"": value += "\""
                    case "n": value += "\n"
                    default: throw Malformed(description: line)
                    }
                }
                guard labels.updateValue(value, forKey: label) == nil else { throw Malformed(description: line) }
            } while rest.first == ","
            guard rest.popFirst() == "}" else { throw Malformed(description: line) }
        }
        let value = String(String.UnicodeScalarView(rest.dropFirst()))
        guard !name.isEmpty, rest.first == " ", Double(value) != nil else { throw Malformed(description: line) }
        return Sample(name: name, labels: labels, value: value)
    }

    /// The value of the sample with these labels, each `name=value`, and no others.
    subscript(name: String, labels: String...) -> String? {
        let wanted = Dictionary(
            uniqueKeysWithValues: labels.map { text in
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                return (parts[0], parts[1])
            })
        return samples.first { $0.name == name && $0.labels == wanted }?.value
    }
}
