import Policy

/// The checks over a whole policy: what no single line shows. Each error names both places.
struct PolicyCheck {
    let draft: PolicyDraft
    let faults: Faults

    /// A bridge of Linux takes 1023 ports (BR_MAX_PORTS in the kernel's net/bridge/br_private.h).
    static let maximumPortsOfBridge = 1023

    func run() {
        checkGuestNames()
        checkBridges()
        checkPorts()
        checkEngine()
        let interfaces = Dictionary(grouping: draft.interfaces, by: \.bridge.value)
        for bridge in draft.bridges {
            OwnershipCheck(bridge: bridge, interfaces: interfaces[bridge.name.value] ?? [], faults: faults).run()
        }
    }

    private func checkGuestNames() {
        var first: [String: SourceLocation] = [:]
        for guest in draft.guests {
            if let other = first[guest.value] {
                let message = "guest \(quoted(guest.value)) is written twice (first in \(other.place))"
                faults.report(message, at: guest.location, write: "all its interfaces in one place, or another name")
            } else {
                first[guest.value] = guest.location
            }
        }
    }

    /// Every interface is on a bridge that is guarded.
    private func checkBridges() {
        guard draft.knowsBridges else { return }
        let names = draft.bridges.map(\.name.value)
        let known = Set(names)
        for interface in draft.interfaces where !known.contains(interface.bridge.value) && !faults.isFull {
            let bridge = interface.bridge
            let meant = nearest(to: bridge.value, among: names)
            let hint = meant.map { ": did you mean \($0)?" } ?? ""
            let advice =
                meant.map { "bridge: \($0)" }
                ?? (names.isEmpty ? "the bridge under bridges:" : "bridge: \(alternatives(Array(names.prefix(8))))")
            faults.report("bridge \(quoted(bridge.value)) isn't among the bridges\(hint)", at: bridge.location, write: advice)
        }
    }

    /// A port is on one bridge, and one thing there.
    private func checkPorts() {
        var uses: [String: (what: String, place: SourceLocation)] = [:]
        func use(_ port: Located<String>, as what: String) {
            if let other = uses[port.value] {
                let message = "\(port.value) is \(other.what) already (\(other.place.place))"
                faults.report(message, at: port.location, write: "a port that is nothing else")
            } else {
                uses[port.value] = (what, port.location)
            }
        }
        var counts: [String: Int] = [:]
        for bridge in draft.bridges {
            use(bridge.name, as: "a bridge")
            for uplink in bridge.uplinks { use(uplink, as: "an uplink of bridge \(bridge.name.value)") }
            counts[bridge.name.value] = bridge.uplinks.count
        }
        for (index, interface) in draft.interfaces.enumerated() {
            if let port = interface.port { use(port, as: "a port of guest \(quoted(interface.guest))") }
            let count = (counts[interface.bridge.value] ?? 0) + 1
            counts[interface.bridge.value] = count
            if count == Self.maximumPortsOfBridge + 1 {
                let message = "bridge \(quoted(interface.bridge.value)) has more than \(Self.maximumPortsOfBridge) ports"
                faults.report(message, at: interface.location, write: "guests from here on with another bridge")
            }
            // Of the records in the kernel's maps the first is nobody's.
            if index == draft.maximumPorts - 1 {
                let message = "the policy has more than \(index) interfaces, the most with max-ports: \(draft.maximumPorts)"
                faults.report(message, at: interface.location, write: roomForAll)
            }
        }
    }

    /// The next thousand (of 1024) with room for all ports that the policy names, and for the bridges themselves.
    private var roomForAll: String {
        let needed = draft.interfaces.count + draft.bridges.reduce(1) { $0 + 1 + $1.uplinks.count }
        let rounded = (needed + 1023) / 1024 * 1024
        return HostConfiguration.portBounds.contains(rounded) ? "max-ports: \(rounded)" : "guests from here on in another host's policy"
    }

    /// What the engine doesn't do is told to whoever chooses it, and what a policy asks of it in vain.
    private func checkEngine() {
        guard let engine = draft.engine, engine.value == .classic else { return }
        faults.warn(
            """
            the classic engine doesn't stop forged sources between guests of this host, forged ARP requests and neighbour \
            discovery, stolen MACs, tagged frames and other EtherTypes, DHCP servers, redirects, nor anything towards the host; \
            it breaks inbound IPv6 on a cold cache, DHCP clients and multicast; FORWARD of iptables, ip6tables and arptables is \
            its own, what others put there is removed, and what the host routes is dropped
            """, at: engine.location, write: "engine: ebpf; 'vifguard prove --engine classic' shows each case")
        for bridge in draft.bridges { tell(bridge.policy.classicLimitations, of: "bridge \(bridge.name.value)", at: bridge.name.location) }
        for interface in draft.interfaces {
            let what = "guest \(quoted(interface.guest))"
            if let port = interface.port { tell([ClassicLimitation.naming(port.value)].compactMap(\.self), of: what, at: port.location) }
            tell(interface.policy.binding.classicLimitations, of: what, at: interface.location)
        }
    }

    private func tell(_ limitations: [ClassicLimitation], of what: String, at location: SourceLocation) {
        for limitation in limitations {
            let message = "\(what): \(limitation.message)"
            switch limitation.weight {
            case .refused: faults.report(message, at: location, write: limitation.suggestion)
            case .ignored: faults.warn(message, at: location, write: limitation.suggestion)
            }
        }
    }
}
