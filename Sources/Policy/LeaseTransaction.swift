import Addresses
import Packets

/// What a guest has asked of DHCP servers, so that the answer is known when it comes.
struct LeaseTransaction: Sendable {
    enum Kind {
        /// DHCPv4 discover or DHCPv6 solicit that would have an answer at once.
        case rapid
        /// DHCPv4 request, and which address of the client's a NAK would end.
        case request(IPv4Address?)
        /// DHCPv6 request, renew or rebind.
        case request6
        /// Wants no address.
        case inform
    }

    /// The client's own number for it.
    var number: UInt32
    var mac: MACAddress
    /// DHCPv6's client; nil for DHCPv4.
    var client: Bytes?
    var kind: Kind
    /// Nanoseconds of CLOCK_BOOTTIME.
    var time: UInt64

    /// Whether an answer counts.
    func isOpen(at time: UInt64) -> Bool { self.time > time || time - self.time <= LeaseBook.patience }

    /// RFC 8415 18.2.10: a solicit is answered by a reply with Rapid Commit alone.
    func isAnswered(by reply: DHCPv6Message) -> Bool {
        switch kind {
        case .rapid: reply.hasRapidCommit
        case .request6: true
        case .request, .inform: false
        }
    }
}
