import Addresses
import Packets

/// What guests have asked of DHCP servers lately, and so which answers count (RFC 7513 6.4). A value that is fed with every
/// message between a guest and its servers, in order, and says what each does to the guest's leases; it keeps none itself.
public struct LeaseBook: Sendable {
    /// How long after a request its answer counts, in nanoseconds: a client waits 64 s at most (RFC 2131 4.1), and asks
    /// again under the same number.
    public static let patience: UInt64 = 60_000_000_000
    /// Requests remembered of one port; the oldest goes.
    public static let maximumTransactions = 16

    private var transactions: [UInt32: [LeaseTransaction]] = [:]

    public init() {}

    /// Takes a message that a guest sent, in a frame that passed all rules.
    ///
    /// - Parameter time: when it passed, nanoseconds of CLOCK_BOOTTIME.
    public mutating func take(fromGuest message: LeaseMessage, on site: LeaseSite, at time: UInt64) -> [LeaseChange] {
        switch message.content {
        case .v4(let content):
            switch content.messageType {
            case DHCPv4Message.discover where content.hasRapidCommit: open(content.transaction, message.mac, .rapid, site, time)
            case DHCPv4Message.request:
                let address = content.clientAddress.isAny ? content.requestedAddress : content.clientAddress
                open(content.transaction, message.mac, .request(address), site, time)
            case DHCPv4Message.inform: open(content.transaction, message.mac, .inform, site, time)
            case DHCPv4Message.decline: return Self.end(content.requestedAddress, .declined, site)
            case DHCPv4Message.release: return Self.end(content.clientAddress, .released, site)
            default: break
            }
        case .v6(let content):
            guard let number = content.transaction, let client = content.clientIdentifier else { return [] }
            switch content.type {
            case DHCPv6Message.solicit where content.hasRapidCommit: open(number, message.mac, .rapid, site, time, client)
            case DHCPv6Message.request, DHCPv6Message.renew, DHCPv6Message.rebind: open(number, message.mac, .request6, site, time, client)
            case DHCPv6Message.release: return Self.end(content, .released, site)
            case DHCPv6Message.decline: return Self.end(content, .declined, site)
            default: break
            }
        }
        return []
    }

    /// Takes a message that a guest is about to receive, in a frame that passed all rules.
    ///
    /// - Parameter time: as above.
    public func take(toGuest message: LeaseMessage, on site: LeaseSite, at time: UInt64) -> [LeaseChange] {
        guard message.isAtHand else { return [] }
        return switch message.content {
        case .v4(let content): answer(content, message, site, time)
        case .v6(let content): answer(content, message, site, time)
        }
    }

    /// Whether an answer is one to a request of the guest's, so that `take` may bind something: only then it matters whose
    /// what it gives is.
    public func isExpected(_ message: LeaseMessage, at port: UInt32, _ time: UInt64) -> Bool {
        guard message.isAtHand else { return false }
        return switch message.content {
        case .v4(let content): request(content, message, port, time) != nil
        case .v6(let content): request(content, port, time) != nil
        }
    }

    /// Forgets requests that nobody will answer any more.
    public mutating func expire(at time: UInt64) {
        for port in transactions.keys { prune(port, time) }
    }

    // MARK: Requests

    private mutating func open(
        _ number: UInt32, _ mac: MACAddress, _ kind: LeaseTransaction.Kind, _ site: LeaseSite, _ time: UInt64, _ client: Bytes? = nil
    ) {
        prune(site.port, time)
        var open = transactions[site.port] ?? []
        open.removeAll { $0.number == number && $0.mac == mac && $0.client == client }
        if open.count >= Self.maximumTransactions { open.removeFirst() }
        open.append(LeaseTransaction(number: number, mac: mac, client: client, kind: kind, time: time))
        transactions[site.port] = open
    }

    private mutating func prune(_ port: UInt32, _ time: UInt64) {
        let open = transactions[port]?.filter { $0.isOpen(at: time) } ?? []
        transactions[port] = open.isEmpty ? nil : open
    }

    /// What a DHCPv4 message answers.
    private func request(_ content: DHCPv4Message, _ message: LeaseMessage, _ port: UInt32, _ time: UInt64) -> LeaseTransaction? {
        transactions[port]?.last { $0.isOpen(at: time) && $0.client == nil && $0.number == content.transaction && $0.mac == message.mac }
    }

    /// What a DHCPv6 message answers.
    private func request(_ content: DHCPv6Message, _ port: UInt32, _ time: UInt64) -> LeaseTransaction? {
        guard let number = content.transaction, let client = content.clientIdentifier else { return nil }
        return transactions[port]?.last { $0.isOpen(at: time) && $0.number == number && $0.client == client }
    }

    // MARK: Answers

    private func answer(_ content: DHCPv4Message, _ message: LeaseMessage, _ site: LeaseSite, _ time: UInt64) -> [LeaseChange] {
        let type = content.messageType
        guard content.operation == 2, type == DHCPv4Message.acknowledgement || type == DHCPv4Message.negativeAcknowledgement else { return [] }
        let asked = request(content, message, site.port, time)
        if type == DHCPv4Message.negativeAcknowledgement {
            guard site.isTrusted, case .request(let address)? = asked?.kind else { return [] }
            return Self.end(address, .withdrawn, site)
        }
        // An INFORM's answer gives no address (RFC 2131 4.3.5).
        if case .inform? = asked?.kind { return [] }
        guard let prefix = message.granted.first else { return [] }
        if !site.isTrusted { return [.refuse(prefix, .untrusted)] }
        guard let asked else { return content.leaseTime == nil ? [] : [.refuse(prefix, .unsolicited)] }
        if case .rapid = asked.kind, !content.hasRapidCommit { return [.refuse(prefix, .unsolicited)] }
        guard let seconds = content.leaseTime, seconds > 0 else { return [.refuse(prefix, .timeless)] }
        let server: IPAddress = content.serverIdentifier.map { .v4($0) } ?? message.source
        return Self.grant(prefix, seconds, asked.mac, server, [prefix], site, time)
    }

    private func answer(_ content: DHCPv6Message, _ message: LeaseMessage, _ site: LeaseSite, _ time: UInt64) -> [LeaseChange] {
        // RFC 8415 16.10: a reply without a server's name, or to another client, is none.
        guard content.type == DHCPv6Message.reply, content.status == 0, content.transaction != nil, content.serverIdentifier != nil,
            content.clientIdentifier != nil
        else { return [] }
        // RFC 8415 21.13: what came to nothing says so.
        let grants = content.associations.filter { $0.status == 0 }.flatMap(\.grants).filter { $0.status == 0 }
        let asked = request(content, site.port, time)
        let given = Set(grants.filter { $0.validLifetime > 0 }.map { IPPrefix.v6($0.prefix) })
        var site = site
        var changes: [LeaseChange] = []
        for grant in grants {
            let prefix = IPPrefix.v6(grant.prefix)
            let fresh: [LeaseChange]
            if !site.isTrusted {
                fresh = [.refuse(prefix, .untrusted)]
            } else if let asked, asked.isAnswered(by: content) {
                fresh =
                    grant.validLifetime == 0
                    ? site.leases.filter { $0.prefix == prefix }.map { .unbind($0, .withdrawn) }
                    : Self.grant(prefix, grant.validLifetime, asked.mac, message.source, given, site, time)
            } else {
                fresh = [.refuse(prefix, .unsolicited)]
            }
            changes += fresh
            for change in fresh { site.leases.apply(change) }
        }
        return changes
    }

    /// Nothing where it is the guest's anyway.
    private static func grant(
        _ prefix: IPPrefix, _ seconds: UInt32, _ mac: MACAddress, _ server: IPAddress, _ answer: Set<IPPrefix>, _ site: LeaseSite, _ time: UInt64
    ) -> [LeaseChange] {
        if site.binding.holds(prefix) { return [] }
        // The kernel program has looked at chaddr; the binding may be another since.
        guard site.binding.macs.contains(mac) else { return [.refuse(prefix, .unsolicited)] }
        if let refusal = site.refusal(of: prefix) { return [.refuse(prefix, refusal)] }
        let lease = Lease(
            bridge: site.bridge, port: site.port, mac: mac, prefix: prefix, expiry: Lease.expiry(of: seconds, from: time), server: server)
        return site.leases.contains { $0.prefix == prefix } ? [.renew(lease)] : site.admit(lease, with: answer, at: time)
    }

    // MARK: Ends

    private static func end(_ address: IPv4Address?, _ why: LeaseEnd, _ site: LeaseSite) -> [LeaseChange] {
        guard let address else { return [] }
        return site.leases.filter { $0.prefix == .v4(IPv4Prefix(address)) }.map { .unbind($0, why) }
    }

    private static func end(_ content: DHCPv6Message, _ why: LeaseEnd, _ site: LeaseSite) -> [LeaseChange] {
        let named = Set(content.associations.flatMap(\.grants).map { IPPrefix.v6($0.prefix) })
        return site.leases.filter { named.contains($0.prefix) }.map { .unbind($0, why) }
    }
}

extension [Lease] {
    /// Does to a port's leases as `change` says.
    public mutating func apply(_ change: LeaseChange) {
        switch change {
        case .bind(let lease), .renew(let lease):
            removeAll { $0.bridge == lease.bridge && $0.prefix == lease.prefix }
            append(lease)
        case .unbind(let lease, _): removeAll { $0 == lease }
        case .refuse: break
        }
    }
}
