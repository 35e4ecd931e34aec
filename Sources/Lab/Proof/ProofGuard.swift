import Addresses
import Datapath
import Enforcement
import Netlink
import Policy

/// What holds the guests of the second network to the stage's policy.
protocol ProofGuardian: AnyObject {
    /// How long is waited for legitimate traffic, which a busy machine may hold up.
    var patience: Duration { get }
    /// Makes the network match the stage's policy.
    ///
    /// - Parameter binding: what one of the guests has instead of its own.
    func apply(_ binding: Binding?, for site: Site?) throws
    /// Takes a port's binding away.
    func detach(_ site: Site) throws
    /// Only the binding: what a change of a running guest's addresses comes to.
    func rebind(_ site: Site, _ binding: Binding) throws
    /// How many frames were dropped for that reason.
    func count(of reason: Reason, at place: CountingPlace) throws -> UInt64
    /// How many were let pass though they broke that rule.
    func audited(_ reason: Reason, at place: CountingPlace) throws -> UInt64
}

extension ProofGuardian {
    func apply() throws { try apply(nil, for: nil) }
}

/// The guard on the network of the second pass, with pins of its own in its namespace: what `vifguard apply`, `attach` and
/// `detach` do there.
final class ProofGuard: ProofGuardian {
    let patience = ProofPass.patience
    private let network: ProofNetwork
    private let datapath: Datapath

    /// Puts the stage's policy in force.
    init(_ network: ProofNetwork) throws {
        self.network = network
        datapath = try network.host.run { try Datapath.load() }
        try apply()
    }

    // MARK: Bindings

    /// A port that the policy doesn't name is closed, one that has left is let go of.
    func apply(_ binding: Binding?, for site: Site?) throws {
        let wanted = Stage.policy(with: binding, for: site)
        try network.host.run { [datapath] in try Self.check(Apply.perform(wanted, datapath: datapath)) }
    }

    func detach(_ site: Site) throws {
        try network.host.run { [datapath] in try Self.check(Hotplug.detach(site.port, datapath: datapath)) }
    }

    func rebind(_ site: Site, _ binding: Binding) throws {
        let port = Port(index: network.port(of: site), name: site.port, bridgeIndex: network.bridgeIndex, bridgeName: Stage.bridge)
        try network.host.run { [datapath] in try datapath.bind(binding, to: port, subnets: [Stage.subnet4]) }
    }

    private static func check(_ report: Report) throws(LabError) {
        if report.succeeded, report.departed.isEmpty { return }
        let faults = (report.failures + report.departed).map(\.description) + report.plan.faults.map { "\($0)" }
        throw LabError(action: "put the guard in force", reason: faults.joined(separator: "; "))
    }

    // MARK: Counters

    func count(of reason: Reason, at place: CountingPlace) throws -> UInt64 { try side(place).dropped[reason]?.packets ?? 0 }

    func audited(_ reason: Reason, at place: CountingPlace) throws -> UInt64 { try side(place).audited[reason]?.packets ?? 0 }

    private func side(_ place: CountingPlace) throws -> Counters.Side {
        let port = network.port(of: place.site)
        let counters = try network.host.run { [datapath] in try datapath.port(port)?.counters ?? Counters() }
        switch place {
        case .from: return counters.into
        case .to: return counters.out
        }
    }
}
