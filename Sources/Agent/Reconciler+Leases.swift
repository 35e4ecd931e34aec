import Datapath
import Enforcement
import Logging
import Policy
import Reporting

// What DHCP servers give to guests.
extension Reconciler {
    /// A keeper for the maps in force. There is one a host: what one takes, no other sees. Until a policy has been read there
    /// is none, and messages wait: without its subnets any address could be given away.
    func keepLeases(by policy: HostPolicy) {
        leases?.policy = policy
        guard let datapath, leases == nil else { return }
        do {
            leases = try LeaseKeeper(datapath: datapath, policy: policy)
        } catch {
            log.error("leases can't be kept: \("\(error)".visible)")
        }
    }

    /// Binds what was given since, and unbinds what has expired.
    func followLeases() {
        guard let leases else { return }
        do {
            var notes = try leases.read()
            if let expiry = leases.nextExpiry, expiry <= Datapath.bootTime { notes += try leases.expire() }
            for note in notes { tell(note) }
        } catch {
            log.error("leases can't be changed: \("\(error)".visible)")
            if Self.meansAnotherLoaded(error) { (datapath, self.leases) = (nil, nil) }
            schedule.request(.again, now: .now)
        }
    }

    /// How long until a lease ends; nil if none does.
    var leaseDelay: Duration? {
        leases?.nextExpiry.map { expiry in
            let now = Datapath.bootTime
            return .nanoseconds(Int64(clamping: expiry > now ? expiry - now : 0))
        }
    }

    /// A hostile guest can ask as often as it likes: lines are bounded.
    private func tell(_ note: LeaseNote) {
        guard leaseLines.take(from: &leaseLinesFullAt, now: Moment.now().monotonic) else { return }
        log.log(
            level: note.isTrouble ? .warning : .info, "\(note.description.visible)",
            metadata: ["guest": "\(note.guest.visible)", "port": "\(note.port.name.visible)", "bridge": "\(note.port.bridgeName.visible)"])
    }
}
