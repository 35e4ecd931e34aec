import Addresses
import Netlink
import Policy

/// Which of the policy's interfaces a port that has just joined belongs to, found without looking at other ports: by the
/// port's name, or by its own MAC, `fe:` and the tail of the guest's, as libvirt makes a tap. For all else, and wherever
/// more than one answer is possible, `Plugs` looks at the whole bridge.
public struct PlugIndex: Sendable {
    private struct Place: Hashable {
        var bridge: String
        var name: String
    }

    private struct Tap: Hashable {
        var bridge: String
        var tail: TapTail
    }

    private var named: [Place: GuestInterface] = [:]
    private var taps: [Tap: GuestInterface] = [:]

    public init(_ policy: HostPolicy) {
        var ambiguous: Set<Tap> = []
        for interface in policy.interfaces {
            if let port = interface.port {
                named[Place(bridge: interface.bridge, name: port)] = interface
                continue
            }
            for mac in interface.binding.macs {
                let tap = Tap(bridge: interface.bridge, tail: TapTail(ofGuest: mac))
                if taps.updateValue(interface, forKey: tap) != nil { ambiguous.insert(tap) }
            }
        }
        for tap in ambiguous { taps[tap] = nil }
    }

    /// The interface that is plugged in at `link`; nil if that can't be said of this port alone.
    ///
    /// - Parameter others: every interface there is. Another port of the bridge whose MAC says the same makes the answer
    ///   a question.
    public func interface(at link: Link, bridge: Link, among others: some Sequence<Link>) -> GuestInterface? {
        if let interface = named[Place(bridge: bridge.name, name: link.name)] { return interface }
        guard let tail = TapTail(ofPort: link.macAddress), let interface = taps[Tap(bridge: bridge.name, tail: tail)] else { return nil }
        let isAlone = !others.contains { $0.index != link.index && $0.bridge == bridge.index && TapTail(ofPort: $0.macAddress) == tail }
        return isAlone ? interface : nil
    }
}
