import Addresses
import Lab
import Netlink
import Testing

@Suite(.timeLimit(.minutes(5)))
struct LinkMonitorTests {
    let namespace: NetworkNamespace

    init() throws { namespace = try NetworkNamespace() }

    /// What a monitor tells of the interface `name` while and after `actions` are carried out: until the interface
    /// "end", which is made last, appears.
    private func events(
        about name: String = "vif1.0", receiveBuffer: Int = 1 << 20, prepare: @Sendable () throws -> Void = {},
        actions: @Sendable () throws -> Void
    ) throws -> [LinkMonitor.Event] {
        try namespace.run {
            try prepare()
            let monitor = try LinkMonitor(receiveBuffer: receiveBuffer)
            try actions()
            try Link.create("end", .bridge)
            var events: [LinkMonitor.Event] = []
            while let event = try monitor.next(timeoutMilliseconds: 5000) {
                switch event {
                case .appeared(let link), .gone(let link), .joined(let link, _), .left(let link, _), .changed(_, let link),
                    .portChanged(let link, _):
                    if link.name == "end" { return events }
                    if link.name == name { events.append(event) }
                case .overrun: events.append(event)
                }
            }
            return events
        }
    }

    /// The events in short, in order.
    private func words(_ events: [LinkMonitor.Event]) -> [String] {
        events.map { event in
            switch event {
            case .appeared: "appeared"
            case .gone: "gone"
            case .joined: "joined"
            case .left: "left"
            case .changed: "changed"
            case .portChanged: "port changed"
            case .overrun: "overrun"
            }
        }
    }

    @Test func `a port that joins and leaves a bridge is told of once each`() throws {
        let events = try events {
            try Link.create("br0", .bridge)
            try Link.create("vif1.0", .veth())
        } actions: {
            let port = try Link.named("vif1.0")
            try port.change(.master(Link.named("br0").index))
            try port.change(.noMaster)
        }
        #expect(words(events) == ["joined", "left"])
        let bridge = try namespace.run { try Link.named("br0").index }
        guard case .joined(_, bridge) = events.first, case .left(_, bridge) = events.last else {
            Issue.record("the events name another bridge: \(events)")
            return
        }
    }

    @Test func `how a bridge treats a port is told of when it changes, and only then`() throws {
        let events = try events {
            try Link.create("br0", .bridge)
            try Link.create("vif1.0", .veth(), .master(Link.named("br0").index))
        } actions: {
            var settings = BridgePort.Settings()
            settings.learning = false
            let port = try BridgePort.numbered(Link.named("vif1.0").index)
            try port.write(settings)
            // The same again is no change, and what a port is born with when it joins isn't either.
            try NetlinkSocket().perform(BridgePort.request(writing: settings, to: port.index, named: port.name))
            try Link.named("vif1.0").change(.noMaster)
            try Link.named("vif1.0").change(.master(Link.named("br0").index))
        }
        #expect(words(events) == ["port changed", "left", "joined"])
        guard case .portChanged(_, let settings) = events.first else { return }
        #expect(settings.learning == false && settings.unicastFlood == true)
    }

    @Test func `a port that is made in a bridge appears and joins`() throws {
        let events = try events {
            try Link.create("br0", .bridge)
        } actions: {
            try Link.create("vif1.0", .veth(), .master(Link.named("br0").index))
        }
        #expect(words(events).filter { $0 != "changed" } == ["appeared", "joined"])
    }

    @Test func `a port that is deleted leaves its bridge and is gone`() throws {
        let events = try events {
            try Link.create("vif1.0", .veth(), .master(Link.create("br0", .bridge).index))
        } actions: {
            try Link.named("vif1.0").delete()
        }
        #expect(words(events).filter { $0 != "changed" } == ["left", "gone"])
    }

    @Test func `a port whose bridge is deleted leaves it`() throws {
        let events = try events {
            try Link.create("vif1.0", .veth(), .master(Link.create("br0", .bridge).index))
        } actions: {
            try Link.named("br0").delete()
        }
        #expect(words(events) == ["left"])
    }

    @Test func `a port that goes from one bridge to another leaves the first`() throws {
        let events = try events {
            try Link.create("vif1.0", .veth(), .master(Link.create("br0", .bridge).index))
            try Link.create("br1", .bridge)
        } actions: {
            try Link.named("vif1.0").change(.master(Link.named("br1").index))
        }
        #expect(words(events) == ["left", "joined"])
    }

    @Test func `a port that is moved to another namespace is gone`() throws {
        let other = try NetworkNamespace()
        let descriptor = other.descriptor
        let events = try events {
            try Link.create("vif1.0", .veth(), .master(Link.create("br0", .bridge).index))
        } actions: {
            try Link.named("vif1.0").move(toNamespace: descriptor)
        }
        #expect(words(events).filter { $0 != "changed" } == ["left", "gone"])
    }

    @Test func `a new name, address or state is a change`() throws {
        let events = try events {
            try Link.create("was", .veth())
        } actions: {
            try Link.named("was").change(.name("vif1.0"))
            try Link.named("vif1.0").change(.macAddress(MACAddress(2, 0, 0, 0, 0, 9)))
            try Link.named("vif1.0").change(.up)
        }
        let changes = events.compactMap { event -> (Link, Link)? in
            if case .changed(let old, let new) = event { (old, new) } else { nil }
        }
        #expect(changes.count == events.count)
        #expect(changes.first?.0.name == "was" && changes.first?.1.name == "vif1.0")
        #expect(changes.last?.1.isUp == true && changes.last?.1.macAddress == MACAddress(2, 0, 0, 0, 0, 9))
    }

    @Test func `nothing happens, nothing is told`() throws {
        let event = try namespace.run { try LinkMonitor().next(timeoutMilliseconds: 20) }
        #expect(event == nil)
    }

    @Test func `after messages were lost everything is compared, and nothing that stayed goes unreported`() throws {
        let events = try events(receiveBuffer: 4096) {
            try Link.create("br0", .bridge)
            try Link.create("doomed", .veth())
        } actions: {
            let bridge = try Link.named("br0").index
            for number in 0..<200 { try Link.create("flood\(number)", .bridge) }
            try Link.create("vif1.0", .veth(), .master(bridge))
        }
        #expect(words(events).contains("overrun"))
        #expect(words(events).filter { $0 == "joined" } == ["joined"])
    }

    @Test func `after an overrun the monitor knows exactly what is there`() throws {
        try namespace.run {
            let doomed = try Link.create("doomed", .bridge)
            let monitor = try LinkMonitor(receiveBuffer: 4096)
            for number in 0..<200 { try Link.create("flood\(number)", .bridge) }
            try doomed.delete()
            var gone = false
            while let event = try monitor.next(timeoutMilliseconds: 100) {
                if case .gone(let link) = event, link.name == "doomed" { gone = true }
            }
            #expect(gone)
            let present = try Link.all()
            #expect(monitor.links == Dictionary(uniqueKeysWithValues: present.map { ($0.index, $0) }))
        }
    }
}
