import Netlink
import Testing

@testable import Agent

/// Why the host is looked at when interfaces come and go.
struct LinkChangesTests {
    private static let guarded: [InterfaceIndex: String] = [2: "br0"]

    private func triggers(_ events: [LinkMonitor.Event]) -> [Trigger] {
        var changes = LinkChanges()
        for event in events { changes.take(event) }
        return changes.triggers(guarded: Self.guarded, isNamed: { $0 == "br0" })
    }

    private func link(_ index: InterfaceIndex, bridge: InterfaceIndex? = nil) -> Link { Link(index: index, name: "vif\(index).0", bridge: bridge) }

    @Test func `a port that joined is named, one is enough`() {
        let joined = [13, 12].map { LinkMonitor.Event.joined(link($0, bridge: 2), bridge: 2) }
        #expect(triggers(joined) == [.joined(port: "vif12.0", bridge: "br0")])
        #expect(triggers([.joined(link(12, bridge: 3), bridge: 3)]).isEmpty)
    }

    @Test func `a port that left hasn't joined`() {
        #expect(triggers([.joined(link(12, bridge: 2), bridge: 2), .left(link(12), bridge: 2)]) == [.left(port: "vif12.0")])
        #expect(triggers([.joined(link(12, bridge: 2), bridge: 2), .gone(link(12))]).isEmpty)
        #expect(triggers([.left(link(12), bridge: 2), .joined(link(12, bridge: 2), bridge: 2)]).last == .joined(port: "vif12.0", bridge: "br0"))
    }
}
