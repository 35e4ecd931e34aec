import Reporting

// `status` as people read it.
extension HostStatus {
    func lines(_ style: Style) -> [String] {
        if bridges.isEmpty { return ["No bridge is guarded: name one in the policy and 'vifguard apply'."] }
        return Array(bridges.map { $0.lines(style) }.joined(separator: [""])) + audits(style) + ["", programs(style)]
    }

    /// Guests that nothing is dropped of, and which of them could be held to their bindings.
    private func audits(_ style: Style) -> [String] {
        let ports = bridges.flatMap(\.ports)
        let lines = ports.compactMap { port in port.audit.map { "  \(port.name.visible) \(port.guestName): \($0.words)" } }
        return lines.isEmpty ? [] : ["", style.bold("AUDIT")] + lines.map { wrapped($0, indent: 4) }
    }

    private func programs(_ style: Style) -> String {
        let text = "programs \(program), stamp in bit \(stampBit) of the mark"
        return isCurrent
            ? style.faint(text) : style.yellow(wrapped("\(text); of another version: 'vifguard apply' exchanges them", indent: 4))
    }

    /// All that is known about the ports that are left.
    func details(_ style: Style) -> [String] {
        Array(
            bridges.map { bridge in
                bridge.ports.flatMap { $0.details(style) } + bridge.warnings(style)
            }.joined(separator: [""]))
    }
}

extension HostStatus.Bridge {
    fileprivate func lines(_ style: Style) -> [String] {
        var table = Table([
            .init(title: "PORT", limit: 15), .init(title: "GUEST", limit: 27), .init(title: "MODE"),
            .init(title: "PASSED", isNumber: true), .init(title: "DROPPED", isNumber: true), .init(title: "AUDITED", isNumber: true),
        ])
        for port in ports {
            table.add(port.row, notes: port.notes, paint: { port.isCause(forConcern: style, $0) })
        }
        return [style.bold("bridge \(name.visible)")] + table.lines(style) + warnings(style)
    }

    fileprivate func warnings(_ style: Style) -> [String] {
        unguarded.map {
            style.red(
                wrapped("\($0.visible): NOT GUARDED: it joined the bridge since; nothing it sends arrives: 'vifguard apply'", indent: 4))
        }
    }
}

extension PortFacts {
    fileprivate var row: [String] {
        [
            name.visible, who, state == .bound || state == .trusted ? mode ?? "-" : state.rawValue,
            (sent.passed.packets &+ received.passed.packets).short, (sent.dropped.packets &+ received.dropped.packets).short,
            (sent.wouldDrop.packets &+ received.wouldDrop.packets).short,
        ]
    }

    fileprivate var guestName: String { binding.map { "(\($0.guest.visible))" } ?? "" }

    private var who: String {
        switch kind {
        case "uplink": "(uplink)"
        case "bridge": "(the host)"
        default: binding?.guest.visible ?? "(CLOSED: no binding)"
        }
    }

    fileprivate func isCause(forConcern style: Style, _ text: String) -> String {
        switch state {
        case .closed: style.yellow(text)
        case .gone, .unguarded: style.red(text)
        case .bound, .trusted: text
        }
    }

    /// What it may speak as, and why most of what was dropped was.
    fileprivate var notes: [String] {
        let columns = Output.columns - 4
        var notes = binding.map { [$0.identity.cut(to: columns)] } ?? []
        if !leases.isEmpty { notes.append("by DHCP: \(leases.map(\.words).joined(separator: ", "))".cut(to: columns)) }
        let tops = [
            ("sent", sent.dropped, "dropped"), ("to it", received.dropped, "dropped"),
            ("sent", sent.wouldDrop, "audited"), ("to it", received.wouldDrop, "audited"),
        ]
        for (way, counts, what) in tops where !counts.isEmpty {
            let reasons = counts.ranked.prefix(3).map { "\($0.reason) \($0.count.packets.short)" }
            let others = counts.count > 3 ? ", …" : ""
            notes.append("\(what), \(way): \(reasons.joined(separator: ", "))\(others)".cut(to: columns))
        }
        return notes
    }

    fileprivate func details(_ style: Style) -> [String] {
        var facts: [(String, String)] = [
            ("bridge", bridge.visible), ("kind", kind),
            ("state", state == .closed ? "CLOSED: no binding says who is behind it" : state.rawValue),
            ("programs", "ingress \(ingress ?? "NONE"), egress \(egress ?? "NONE")"),
        ]
        if let mode { facts.append(("mode", mode)) }
        if let binding {
            facts += [
                ("guest", "\(binding.guest.visible) (by \(binding.origin))"), ("may speak as", binding.identity),
                ("link-local", ([binding.linkLocalMode] + claims.map { "\($0) claimed" }).joined(separator: ", ")),
            ]
            facts += leases.enumerated().map { place, lease in (place == 0 ? "by DHCP" : "", "\(lease.words), given by \(lease.server)") }
            if !binding.extras.isEmpty { facts.append(("besides", binding.extras.joined(separator: ", "))) }
        }
        if let audit { facts.append(("audit", audit.words)) }
        facts += sent.facts("sent") + received.facts("received")
        let width = 14
        return [isCause(forConcern: style, style.bold(name.visible))]
            + facts.map { name, value in
                let label = "  \(name)" + String(repeating: " ", count: max(1, width - name.count))
                return wrapped(label + value, indent: width + 2)
            }
    }
}

extension SideFacts {
    fileprivate func facts(_ way: String) -> [(String, String)] {
        func words(_ count: Count) -> String { "\(counted(count.packets, "packet")), \(counted(count.bytes, "byte"))" }
        return [(way, "\(words(passed)) passed")]
            + dropped.ranked.map { ("", "\(words($0.count)) dropped: \($0.reason)") }
            + wouldDrop.ranked.map { ("", "\(words($0.count)) audited: \($0.reason)") }
    }
}

extension AuditFacts {
    /// "ready for enforce: nothing would have been dropped since …"
    fileprivate var words: String {
        let time = since.map { "since \($0)" } ?? "since the port was guarded"
        if ready { return "ready to enforce: nothing would have been dropped \(time)" }
        let reasons = violates.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
        return "would have been dropped \(time): \(reasons.joined(separator: ", "))"
    }
}
