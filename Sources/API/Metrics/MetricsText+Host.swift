import Reporting

extension MetricsText {
    /// What is in force, and what it has counted.
    mutating func addHost(_ host: HostStatus, entries: [String: Int]) {
        add(
            "vifguard_programs_current", .gauge, "Whether the programs in force are those of this vifguard.",
            [MetricsSample(host.isCurrent, MetricsLabels(["program": host.program]))])
        add("vifguard_map_bytes", .gauge, "Memory of the kernel's maps.", Self.byMap(host.mapBytes))
        add("vifguard_map_entries", .gauge, "Entries of the kernel's maps.", Self.byMap(entries))
        addPorts(host.bridges)
        let sides = host.bridges.flatMap { $0.ports.flatMap(MetricsSide.all) }
        addPassed(sides)
        add(sides.map { ($0.labels, $0.facts.dropped) }, "dropped", "that broke a rule and were dropped")
        add(sides.map { ($0.labels, $0.facts.wouldDrop) }, "audited", "that broke a rule and passed in audit mode")
    }

    private static func byMap(_ values: [String: some MetricsNumber]) -> [MetricsSample] {
        values.sorted { $0.key < $1.key }.map { MetricsSample($0.value, MetricsLabels(["map": $0.key])) }
    }

    private mutating func addPorts(_ bridges: [HostStatus.Bridge]) {
        // Sums: a bridge that was made anew under its name is there twice until what is gone is forgotten.
        var (states, newcomers, bindings, leases) = (MetricsCounts(), MetricsCounts(), MetricsCounts(), MetricsCounts())
        for bridge in bridges {
            for state in PortFacts.State.allCases {
                let count = bridge.ports.count { $0.state == state }
                states.add(UInt64(count), 0, MetricsLabels(["bridge": bridge.name, "state": state.rawValue]))
            }
            for case let binding? in bridge.ports.map(\.binding) {
                bindings.add(1, 0, MetricsLabels(["bridge": bridge.name, "origin": binding.origin, "mode": binding.mode]))
            }
            newcomers.add(UInt64(bridge.unguarded.count), 0, MetricsLabels(["bridge": bridge.name]))
            leases.add(UInt64(bridge.ports.reduce(0) { $0 + $1.leases.count }), 0, MetricsLabels(["bridge": bridge.name]))
        }
        add("vifguard_ports", .gauge, "Guarded ports, by what passes there.", states.packets)
        add(
            "vifguard_newcomers", .gauge, "Ports that joined a guarded bridge and aren't guarded yet: what they send reaches nobody.",
            newcomers.packets)
        add("vifguard_bindings", .gauge, "Bindings in force.", bindings.packets)
        add(
            "vifguard_leases", .gauge, "Addresses and prefixes that DHCP has given to guests.",
            leases.packets)
    }

    private mutating func addPassed(_ sides: [MetricsSide]) {
        var counts = MetricsCounts()
        for side in sides { counts.add(side.facts.passed.packets, side.facts.passed.bytes, side.labels) }
        add("vifguard_passed_packets_total", .counter, "Frames that passed.", counts.packets)
        add("vifguard_passed_bytes_total", .counter, "Bytes of frames that passed.", counts.bytes)
    }

    /// - Parameter counts: by reason, of each side of each port.
    private mutating func add(_ sides: [(MetricsLabels, [String: SideFacts.Count])], _ what: String, _ words: String) {
        var counts = MetricsCounts()
        for (labels, reasons) in sides {
            for (reason, count) in reasons.sorted(by: { $0.key < $1.key }) {
                counts.add(count.packets, count.bytes, labels.adding("reason", reason))
            }
        }
        add("vifguard_\(what)_packets_total", .counter, "Frames \(words).", counts.packets)
        add("vifguard_\(what)_bytes_total", .counter, "Bytes of frames \(words).", counts.bytes)
    }
}

/// What goes one way through a port.
private struct MetricsSide {
    var labels: MetricsLabels
    var facts: SideFacts

    static func all(_ port: PortFacts) -> [MetricsSide] {
        // The bridge's own side is the host's.
        let place = port.kind == "bridge" ? "host" : port.kind
        return [("from-\(place)", port.sent), ("to-\(place)", port.received)].map { direction, facts in
            let labels = MetricsLabels([
                "bridge": port.bridge, "port": port.name, "guest": port.binding?.guest ?? "", "direction": direction,
            ])
            return MetricsSide(labels: labels, facts: facts)
        }
    }
}

/// Sums by labels, in the order in which those first came up: a page may have no two samples with the same labels, and a
/// port that is gone can still be there beside the next of its name.
private struct MetricsCounts {
    private var places: [MetricsLabels: Int] = [:]
    private var sums: [(labels: MetricsLabels, packets: UInt64, bytes: UInt64)] = []

    mutating func add(_ packets: UInt64, _ bytes: UInt64, _ labels: MetricsLabels) {
        if let place = places[labels] {
            sums[place].packets &+= packets
            sums[place].bytes &+= bytes
        } else {
            places[labels] = sums.count
            sums.append((labels, packets, bytes))
        }
    }

    var packets: [MetricsSample] { sums.map { MetricsSample($0.packets, $0.labels) } }
    var bytes: [MetricsSample] { sums.map { MetricsSample($0.bytes, $0.labels) } }
}
