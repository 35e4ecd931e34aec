import Addresses
import Datapath
import Policy

/// What happened to the leases of a port, for the log.
public struct LeaseNote: Sendable, Hashable, CustomStringConvertible {
    public enum Event: Sendable, Hashable {
        case change(LeaseChange)
        /// A change that couldn't be made: what the kernel said. Nothing is bound by it.
        case failure(LeaseChange, String)
        /// So many messages of this port were not looked at: there were too many, or nobody read.
        case leftOut(UInt32)
    }

    public var port: Port
    public var guest: String
    public var event: Event
    /// When the message passed, or the lease ended; nanoseconds of CLOCK_BOOTTIME.
    public var time: UInt64

    public init(port: Port, guest: String, _ event: Event, at time: UInt64) {
        self.port = port
        self.guest = guest
        self.event = event
        self.time = time
    }

    /// Whether somebody ought to look: an address that a server gave isn't the guest's to use.
    public var isTrouble: Bool {
        switch event {
        case .change(.refuse), .failure, .leftOut: true
        case .change(.bind), .change(.renew), .change(.unbind): false
        }
    }

    /// One line, without the guest's name: that may hold anything.
    public var description: String { "\(port.name): \(words)" }

    private var words: String {
        switch event {
        case .change(let change): words(of: change)
        case .failure(let change, let reason): "this failed, and nothing was bound: \(words(of: change)): \(reason)"
        case .leftOut(let count): "\(count) DHCP messages were not looked at: there were too many at once, or nobody read them in time"
        }
    }

    private func words(of change: LeaseChange) -> String {
        switch change {
        case .bind(let lease): "\(lease.prefix) is bound by DHCP\(duration(of: lease)), given by \(lease.server)"
        case .renew(let lease): "\(lease.prefix) is renewed by DHCP\(duration(of: lease)), given by \(lease.server)"
        case .unbind(let lease, let why): "\(lease.prefix) isn't bound any more: \(Self.words(of: why))"
        case .refuse(let prefix, let why): "\(prefix) was given by DHCP and isn't bound: \(why.explanation)"
        }
    }

    private func duration(of lease: Lease) -> String { lease.remaining(at: time).map { " for \($0) s" } ?? " for ever" }

    private static func words(of end: LeaseEnd) -> String {
        switch end {
        case .expired: "its time is up"
        case .released: "the guest gave it back"
        case .declined: "the guest found somebody else using it"
        case .withdrawn: "the server took it back"
        case .displaced: "the guest was given another, and may hold \(Lease.maximum4) IPv4 and \(Lease.maximum6) IPv6 leases at once"
        case .departed: "what it was given to isn't there any more"
        }
    }
}
