import Addresses
import Datapath
import Netlink
import Policy

extension Hotplug {
    /// Takes from other guests of the bridge what DHCP has given them and `binding` lists: what is listed goes before what is
    /// leased, and no address is two ports' for a moment.
    ///
    /// - Parameters:
    ///   - index: of the port that the binding is for.
    ///   - device: with the owners of all that overlaps with what the binding lists.
    /// - Returns: the steps that were carried out.
    /// - Throws: `EnforcementError.refused` where one of them fails.
    static func takeLeases(
        listedBy binding: Binding, at index: InterfaceIndex, _ device: HostState.BridgeDevice, subnets: [IPv4Prefix], _ datapath: Datapath
    ) throws(EnforcementError) -> [Step] {
        let own = binding.allPrefixes
        let holders = Set(device.owners.prefixes.filter { held in own.contains { $0.overlaps(held.prefix) } }.compactMap(\.owner.port))
        var steps: [Step] = []
        for holder in holders.sorted() where holder != index {
            let status = try EnforcementError.wrap { () throws(DatapathError) in try datapath.port(holder, withTraffic: false) }
            guard let status, let present = status.binding else { continue }
            let lost = status.leases.filter { lease in own.contains { $0.overlaps(lease.prefix) } }
            if lost.isEmpty { continue }
            let kept = present.without(status.leases).granting(status.leases.filter { !lost.contains($0) }).normalized
            let owners = try owners(near: [present], bridge: device.index, datapath)
            let place = HostState.BridgeDevice(index: device.index, name: device.name, owners: owners)
            let state = HostState(bridges: [place], guarded: [HostState.GuardedPort(port: status.port, kind: .guest, binding: present)])
            for step in Step.changing(present, to: kept, at: status.port, subnets: subnets, place) + [.forgetLeases(status.port, lost)] {
                let report = try Apply.carryOut(Plan(steps: [step]), on: state, datapath: datapath)
                if let failure = report.failures.first {
                    throw .refused("what DHCP has given to guest \(present.guest) on \(status.port.name) can't be taken away: \(failure.message)")
                }
                steps.append(step)
            }
        }
        return steps
    }
}
