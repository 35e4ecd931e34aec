import Classic
import Enforcement
import Glibc
import Policy

/// The classic engine on the network of the second pass: what `vifguard apply` and `detach` do there. What of the stage's
/// bindings it can't do (`ClassicLimitation`) is left out of them, so that it shows what comes of that.
final class ClassicProofGuard: ProofGuardian {
    /// It breaks much, and that would be waited for in vain each time.
    let patience = Duration.seconds(6)
    private let network: ProofNetwork

    /// Puts the stage's policy in force.
    init(_ network: ProofNetwork) throws {
        self.network = network
        try network.host.run {
            // iptables keeps its lock there: it is to be the namespace's own, and gone with it.
            guard mount("tmpfs", "/run", "tmpfs", 0, nil) == 0 else { throw LabError(action: "mount a tmpfs for iptables' lock") }
        }
        try apply()
    }

    func apply(_ binding: Binding?, for site: Site?) throws {
        var policy = Stage.policy(with: binding, for: site)
        for number in policy.bridges.indices {
            policy.bridges[number].uplinkMode = .audit
            policy.bridges[number].isolatesGuests = false
        }
        for number in policy.interfaces.indices { policy.interfaces[number].binding = Self.plain(policy.interfaces[number].binding) }
        let wanted = policy
        try network.host.run { try Self.check(Classic.apply(wanted)) }
    }

    func detach(_ site: Site) throws { try network.host.run { try Self.check(Classic.detach(site.port)) } }
    func rebind(_ site: Site, _ binding: Binding) throws { try apply(binding, for: site) }

    // It counts nothing by reason.
    func count(of reason: Reason, at place: CountingPlace) throws -> UInt64 { 0 }
    func audited(_ reason: Reason, at place: CountingPlace) throws -> UInt64 { 0 }

    private static func plain(_ binding: Binding) -> Binding {
        var plain = Binding(
            guest: binding.guest, macs: binding.macs, addresses4: binding.addresses4, addresses6: binding.addresses6, linkLocals: binding.linkLocals)
        plain.origin = binding.origin
        return plain
    }

    private static func check(_ report: ClassicReport) throws(LabError) {
        if report.succeeded { return }
        let faults = report.failures.map(\.description) + report.plan.faults.map(\.description)
        throw LabError(action: "put the rules in force", reason: faults.joined(separator: "; "))
    }
}
