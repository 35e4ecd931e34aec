import Addresses
import Datapath
import Enforcement
import Glibc
import Lab
import Netlink
import Policy

extension ChangingNetwork {
    /// What frames meet while the host is changed in each way. Afterwards it is guarded as at first, but for what was changed.
    func watchFrames(repeats: Int) throws -> [Continuity] {
        progress.update("changes: frames meanwhile")
        let (watch, network, policy) = (try Watch(network, crowd), network, network.policy(guests, ports))
        let uplink = try network.host.run {
            _ = try Uninstall.perform()
            return try Link.named(network.outside.port)
        }
        try network.settle(guests, ports, uplink)
        var found = [try watch.during("none, on a plain bridge", isGuarded: false) { _ in usleep(500_000) }]
        found.append(
            try watch.during("let go, and guarded from nothing", times: repeats, withSpoofs: false) { _ in
                try network.host.run {
                    _ = try Uninstall.perform()
                    _ = try network.apply(policy, Datapath.load())
                }
            })
        found.append(
            try watch.during("a restart: loaded, applied again", times: repeats) { _ in
                try network.host.run { _ = try network.apply(policy, Datapath.load()) }
            })
        let datapath = try network.host.run { try Datapath.open() }
        found.append(try watch.during("a guest plugged in, and out again", times: 10) { try plugInAndOut($0, datapath, watch) })
        found.append(try watch.during("applied with a guest's new address", times: repeats) { try applyNewAddress($0, policy, datapath, watch) })
        found.append(try watch.during("a guest's address changed alone", times: 100) { try attachNewAddress($0 + repeats, datapath, watch) })
        return found
    }

    /// A guest that is new speaks once it is bound.
    private func plugInAndOut(_ number: Int, _ datapath: Datapath, _ watch: Watch) throws {
        let guest = Guest(number: guests.count + 100 + number)
        let (name, bridge, network, crowd) = ("plugged\(number)", network.policy([], []).bridges[0], network, crowd)
        let link = try network.host.run { try Link.create(name, .veth(peer: name, namespace: crowd.descriptor), .up, .master(network.bridgeIndex)) }
        try crowd.run { try Link.named(name).change(.up) }
        try network.host.run {
            try Hotplug.attach(name, to: bridge, guest.binding, datapath: datapath).check()
            try wait(for: "\(name) to forward", every: 1000) { try BridgePort.numbered(link.index).settings.state == .forwarding }
        }
        // Numbers of their own: those of changed addresses count from 0.
        try watch.probe(10_000 + number, from: guest, card: FrameSender(on: name, in: crowd), may: guest.address4, mayNot: Watch.changing.address4)
        try network.host.run {
            try Hotplug.detach(name, datapath: datapath).check()
            try link.delete()
        }
    }

    private func applyNewAddress(_ number: Int, _ policy: HostPolicy, _ datapath: Datapath, _ watch: Watch) throws {
        var changed = policy
        changed.interfaces[Watch.place].binding = Self.binding(number)
        let wanted = changed
        try network.host.run { _ = try network.apply(wanted, datapath) }
        try watch.probe(number, from: Watch.changing, may: Self.address(number), mayNot: Self.address(number - 1))
    }

    private func attachNewAddress(_ number: Int, _ datapath: Datapath, _ watch: Watch) throws {
        let (bridge, port, binding) = (network.policy([], []).bridges[0], ports[Watch.place].name, Self.binding(number))
        try network.host.run { try Hotplug.attach(port, to: bridge, binding, datapath: datapath).check() }
        try watch.probe(number, from: Watch.changing, may: Self.address(number), mayNot: Self.address(number - 1))
    }

    /// A changing guest's address after so many changes; before the first it has its own.
    private static func address(_ number: Int) -> IPv4Address { number < 0 ? Watch.changing.address4 : Guest(number: 20_000 + number).address4 }

    private static func binding(_ number: Int) -> Binding {
        var binding = Watch.changing.binding
        binding.addresses4 = [IPv4Prefix(address(number))]
        return binding
    }
}

extension Enforcement.Report {
    /// - Throws: `LabError` if a step failed.
    fileprivate func check() throws {
        if let failure = failures.first { throw LabError(action: "change \(failure.step.port.name)", reason: failure.message) }
    }
}
