import Datapath
import Enforcement
import Logging
import Netlink
import Policy
import Reporting

// Ports that a hypervisor tells of: plugged in while a guest runs, which calls no hook, or moved to another bridge.
extension Reconciler {
    /// Takes what a hypervisor has to say, and binds anew the ports that it is of.
    func followGuests() {
        if guestsHaveNews { hearGuests() }
        let ports = describedAnew
        guard let datapath, !ports.isEmpty else { return }
        describedAnew = []
        for link in monitor.links.values where ports.contains(link.name) { bindDescribed(link, datapath) }
    }

    /// Takes what a hypervisor has to say, to be acted on later.
    private func hearGuests() {
        guard let guests else { return }
        guestsHaveNews = false
        let (ports, problems) = guests.refresh()
        for problem in problems where !unreadable.contains(problem) { log.warning("\(problem.visible)") }
        unreadable = Set(problems)
        describedAnew.formUnion(ports)
    }

    /// Binds a port that has just joined. What was heard before may be of another that had its name.
    func bindNewcomer(_ link: Link, _ datapath: Datapath) {
        hearGuests()
        bindDescribed(link, datapath)
    }

    /// Asks about each port that is shut, after a look at the whole host: the agent may have come after the guest.
    func bindUnknown() {
        guard guests != nil, let datapath else { return }
        // Where nothing could be watched yet, nobody tells of it.
        guestsHaveNews = true
        followGuests()
        for link in monitor.links.values where link.bridge.map({ guardedBridges[$0] != nil }) ?? false {
            let record = try? datapath.port(link.index, withTraffic: false)
            if let record, record.kind == .guest, record.binding == nil { bindDescribed(link, datapath) }
        }
        refusals = refusals.filter { monitor.links[$0.key] != nil }
    }

    /// Binds a port as the hypervisor describes it, unless something else than the hypervisor has bound it.
    func bindDescribed(_ link: Link, _ datapath: Datapath) {
        guard let guests, let configuration = source.configuration, let bridgeIndex = link.bridge, guardedBridges[bridgeIndex] != nil,
            let bridge = monitor.links[bridgeIndex], let policy = source.bridge(named: bridge.name), !policy.uplinks.contains(link.name)
        else { return }
        do {
            guard let interface = try guests.interface(at: link.name, on: bridge.name, under: configuration) else { return }
            // A file may outlive its tap, and another's tap have the name by now.
            guard interface.binding.isBehind(tap: link.macAddress) else {
                throw EnforcementError.refused("its own MAC isn't that of guest \(interface.binding.guest)'s tap")
            }
            let present = try datapath.port(link.index, withTraffic: false)?.binding
            guard present == nil || present?.origin == interface.binding.origin && interface.binding.origin != .policy else { return }
            let report = try Hotplug.attach(link.name, numbered: link.index, to: policy, interface.binding, datapath: datapath)
            if !report.plan.isEmpty { tell(report, because: [.described(port: link.name)]) }
            if present == nil { record.note { $0.portsBound += 1 } }
            refusals[link.index] = nil
        } catch {
            let reason = "\(link.name) isn't bound: \(error)"
            if refusals.updateValue(reason, forKey: link.index) != reason {
                log.warning("\(reason.visible)", metadata: ["port": "\(link.name.visible)"])
            }
            if Self.meansAnotherLoaded(error) { schedule.request(.again, isUrgent: true, now: .now) }
        }
    }
}
