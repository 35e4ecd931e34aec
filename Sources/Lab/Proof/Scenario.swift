import Addresses
import Packets
import Policy

/// An attack that takes more than frames: ports come and go, bindings change.
struct Scenario: Sendable {
    let name: String
    let rule: String
    let reason: Reason?
    let countedAt: CountingPlace
    /// Where its success shows.
    let shownAt: Site
    /// Whether it succeeded.
    let body: @Sendable (ProofPass) throws -> Bool

    static let all: [Scenario] = [
        Scenario(
            name: "replugged-port-keeps-the-binding", rule: "1", reason: .unjudged, countedAt: .to(.outside), shownAt: .outside
        ) { pass in
            defer { try? pass.guardian?.apply() }
            try pass.network.replug(.db)
            return try pass.network.arrives(Stage.db.ip4(to: Stage.outside, .datagram), from: .db, at: .outside)
        },
        Scenario(
            name: "replugged-port-reaches-a-guest", rule: "1", reason: .unjudged, countedAt: .to(.mail), shownAt: .mail
        ) { pass in
            defer { try? pass.guardian?.apply() }
            try pass.network.replug(.db)
            return try pass.network.arrives(Stage.db.arp(.request, saying: Stage.db.ip4), from: .db, at: .mail)
        },
        Scenario(name: "port-whose-binding-is-taken-away", rule: "1", reason: .noBinding, countedAt: .from(.db), shownAt: .outside) {
            pass in
            defer { try? pass.guardian?.apply() }
            try pass.guardian?.detach(.db)
            return try pass.network.arrives(Stage.db.ip4(to: Stage.outside, .datagram), from: .db, at: .outside)
        },
        Scenario(name: "reading-after-the-binding-is-taken-away", rule: "1", reason: .noBinding, countedAt: .to(.db), shownAt: .db) {
            pass in
            defer { try? pass.guardian?.apply() }
            try pass.guardian?.detach(.db)
            return try pass.network.arrives(Stage.outside.arp(.request, saying: Stage.outside.ip4), from: .outside, at: .db)
        },
        Scenario(name: "former-guests-address-on-a-port", rule: "F2", reason: .ip4Source, countedAt: .from(.db), shownAt: .outside) {
            pass in
            defer { try? pass.guardian?.apply() }
            var binding = Stage.binding(of: .db)!
            binding.guest = "newcomer"
            binding.addresses4 = [IPv4Prefix(Stage.nobody4)]
            try pass.guardian?.apply(binding, for: .db)
            return try pass.network.arrives(Stage.db.ip4(to: Stage.outside, .datagram), from: .db, at: .outside)
        },
        Scenario(
            name: "spoofing-while-bindings-change", rule: "F2", reason: .ip4Source, countedAt: .from(.db), shownAt: .outside
        ) { pass in try Rebinding.run(pass).spoofedArrived > 0 },
    ]
}

extension ProofNetwork {
    /// Sends one frame with a mark of its own, and says whether it arrived once it would have had to.
    func arrives(_ frame: Frame, from sender: Site, at receiver: Site) throws -> Bool {
        let marker = Honest.frame(from: Honest.guest, to: Stage.outside)
        let injection = Injection(sender, bytes: frame.bytes + marker.bytes.suffix(10))
        let (sniffer, outside) = (try sniffer(at: receiver), try self.sniffer(at: .outside))
        try sniffer.clear()
        try outside.clear()
        try send(injection)
        try send(marker)
        guard try outside.first(within: ProofPass.patience, where: { $0.bytes == marker.bytes }) != nil else {
            throw LabError(action: "prove anything", reason: "an honest frame didn't arrive at outside")
        }
        try sniffer.drain()
        return sniffer.frames.contains { $0.bytes == injection.bytes }
    }
}
