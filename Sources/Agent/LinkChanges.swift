import Netlink

/// What a burst of the kernel's messages comes to: the last word on each interface counts.
struct LinkChanges {
    /// Messages taken together at most.
    static let limit = 4096

    private(set) var count = 0
    private(set) var hasOverrun = false
    /// Ports that joined a bridge, and which.
    private(set) var joined: [InterfaceIndex: InterfaceIndex] = [:]
    /// Interfaces that left a bridge and haven't joined another, or are gone.
    private(set) var departed: Set<InterfaceIndex> = []
    /// Of ports that joined.
    private var names: [InterfaceIndex: String] = [:]
    /// What the reconciler looks at the whole host for.
    private var others: [(trigger: Trigger, bridge: InterfaceIndex?)] = []

    mutating func take(_ event: LinkMonitor.Event) {
        count += 1
        switch event {
        case .joined(let link, let bridge):
            joined[link.index] = bridge
            names[link.index] = link.name
            departed.remove(link.index)
        case .left(let link, let bridge):
            joined[link.index] = nil
            departed.insert(link.index)
            note(.left(port: link.name), bridge)
        case .gone(let link):
            joined[link.index] = nil
            departed.insert(link.index)
        case .appeared(let link):
            if link.isBridge { note(.appeared(bridge: link.name), nil) }
        case .changed(let old, let link):
            if old.name != link.name || old.macAddress != link.macAddress {
                note(link.isBridge ? .appeared(bridge: link.name) : .changed(port: link.name), link.isBridge ? nil : link.bridge)
            }
        case .portChanged(let link, _): note(.portChanged(port: link.name), link.bridge)
        case .overrun:
            hasOverrun = true
            note(.overrun, nil)
        }
    }

    private mutating func note(_ trigger: Trigger, _ bridge: InterfaceIndex?) {
        if others.count < Schedule.triggerLimit { others.append((trigger, bridge)) }
    }

    /// Why the whole host should be looked at, if it should.
    ///
    /// - Parameters:
    ///   - guarded: bridges by number that are guarded, and their names.
    ///   - isNamed: whether the policy names a bridge.
    func triggers(guarded: [InterfaceIndex: String], isNamed: (String) -> Bool) -> [Trigger] {
        var triggers = others.compactMap { other -> Trigger? in
            if let bridge = other.bridge { return guarded[bridge] == nil ? nil : other.trigger }
            if case .appeared(let bridge) = other.trigger { return isNamed(bridge) ? other.trigger : nil }
            return other.trigger
        }
        // For flags and forwarding entries of newcomers; one of them is enough.
        for (index, bridge) in joined.sorted(by: { $0.key < $1.key }) {
            guard let bridge = guarded[bridge], let port = names[index] else { continue }
            triggers.append(.joined(port: port, bridge: bridge))
            break
        }
        return triggers
    }
}
