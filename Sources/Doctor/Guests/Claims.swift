import Addresses
import Policy
import Reporting

/// Who has used which MAC or address that isn't its own, in the last day.
struct Claims: Sendable, Hashable {
    var holdings: Holdings
    var breaches: [Breach]

    /// A guest decides what is in its frames: of each one's claims no more than this many are told.
    private static let most = 8

    var findings: [Finding] {
        var groups: [Key: Claim] = [:]
        for breach in breaches {
            let identities = Set(breach.samples.compactMap { Identity($0, breach.reason) })
            for identity in identities {
                let key = Key(who: breach.guest ?? breach.port, port: breach.port, bridge: breach.bridge, identity: identity)
                groups[key, default: Claim()].add(breach)
            }
        }
        let byPort = Dictionary(grouping: groups) { $0.key.port }.sorted { $0.key < $1.key }
        return byPort.flatMap { port, claims in
            let ranked = claims.sorted { ($1.value.count, $0.key.identity) < ($0.value.count, $1.key.identity) }
            let told = Array(ranked.prefix(Self.most))
            return told.compactMap { finding($0.key, $0.value) } + unlisted(told) + rest(port, ranked.count)
        }
    }

    private struct Key: Hashable {
        var who: String
        var port: String
        var bridge: String
        var identity: Identity
    }

    private struct Claim {
        var count: UInt64 = 0
        var reasons: Set<Reason> = []
        var passed = false
        var isFromUplink = false
        var guest: String?

        mutating func add(_ breach: Breach) {
            count &+= breach.count
            reasons.insert(breach.reason)
            passed = passed || breach.wasAudited
            isFromUplink = isFromUplink || breach.direction == .fromUplink
            guest = breach.guest
        }

        /// How many frames broke the rule, with whatever identity, and what became of them.
        var words: String {
            let names = reasons.map(\.name).sorted().joined(separator: ", ")
            return "\(counted(count, "frame")) of the last day that \(passed ? "audit mode let pass" : "were dropped") as \(names)"
        }
    }

    private func rest(_ port: String, _ count: Int) -> [Finding] {
        guard count > Self.most else { return [] }
        return [
            Finding(
                "claims-many", .warning, "port \(port)", found: "\(count - Self.most) more MACs and addresses that aren't its own",
                meaning: "Whoever uses that many tries them out, or forwards others' traffic (the role transit).",
                mend: ["vifguard events --port \(port.shellWord)"])
        ]
    }

    // MARK: Somebody else's

    private func finding(_ key: Key, _ claim: Claim) -> Finding? {
        let found = "it used \(key.identity), among \(claim.words)"
        switch holdings.holder(of: key.identity, on: key.bridge) {
        case .guest(let owner)? where claim.isFromUplink:
            return Finding(
                "guest-identity-on-uplink", .warning, "uplink \(key.port)", found: found,
                meaning:
                    "It is guest \(owner)'s. Two machines share it, somebody outside takes it for himself, or the guest is moving to or from another host. In that case:",
                mend: ["migrating: true   # at guest \(owner), until it has moved"])
        case .guest(let owner)? where owner != claim.guest:
            return Finding(
                "identity-claimed-by-two", claim.passed ? .problem : .warning, place(key, claim), found: found,
                meaning: "It belongs to guest \(owner) on bridge \(key.bridge): an attack, or a mistake inside the guest. There is nothing to allow."
                    + (claim.passed ? " In audit mode it gets through; to stop it:" : ""),
                mend: claim.passed ? ["mode: enforce   # at guest \(key.who)"] : [])
        case .guest: return nil
        case .reserved(let what)?:
            return Finding(
                "reserved-identity-claimed", claim.passed ? .problem : .warning, place(key, claim), found: found,
                meaning: "It is \(what): an attack, or a mistake inside the guest. There is nothing to allow."
                    + (claim.passed ? " In audit mode it gets through; to stop it:" : ""),
                mend: claim.passed ? ["mode: enforce   # at guest \(key.who)"] : [])
        case nil: return nil
        }
    }

    private func place(_ key: Key, _ claim: Claim) -> String {
        claim.guest.map { "guest \($0), port \(key.port)" } ?? "port \(key.port)"
    }

    // MARK: Nobody's

    /// What a guest uses that the policy gives to nobody, and the lines that give it to that guest.
    private func unlisted(_ claims: [(key: Key, value: Claim)]) -> [Finding] {
        let free = claims.filter { key, claim in
            claim.guest != nil && !claim.isFromUplink && holdings.holder(of: key.identity, on: key.bridge) == nil
        }
        guard let (key, first) = free.first, let guest = first.guest,
            let binding = holdings.binding(of: guest, port: key.port, bridge: key.bridge)
        else { return [] }
        let strangers = free.filter { $0.key.identity.isSelfAssigned || !holdings.isLocal($0.key.identity, on: key.bridge) }.map(\.key.identity)
        let own = free.map(\.key.identity).filter { !strangers.contains($0) }
        var findings: [Finding] = []
        if !own.isEmpty {
            findings.append(
                Finding(
                    "identity-unlisted", .warning, "guest \(guest), port \(key.port)",
                    found: "it used \(Self.words(own)), among \(first.words)",
                    meaning: "Nobody has that on bridge \(key.bridge). If it is to be the guest's, write in the policy:",
                    mend: Self.lines(binding, own)))
        }
        if !strangers.isEmpty {
            findings.append(
                Finding(
                    "identity-foreign", .note, "guest \(guest), port \(key.port)", found: "it used \(Self.words(strangers))",
                    meaning:
                        "No subnet of bridge \(key.bridge) has that: traffic of containers or a VPN inside the guest, or a guest that found no DHCP server. If the guest is a router for others:",
                    mend: ["roles: [transit]   # at guest \(guest)"]))
        }
        return findings
    }

    private static func words(_ identities: [Identity]) -> String { identities.sorted().map(\.description).joined(separator: ", ") }

    /// The lines of the policy that list what the binding has, and these too.
    private static func lines(_ binding: Binding, _ identities: [Identity]) -> [String] {
        var macs = binding.macs.map(\.description)
        var addresses = binding.addresses4.map(\.description) + binding.addresses6.map { "\"\($0)\"" } + (binding.usesDHCP ? ["dhcp"] : [])
        var linkLocals = binding.linkLocals.map { "\"\($0)\"" }
        let before = (macs.count, addresses.count, linkLocals.count)
        for identity in identities.sorted() {
            switch identity {
            case .mac(let mac): macs.append(mac.description)
            case .address(.v6(let address)) where address.isLinkLocal: linkLocals.append("\"\(address)\"")
            case .address(.v6(let address)): addresses.append("\"\(address)\"")
            case .address(.v4(let address)): addresses.append(address.description)
            }
        }
        var lines: [String] = []
        if macs.count > before.0 { lines.append("macs: [\(macs.joined(separator: ", "))]" + (macs.count > 4 ? "   # four at most" : "")) }
        if addresses.count > before.1 { lines.append("addresses: [\(addresses.joined(separator: ", "))]") }
        if linkLocals.count > before.2 {
            lines.append("link-local: {mode: \(binding.linkLocalMode.rawValue), addresses: [\(linkLocals.joined(separator: ", "))]}")
        }
        return lines
    }
}
