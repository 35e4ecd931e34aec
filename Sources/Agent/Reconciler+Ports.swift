import Datapath
import Enforcement
import Logging
import Netlink
import Policy
import Reporting

// Ports that come and go, at once: what a whole run would find, found without looking at the whole host.
extension Reconciler {
    /// More than so many at a time, and one look at the whole host is quicker.
    private static let fewPorts = 8

    /// Takes what the kernel has told of interfaces.
    func followLinks() {
        var changes = LinkChanges()
        do {
            while changes.count < LinkChanges.limit, let event = try monitor.next(timeoutMilliseconds: 0) {
                if !isOwn(event) { changes.take(event) }
            }
        } catch {
            listenAnew(error)
            return
        }
        guard changes.count > 0 else { return }
        take(changes)
    }

    /// Whether it tells of a change that this agent made. What was written to a port is forgotten with it.
    private func isOwn(_ event: LinkMonitor.Event) -> Bool {
        switch event {
        case .portChanged(let link, let present):
            return ownSettings.removeValue(forKey: link.index).map { $0.subtracting(present) == BridgePort.Settings() } ?? false
        case .left(let link, _), .gone(let link):
            ownSettings[link.index] = nil
            return false
        default: return false
        }
    }

    private func listenAnew(_ error: any Error) {
        log.error("\(error): listening anew")
        do {
            monitor = try LinkMonitor()
        } catch {
            reports.tell("\(error)")
        }
        schedule.request(.overrun, isUrgent: true, now: .now)
    }

    private func take(_ changes: LinkChanges) {
        let now = ContinuousClock.now
        for trigger in changes.triggers(guarded: guardedBridges, isNamed: { source.bridge(named: $0) != nil }) {
            schedule.request(trigger, isUrgent: trigger.isUrgent, now: now)
        }
        if changes.hasOverrun { record.note { $0.overruns += 1 } }
        guard let datapath else { return }
        do {
            try admit(changes.joined, datapath)
            try release(changes.departed, datapath)
        } catch {
            reports.tell("\(error)")
            if Self.meansAnotherLoaded(error) { (self.datapath, leases) = (nil, nil) }
            schedule.request(.again, isUrgent: true, now: now)
        }
    }

    // MARK: Coming

    /// Shuts the newcomers, then binds those that it is known of who they are.
    private func admit(_ joined: [InterfaceIndex: InterfaceIndex], _ datapath: Datapath) throws {
        var guests: [(port: Port, link: Link, bridge: Link)] = []
        var uplinks: [(port: Port, mode: Mode)] = []
        for (index, bridgeIndex) in joined where guardedBridges[bridgeIndex] != nil {
            // As it is now: a newcomer that has left again is none.
            guard let link = monitor.links[index], link.bridge == bridgeIndex, let bridge = monitor.links[bridgeIndex] else { continue }
            let port = Port(index: index, name: link.name, bridgeIndex: bridgeIndex, bridgeName: bridge.name)
            if let policy = source.bridge(named: bridge.name), policy.uplinks.contains(link.name) {
                uplinks.append((port, policy.uplinkMode))
            } else {
                guests.append((port, link, bridge))
            }
        }
        try Arrivals.trust(uplinks, datapath: datapath)
        let closed = try Arrivals.close(guests.map(\.port), datapath: datapath)
        record.note { $0.portsClosed += UInt64(closed.count) }
        for port in closed.prefix(Self.fewPorts) {
            log.info(
                "\(port.name.visible): closed, it has joined \(port.bridgeName.visible)",
                metadata: ["port": "\(port.name.visible)", "bridge": "\(port.bridgeName.visible)"])
        }
        guard guests.count <= Self.fewPorts else {
            return schedule.request(.joined(port: guests[0].port.name, bridge: guests[0].port.bridgeName), isUrgent: true, now: .now)
        }
        for guest in guests { bind(guest.port, guest.link, guest.bridge, datapath) }
    }

    /// By the policy, where this port alone says whose it is, or by what a hypervisor says. A binding that a hot-plug script has made stays.
    private func bind(_ port: Port, _ link: Link, _ bridge: Link, _ datapath: Datapath) {
        guard let policy = source.bridge(named: bridge.name) else { return }
        guard let interface = source.index.interface(at: link, bridge: bridge, among: monitor.links.values) else {
            return bindNewcomer(link, datapath)
        }
        do {
            let present = try datapath.port(port.index, withTraffic: false)?.binding
            guard present == nil else { return }
            let report = try Hotplug.attach(port.name, to: policy, interface.binding, datapath: datapath)
            tell(report, because: [.joined(port: port.name, bridge: port.bridgeName)])
            record.note { $0.portsBound += 1 }
        } catch {
            // The whole run that follows tells of it, if it is still so then.
            log.debug("\(port.name.visible) isn't bound yet: \("\(error)".visible)")
        }
    }

    // MARK: Going

    private func release(_ departed: Set<InterfaceIndex>, _ datapath: Datapath) throws {
        guard !departed.isEmpty else { return }
        // One that joined another guarded bridge meanwhile was given that bridge's record.
        let report = try Arrivals.release(departed.sorted(), datapath: datapath)
        record.note { $0.portsReleased += UInt64(report.plan.steps.count { if case .release = $0 { true } else { false } }) }
        if report.plan.isEmpty, report.succeeded { return }
        let gone = report.plan.steps.compactMap { step in if case .release(let port, _, _) = step { port.name } else { nil } }
        tell(report, because: gone.first.map { [.left(port: gone.count > 1 ? "\($0) and \(gone.count - 1) more" : $0)] } ?? [])
    }
}

extension Trigger {
    /// Whether the next run can't wait for what else may happen.
    fileprivate var isUrgent: Bool {
        switch self {
        case .overrun, .appeared: true
        default: false
        }
    }
}
