import Addresses
import Policy

/// What DHCP has given to a guest, for as long as it says.
package struct LeaseFacts: Encodable {
    /// An address, or a delegated prefix.
    package var address: String
    /// The client's.
    package var mac: String
    /// Who gave it.
    package var server: String
    /// How much longer it holds; 0: its time is up, and it is about to be unbound. nil: for ever.
    package var secondsLeft: UInt64?

    /// - Parameter now: nanoseconds of CLOCK_BOOTTIME.
    package init(_ lease: Lease, now: UInt64) {
        address = lease.prefix.description
        mac = lease.mac.description
        server = lease.server.description
        secondsLeft = lease.remaining(at: now)
    }

    /// "192.0.2.77 for 3600 s more"
    package var words: String { address + (secondsLeft.map { " for \($0) s more" } ?? " for ever") }
}
